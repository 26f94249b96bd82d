//! Package URLs in their normal form, and patterns over them.
//!
//! [`Parts`] takes package URLs apart, and holds them against the rules of their types. [`name_of`] brings them into a normal
//! form: a package must not pass a rule because a tool writes it otherwise.

use std::borrow::Cow;
use std::collections::BTreeMap;

use lockgate_plugin::Pattern;
use unicode_normalization::UnicodeNormalization as _;

use super::parts::Parts;
use super::types::{has_caseless_namespace, is_caseless, is_known, meant};

/// A package URL, as far as rules need it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Purl {
    /// The type.
    kind: String,
    /// Scheme, type, namespace and name in their normal form, with nothing escaped: `pkg:npm/@scope/name`.
    base: String,
    /// The version.
    pub(crate) version: Option<String>,
}

impl Purl {
    /// Reads a package URL, or tells why it is none. Blanks and line breaks around it do not count.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let rest = without_scheme(text).ok_or("it does not begin with `pkg:`")?;
        let parts = Parts::read(rest)?;
        let kind = parts.kind()?;
        // A type that is not known may be one of a tool's own, but one that is nearly a known one would pass its rules.
        if !is_known(&kind)
            && let Some(known) = meant(&kind)
        {
            return Err(format!("there is no type `{kind}`: did you mean `{known}`?"));
        }
        parts.check(&kind, false)?;
        let base = name_of(&kind, parts.namespace.as_deref(), &parts.name);
        Ok(Self { kind, base, version: parts.version })
    }
}

/// What follows the scheme, which is in any case.
fn without_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked("pkg:".len())?;
    scheme.eq_ignore_ascii_case("pkg:").then_some(rest)
}

/// What the package is called in the normal form of its type. Stars stay as they are.
fn name_of(kind: &str, namespace: Option<&str>, name: &str) -> String {
    let caseless = is_caseless(kind);
    let name = match kind {
        // As PyPI itself has it: runs of `-`, `_` and `.` are one `-`.
        "pypi" => Cow::Owned(name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")),
        "pub" => Cow::Owned(name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '*', "_")),
        _ => Cow::Borrowed(name),
    };
    let mut base = String::with_capacity("pkg:".len() + kind.len() + namespace.map_or(0, str::len) + name.len() + 2);
    base.push_str("pkg:");
    base.push_str(kind);
    base.push('/');
    if let Some(namespace) = namespace {
        push(&mut base, namespace, caseless || has_caseless_namespace(kind));
        base.push('/');
    }
    push(&mut base, &name, caseless);
    base
}

/// Appends a part in its normal form: composed (NFC), and in lower case if the case of its letters does not count.
fn push(base: &mut String, part: &str, in_lower_case: bool) {
    match (part.is_ascii(), in_lower_case) {
        (true, true) if part.bytes().any(|byte| byte.is_ascii_uppercase()) => base.push_str(&part.to_ascii_lowercase()),
        (true, _) => base.push_str(part),
        (false, false) => base.extend(part.nfc()),
        (false, true) => base.extend(part.nfc().collect::<String>().to_lowercase().nfc()),
    }
}

/// A pattern over package URLs without version.
#[derive(Debug)]
pub(crate) struct PackagePattern {
    kind: String,
    /// Over the normal form.
    pattern: Pattern,
}

impl PackagePattern {
    /// Reads a pattern, or tells why it can never fit a package.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let Some(rest) = without_scheme(text) else {
            let likely = if text.contains('/') { text } else { "npm/left-pad" };
            return Err(format!(
                "`{text}` is no package URL, which is written as `pkg:type/name`, for example `pkg:{likely}`"
            ));
        };
        let wrong = |why: &str| format!("`{text}` fits no package URL: {why}");
        if let Some(mark) = rest.chars().find(|c| matches!(c, '?' | '#')) {
            return Err(wrong(&format!(
                "a rule is about a package as a whole, so leave out what begins with `{mark}`"
            )));
        }
        if let Some(mark) = rest.chars().find(|c| matches!(c, '[' | ']' | '{' | '}')) {
            let code = u32::from(mark);
            return Err(wrong(&format!(
                "only stars stand for other characters, and `{mark}` itself is written `%{code:02X}`"
            )));
        }
        if rest.trim_start_matches('/').split('/').next().is_some_and(|kind| kind.contains('*')) && rest.contains('/') {
            return Err(wrong("a type is written without stars, so write a rule for each type"));
        }
        let parts = Parts::read(rest).map_err(|why| wrong(&why))?;
        if let Some(version) = &parts.version {
            return Err(wrong(&format!("a rule names versions apart, so leave out `@{version}`")));
        }
        let kind = parts.kind().map_err(|why| wrong(&why))?;
        if !is_known(&kind) {
            let hint = meant(&kind).map(|known| format!(": did you mean `{known}`?")).unwrap_or_default();
            return Err(wrong(&format!("the purl specification has no type `{kind}`{hint}")));
        }
        parts.check(&kind, true).map_err(|why| wrong(&why))?;
        let pattern = Pattern::new(name_of(&kind, parts.namespace.as_deref(), &parts.name));
        Ok(Self { kind, pattern })
    }
}

