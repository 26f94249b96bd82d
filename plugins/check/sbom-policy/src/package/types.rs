//! The types of package URLs: which there are, and how the names of each are compared.

use std::collections::BTreeSet;
use std::sync::OnceLock;

/// The types that the purl specification defines (`purl-types-index.json`).
const DEFINED: [&str; 42] = [
    "alpm",
    "apk",
    "bazel",
    "bitbucket",
    "bitnami",
    "brew",
    "cargo",
    "chrome-extension",
    "cocoapods",
    "composer",
    "conan",
    "conda",
    "cpan",
    "cran",
    "deb",
    "docker",
    "gem",
    "generic",
    "git",
    "github",
    "golang",
    "hackage",
    "hex",
    "huggingface",
    "julia",
    "luarocks",
    "maven",
    "mlflow",
    "npm",
    "nuget",
    "oci",
    "opam",
    "otp",
    "pub",
    "pypi",
    "qpkg",
    "rpm",
    "swid",
    "swift",
    "vcpkg",
    "vscode-extension",
    "yocto",
];

/// The types that the purl specification names as candidates.
const CANDIDATES: [&str; 41] = [
    "android",
    "apache",
    "atom",
    "bower",
    "buildroot",
    "carthage",
    "chef",
    "chocolatey",
    "clojars",
    "coreos",
    "crystal",
    "ctan",
    "drupal",
    "dtype",
    "dub",
    "ebuild",
    "eclipse",
    "elm",
    "gitea",
    "gitlab",
    "gradle",
    "guix",
    "haxe",
    "helm",
    "melpa",
    "meteor",
    "nim",
    "nix",
    "openwrt",
    "osgi",
    "p2",
    "pear",
    "platformio",
    "puppet",
    "raku",
    "sourceforge",
    "sublime",
    "terraform",
    "vagrant",
    "vim",
    "wordpress",
];

/// Types that were proposed to the purl specification.
const PROPOSED: [&str; 19] = [
    "agentskills",
    "ansible",
    "bsd",
    "chrome",
    "edge-extension",
    "firefox-extension",
    "fusesoc",
    "getit",
    "gitee",
    "ips",
    "nipkg",
    "openvsx",
    "powershell",
    "smartsetup",
    "spack",
    "vipm",
    "virtual",
    "vscode",
    "vsx",
];

/// Types of no standard that common tools write.
const WRITTEN_BY_TOOLS: [&str; 8] =
    ["githubactions", "k8s", "opkg", "pecl", "portage", "swiplpack", "winget", "wordpress-plugin"];

/// Whether there is such a type, which is in lower case.
pub(super) fn is_known(kind: &str) -> bool {
    static KNOWN: OnceLock<BTreeSet<&str>> = OnceLock::new();
    KNOWN.get_or_init(|| all().collect()).contains(kind)
}

/// The type that may have been meant by one that there is not.
pub(super) fn meant(kind: &str) -> Option<&'static str> {
    let most = if kind.len() < 6 { 1 } else { 2 };
    let rated = all().map(|known| (strsim::osa_distance(kind, known), known));
    rated.filter(|(distance, _)| *distance <= most).min().map(|(_, known)| known)
}

fn all() -> impl Iterator<Item = &'static str> {
    DEFINED.into_iter().chain(CANDIDATES).chain(PROPOSED).chain(WRITTEN_BY_TOOLS)
}

/// Whether namespaces and names of that type are not told apart by case. Some types are here although their definitions do
/// not ask for it, or not always: `golang` and `npm`, whose names some editions put into lower case and others do not, so
/// that SBOMs have both; `nuget`, whose registry does not tell the case apart; `docker`, whose registries take lower case
/// alone; `gitea`, `gitlab` and `swift`, which name repositories of hosts that do not tell the case apart; `mlflow`, where
/// it depends on the server.
pub(super) fn is_caseless(kind: &str) -> bool {
    matches!(
        kind,
        "alpm"
            | "apk"
            | "bitbucket"
            | "bitnami"
            | "brew"
            | "chrome-extension"
            | "composer"
            | "deb"
            | "docker"
            | "gitea"
            | "github"
            | "githubactions"
            | "gitlab"
            | "golang"
            | "hex"
            | "luarocks"
            | "mlflow"
            | "npm"
            | "nuget"
            | "oci"
            | "otp"
            | "pub"
            | "pypi"
            | "swift"
            | "vscode-extension"
    )
}

/// Whether the namespaces of that type alone are not told apart by case.
pub(super) fn has_caseless_namespace(kind: &str) -> bool {
    matches!(kind, "qpkg" | "rpm" | "yocto")
}

/// Whether packages of a type have a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Namespace {
    Required,
    Optional,
    Prohibited,
}

/// Whether packages of that type have a namespace, as the definitions of the purl specification have it. `golang` is an
/// exception: tools write the standard library as `pkg:golang/stdlib`.
pub(super) fn namespace(kind: &str) -> Namespace {
    match kind {
        "alpm" | "apk" | "bitbucket" | "composer" | "deb" | "git" | "github" | "huggingface" | "maven" | "qpkg"
        | "rpm" | "swift" | "vscode-extension" => Namespace::Required,
        "bazel" | "bitnami" | "cargo" | "chrome-extension" | "cocoapods" | "conda" | "cran" | "gem" | "hackage"
        | "julia" | "mlflow" | "nuget" | "oci" | "opam" | "otp" | "pub" | "pypi" | "vcpkg" => Namespace::Prohibited,
        _ => Namespace::Optional,
    }
}

/// Whether a name of that type can hold the character. The registries of most types take letters, digits and few others;
/// the types named here are those of which this is not known. Letters beyond ASCII count as letters.
pub(super) fn can_name(kind: &str, character: char) -> bool {
    if !character.is_ascii() || character.is_ascii_alphanumeric() || "-._~+!'()".contains(character) {
        return true;
    }
    matches!(kind, "alpm" | "brew" | "cpan" | "generic" | "git" | "k8s" | "mlflow" | "nix" | "swid" | "virtual")
        || !is_known(kind)
}

/// Whether a namespace of that type can hold the character. A few are hosts, which can have a port.
pub(super) fn can_name_namespace(kind: &str, character: char) -> bool {
    can_name(kind, character)
        || (character == ':'
            && matches!(kind, "docker" | "gitea" | "gitee" | "gitlab" | "golang" | "helm" | "swift" | "terraform"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_type_is_told_with_the_one_that_was_meant() {
        for (written, known) in [
            ("nmp", Some("npm")),
            ("nppm", Some("npm")),
            ("pyp", Some("pypi")),
            ("carg", Some("cargo")),
            ("mavne", Some("maven")),
            ("compsoer", Some("composer")),
            ("githbu", Some("github")),
            ("java", None),
            ("x", None),
        ] {
            assert_eq!(meant(written), known, "{written}");
            assert!(!is_known(written), "{written}");
        }
        assert!(all().all(|known| is_known(known) && meant(known) == Some(known)));
    }
}