/// Values for packages, found by package URL. However many there are, few patterns are held against a package.
#[derive(Debug)]
pub(crate) struct ByPackage<T> {
    /// The values of patterns without stars, by the one package that each fits.
    exact: BTreeMap<String, Vec<T>>,
    /// The values of the other patterns, by type.
    starred: BTreeMap<String, Vec<(Pattern, T)>>,
}

impl<T> Default for ByPackage<T> {
    fn default() -> Self {
        Self { exact: BTreeMap::new(), starred: BTreeMap::new() }
    }
}

impl<T> ByPackage<T> {
    pub(crate) fn insert(&mut self, package: PackagePattern, value: T) {
        let text = package.pattern.to_string();
        if text.contains('*') {
            self.starred.entry(package.kind).or_default().push((package.pattern, value));
        } else {
            self.exact.entry(text).or_default().push(value);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.starred.is_empty()
    }

    /// The values of all patterns that fit the package.
    pub(crate) fn of<'a>(&'a self, purl: &Purl) -> impl Iterator<Item = &'a T> {
        let starred = self.starred.get(&purl.kind).into_iter().flatten();
        let exact = self.exact.get(&purl.base).into_iter().flatten();
        exact.chain(starred.filter(|(pattern, _)| pattern.matches(&purl.base)).map(|(_, value)| value))
    }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, Option<String>) {
        let purl = Purl::read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (purl.base, purl.version)
    }

    fn fits(pattern: &str, purl: &str) -> bool {
        let mut rules = ByPackage::default();
        rules.insert(PackagePattern::read(pattern).unwrap_or_else(|error| panic!("{error}")), ());
        let purl = Purl::read(purl).unwrap_or_else(|error| panic!("{purl}: {error}"));
        rules.of(&purl).next().is_some()
    }

    #[test]
    fn package_urls_are_taken_apart() {
        let purl = |base: &str, version: &str| (base.to_owned(), (!version.is_empty()).then(|| version.to_owned()));
        assert_eq!(read("pkg:cargo/serde@1.0.200"), purl("pkg:cargo/serde", "1.0.200"));
        assert_eq!(read("pkg:NPM/%40angular/core@17.0.0?a=b%40c#d/e%40f"), purl("pkg:npm/@angular/core", "17.0.0"));
        assert_eq!(read("pkg:npm/@angular/core"), purl("pkg:npm/@angular/core", ""));
        assert_eq!(read("pkg:npm/%40angular%2Fcore@1"), purl("pkg:npm/@angular/core", "1"));
        assert_eq!(read("pkg:maven/org.x/y@1.0%2Bb1"), purl("pkg:maven/org.x/y", "1.0+b1"));
        assert_eq!(read("pkg:generic/100%@1"), purl("pkg:generic/100%", "1"));
        assert_eq!(read("PKG:npm/left-pad@"), purl("pkg:npm/left-pad", ""));
        assert_eq!(read("pkg://npm//left-pad@1.0.0"), purl("pkg:npm/left-pad", "1.0.0"));
        assert_eq!(read(" pkg:npm/left-pad@1.0.0\n"), purl("pkg:npm/left-pad", "1.0.0"));
        assert_eq!(read("pkg:generic/My%20App"), purl("pkg:generic/My App", ""));
        assert_eq!(read("pkg:a-tool-of-ours/x"), purl("pkg:a-tool-of-ours/x", ""));
        for wrong in [
            "",
            "left-pad",
            "cargo/serde@1",
            "pkg:cargo",
            "pkg:/x",
            "pkg:cargo/",
            "pkg:cargo/@1.0",
            "pkg:ca_rgo/x",
            "pkg:пакет",
            "pkg:npm/%ff",
            "pkg:cargo/a/b",
            "pkg:composer/laravel",
            "pkg:npm/x?1=y",
            "pkg:nmp/x",
            "pkg:npm/x%20",
            "pkg:npm/%E2%80%8Bx",
            "pkg:npm/@a%09/x",
        ] {
            assert!(Purl::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_version_is_what_follows_the_one_at_sign_whatever_it_holds() {
        for (text, version) in [
            ("pkg:npm/evil@feature/x", "feature/x"),
            ("pkg:npm/evil@a/b", "a/b"),
            ("pkg:npm/evil@git+https://x", "git+https://x"),
            ("pkg:npm/evil@git+ssh://x/y.git#abc@1", "git+ssh://x/y.git"),
            ("pkg:npm/evil@https://x.y/z.tgz?a=b@c/d", "https://x.y/z.tgz"),
            ("pkg:npm/evil@file:../x", "file:../x"),
            ("pkg:npm/evil@file%3A..%2Fx", "file:../x"),
            ("pkg:npm/evil@npm:%40x/y%401", "npm:@x/y@1"),
            ("pkg:npm/evil@1.0.0/", "1.0.0/"),
            ("pkg:npm/evil/@1.0.0", "1.0.0"),
            ("pkg:npm/evil%2f@1.0.0", "1.0.0"),
            ("pkg:npm/%2fevil@1.0.0", "1.0.0"),
            ("pkg:npm/evil?a=b?c=d/e", ""),
            ("pkg:npm/evil#a#b/c@1", ""),
        ] {
            let version = (!version.is_empty()).then(|| version.to_owned());
            assert_eq!(read(text), ("pkg:npm/evil".to_owned(), version), "{text}");
        }
        assert_eq!(read("pkg:npm/@bad/evil@a/b"), ("pkg:npm/@bad/evil".to_owned(), Some("a/b".to_owned())));
        assert_eq!(read("pkg:golang/github.com%2Fevil%2Fx@v1").0, "pkg:golang/github.com/evil/x");
    }

    #[test]
    fn what_could_be_another_package_is_no_package_url() {
        for (text, why) in [
            ("pkg:npm/evil@npm:@x/y@1", "it has several `@`"),
            ("pkg:generic/evil@1/2@3", "it has several `@`"),
            ("pkg:npm/./evil@1", "the segment `.`"),
            ("pkg:npm/../evil@1.0.0", "the segment `..`"),
            ("pkg:npm/x/../evil@1.0.0", "the segment `..`"),
            ("pkg:npm/%2e%2e%2Fevil@1.0.0", "the segment `..`"),
            ("pkg:npm/event-stream%403.3.6", "no name of the type `npm` has a `@`"),
            ("pkg:npm/%2540bad/x@1.0.0", "begins with `@`"),
            ("pkg:npm/bad/x", "the namespace of an npm package begins with `@`"),
            ("pkg:npm/@bad/y/z@1.0.0", "the namespace of an npm package is one scope"),
            ("pkg:npm/@/x@1.0.0", "the namespace of an npm package is one scope"),
            ("pkg:npm/evil;x@1.0.0", "no name of the type `npm` has a `;`"),
            ("pkg:npm/ev il@1.0.0", "no name of the type `npm` has a ` `"),
            ("pkg:pypi/evil[extra]@1", "no name of the type `pypi` has a `[`"),
            ("pkg:docker/evil:1.0", "no name of the type `docker` has a `:`"),
            ("pkg:maven/org.apache.logging.log4j:log4j-core@2.14.1", "packages of the type `maven` have a namespace"),
            ("pkg:maven/x/org.apache.logging.log4j:log4j-core@2.14.1", "no name of the type `maven` has a `:`"),
            ("pkg:maven/a:b/c@1", "no namespace of the type `maven` has a `:`"),
            ("pkg:deb/xz-utils@5.6.1-1", "packages of the type `deb` have a namespace"),
            ("pkg:cargo/evil%2Fx@1", "packages of the type `cargo` have no namespace"),
            ("pkg:generic/%ff", "no UTF-8"),
        ] {
            let refusal = Purl::read(text).err().unwrap_or_else(|| panic!("`{text}` was taken"));
            assert!(refusal.contains(why), "{text}: {refusal}");
        }
    }

    #[test]
    fn names_are_in_the_normal_form_of_their_type() {
        for (written, normal) in [
            ("pypi/PyYAML", "pypi/pyyaml"),
            ("pypi/charset_normalizer", "pypi/charset-normalizer"),
            ("pypi/zope.interface", "pypi/zope-interface"),
            ("pypi/ruamel__yaml", "pypi/ruamel-yaml"),
            ("nuget/Newtonsoft.Json", "nuget/newtonsoft.json"),
            ("github/Acme/Tool", "github/acme/tool"),
            ("bitbucket/Acme/Tool", "bitbucket/acme/tool"),
            ("composer/Laravel/Framework", "composer/laravel/framework"),
            ("golang/github.com/BurntSushi/TOML", "golang/github.com/burntsushi/toml"),
            ("npm/%40Acme/JSONStream", "npm/@acme/jsonstream"),
            ("deb/Debian/Curl", "deb/debian/curl"),
            ("apk/Alpine/Curl", "apk/alpine/curl"),
            ("alpm/Arch/Pacman", "alpm/arch/pacman"),
            ("rpm/Fedora/ImageMagick", "rpm/fedora/ImageMagick"),
            ("hex/Phoenix_HTML", "hex/phoenix_html"),
            ("pub/Flutter-Downloader", "pub/flutter_downloader"),
            ("oci/Debian", "oci/debian"),
            ("brew/Homebrew/Core/OpenSSL", "brew/homebrew/core/openssl"),
            ("gitlab/Acme/Tools/Tool", "gitlab/acme/tools/tool"),
            ("gitea/Acme/Tool", "gitea/acme/tool"),
            ("docker/Library/Nginx", "docker/library/nginx"),
            ("swift/GitHub.com/Alamofire/Alamofire", "swift/github.com/alamofire/alamofire"),
            ("npm/Cafe\u{301}", "npm/caf\u{e9}"),
            ("generic/Cafe%CC%81", "generic/Caf\u{e9}"),
            ("generic/caf%C3%A9/\u{1100}\u{1161}", "generic/caf\u{e9}/\u{ac00}"),
            ("mlflow/CreditFraud", "mlflow/creditfraud"),
            ("vscode-extension/RedHat/Java", "vscode-extension/redhat/java"),
            ("maven/org.Apache/Commons-IO", "maven/org.Apache/Commons-IO"),
            ("cargo/Inflector", "cargo/Inflector"),
            ("gem/RedCloth", "gem/RedCloth"),
            ("huggingface/Microsoft/DeBERTa", "huggingface/Microsoft/DeBERTa"),
            ("hackage/AC-HalfInteger", "hackage/AC-HalfInteger"),
            ("generic/OpenSSL", "generic/OpenSSL"),
        ] {
            assert_eq!(read(&format!("pkg:{written}@1")).0, format!("pkg:{normal}"));
            assert!(fits(&format!("pkg:{written}"), &format!("pkg:{normal}@1")), "{written}");
            assert!(fits(&format!("pkg:{normal}"), &format!("pkg:{written}@1")), "{written}");
        }
    }

    #[test]
    fn patterns_are_in_the_normal_form_too() {
        for (pattern, purl) in [
            ("pkg:NPM/left-pad", "pkg:npm/left-pad@1.0.0"),
            ("PKG:npm//left-pad", "pkg:npm/left-pad"),
            ("pkg:npm/@Evil/*", "pkg:npm/%40evil/thing@1.0.0"),
            ("pkg:npm/%40evil/*", "pkg:npm/@evil/thing"),
            ("pkg:npm/**", "pkg:npm/%40evil/thing"),
            ("pkg:cargo/openssl*", "pkg:cargo/openssl-sys@1"),
            ("pkg:pypi/Zope.*", "pkg:pypi/zope_interface"),
            ("pkg:composer/**", "pkg:composer/laravel/framework"),
            ("pkg:maven/*/log4j*", "pkg:maven/org.apache/log4j-core"),
            ("pkg:maven/**", "pkg:maven/org.apache/log4j-core"),
            ("pkg:chrome-extension/abc*", "pkg:chrome-extension/abcdefghijklmnopabcdefghijklmnop"),
            ("pkg:generic/a%5Bb%5D", "pkg:generic/a[b]@1"),
            ("pkg:npm/*/evil", "pkg:npm/%40bad/evil@1"),
            ("pkg:npm/**/evil", "pkg:npm/%40bad/evil@1"),
            ("pkg:deb/**xz-utils", "pkg:deb/debian/xz-utils@5.6.1-1"),
            ("pkg:golang/stdlib", "pkg:golang/stdlib@1.22.0"),
            ("pkg:brew/openssl%40*", "pkg:brew/openssl%403@3.1.0"),
            ("pkg:julia/Dates", "pkg:julia/Dates@1.9.0?uuid=ade2ca70-3891-5945-98fb-dc099432e06a"),
        ] {
            assert!(fits(pattern, purl), "{pattern}, {purl}");
        }
        assert!(!fits("pkg:golang/github.com/evil/*", "pkg:golang/github.com/evil/deep/thing"));
        assert!(!fits("pkg:npm/left-pad", "pkg:cargo/left-pad"));
        assert!(!fits("pkg:cargo/inflector", "pkg:cargo/Inflector"));
    }

    #[test]
    fn a_pattern_that_can_never_fit_is_refused() {
        for (pattern, why) in [
            ("left-pad", "is written as `pkg:type/name`, for example `pkg:npm/left-pad`"),
            ("pypi/pyyaml", "for example `pkg:pypi/pyyaml`"),
            ("", "is no package URL"),
            ("*", "is no package URL"),
            ("pkg:npm", "it has no name"),
            ("pkg:npm/", "missing name"),
            ("pkg:*/left-pad", "a type is written without stars"),
            ("pkg:**", "it has no name"),
            ("pkg:n_pm/left-pad", "invalid type"),
            ("pkg:npm/left-pad@1.0.0", "a rule names versions apart, so leave out `@1.0.0`"),
            ("pkg:npm/@scope", "missing name"),
            ("pkg:npm/left-pad?arch=x", "leave out what begins with `?`"),
            ("pkg:npm/left-pad#lib", "leave out what begins with `#`"),
            ("pkg:pypi/acme/pyyaml", "packages of the type `pypi` have no namespace"),
            (
                "pkg:maven/log4j",
                "packages of the type `maven` have a namespace before their name; `**` stands for both",
            ),
            ("pkg:composer/*", "packages of the type `composer` have a namespace"),
            ("pkg:cpan/ACME/Foo::Bar", "invalid name"),
            ("pkg:deb/xz-utils", "packages of the type `deb` have a namespace before their name"),
            ("pkg:rpm/xz*", "packages of the type `rpm` have a namespace before their name"),
            ("pkg:apk/curl", "packages of the type `apk` have a namespace before their name"),
            ("pkg:alpm/pacman", "packages of the type `alpm` have a namespace before their name"),
            ("pkg:github/tool", "packages of the type `github` have a namespace before their name"),
            ("pkg:opam/acme/x", "packages of the type `opam` have no namespace"),
            ("pkg:npm/scope/x", "the namespace of an npm package begins with `@`"),
            ("pkg:npm/scope%2Fx", "the namespace of an npm package begins with `@`"),
            ("pkg:npm/@scope/x/y", "the namespace of an npm package is one scope"),
            ("pkg:npm/[e]vil", "only stars stand for other characters, and `[` itself is written `%5B`"),
            ("pkg:npm/{evil,b}", "only stars stand for other characters, and `{` itself is written `%7B`"),
            ("pkg:pypi/evil[extra]", "only stars stand for other characters"),
            ("pkg:pypi/evil%5Bextra%5D", "no name of the type `pypi` has a `[`"),
            ("pkg:npm/left-pad%401.0.0", "no name of the type `npm` has a `@`"),
            ("pkg:npm/left-pad@1@2", "it has several `@`"),
            ("pkg:maven/org.apache:log4j", "packages of the type `maven` have a namespace"),
            ("pkg:maven/*/org.apache:log4j", "no name of the type `maven` has a `:`"),
            ("pkg:npm/./left-pad", "it has the segment `.`, which names nothing"),
            ("pkg:npm/%2e%2e/left-pad", "it has the segment `..`, which names nothing"),
            ("pkg:npm/left-pad ", "its name begins or ends with a blank"),
            ("pkg:npm/left-pad%20", "its name begins or ends with a blank"),
            ("pkg:npm/left%E2%80%8Bpad", "its name holds a character that is not seen (U+200B)"),
            ("pkg:npm/left\u{feff}pad", "its name holds a character that is not seen (U+FEFF)"),
            ("pkg:npm/@sco%0Ape/x", "its namespace holds a character that is not seen (U+000A)"),
            ("pkg:generic/left%C2%A0pad", "its name holds a character that is not seen (U+00A0)"),
            ("pkg:nmp/left-pad", "the purl specification has no type `nmp`: did you mean `npm`?"),
            ("pkg:PyPl/left-pad", "the purl specification has no type `pypl`: did you mean `pypi`?"),
            ("pkg:javascript/left-pad", "the purl specification has no type `javascript`"),
        ] {
            let refusal = PackagePattern::read(pattern).err().unwrap_or_else(|| panic!("`{pattern}` was taken"));
            assert!(refusal.contains(why), "{refusal}");
        }
    }
}
