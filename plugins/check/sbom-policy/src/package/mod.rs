//! Packages: package URLs against patterns, and versions against ranges.

mod parts;
mod purl;
mod range;
mod types;

use lockgate_plugin::Finding;
use lockgate_plugin::types::Severity;
use semver::Version;

use crate::document::{Package, PackageKind, Place, clipped};
use crate::findings::Findings;
use crate::replace;
use crate::settings::Policy;
pub(crate) use purl::{ByPackage, PackagePattern, Purl};
pub(crate) use range::VersionRange;

/// One rule about packages.
#[derive(Debug)]
pub(crate) struct PackageRule {
    pub(crate) forbids: Forbids,
    pub(crate) reason: Option<String>,
}

/// Which versions a rule forbids.
#[derive(Debug)]
pub(crate) enum Forbids {
    All,
    Matching(VersionRange),
    Before(Version),
}

impl Forbids {
    /// The code of the finding about a version that is forbidden.
    fn code(&self) -> &'static str {
        match self {
            Self::All | Self::Matching(_) => "package-denied",
            Self::Before(_) => "package-outdated",
        }
    }
}

/// Reads a version as people write it: with a `v` before it, or with fewer than three numbers.
pub(crate) fn version(text: &str) -> Option<Version> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let numbers = text.split(['-', '+']).next()?;
    let (padded, rest) = (numbers, text.get(numbers.len()..)?);
    let padded = match padded.split('.').count() {
        1 => format!("{padded}.0.0"),
        2 => format!("{padded}.0"),
        _ => padded.to_owned(),
    };
    format!("{padded}{rest}").parse().ok()
}

/// Whether the rule forbids that version.
fn forbids(forbids: &Forbids, version: &Version) -> bool {
    match forbids {
        Forbids::All => true,
        Forbids::Before(first) => version.cmp_precedence(first).is_lt(),
        Forbids::Matching(range) => range.contains(version),
    }
}

/// Looks at one package.
pub(crate) fn judge(policy: &Policy, package: &Package<'_>, place: &Place<'_>, findings: &mut Findings) {
    if policy.packages.is_empty() {
        return;
    }
    if package.purls.is_empty() && package.kind == PackageKind::Library {
        findings.untold(policy.unknown, "package-url-missing", |code| {
            let name = package.in_words();
            let message =
                format!("{name} has no package URL, so no rule can be held against it (at `{place}` of the SBOM)");
            let remedy = replace(policy, format!("find out the package URL of {name} and name it"));
            Finding::new(code, message).about(name).remedy(remedy)
        });
    }
    for written in &package.purls {
        match Purl::read(written) {
            Ok(purl) => judge_purl(policy, package, &purl, place, findings),
            Err(error) => findings.untold(policy.unknown, "package-url-invalid", |code| {
                let written = clipped(written);
                let message = format!(
                    "`{written}` is no package URL, so no rule can be held against it: {error} (at `{place}` of the SBOM)"
                );
                let remedy =
                    replace(policy, format!("find out the package URL of `{}` and name it", clipped(package.name)));
                Finding::new(code, message).about(package.in_words()).remedy(remedy)
            }),
        }
    }
}

fn judge_purl(policy: &Policy, package: &Package<'_>, purl: &Purl, place: &Place<'_>, findings: &mut Findings) {
    let versions = versions(package, purl);
    for rule in policy.packages.of(purl) {
        match standing(&rule.forbids, &versions) {
            Standing::Allowed => {}
            Standing::Forbidden => {
                findings.wrong(Severity::High, rule.forbids.code(), |code| {
 denied(policy, rule, code, &package.in_words(), place)
});
            }
            Standing::Unknown(version) => findings.untold(policy.unknown, "version-unknown", |code| {
                let name = package.in_words();
                let message = format!(
                    "{name} has the version `{}`, which cannot be compared with {} (at `{place}` of the SBOM)",
                    clipped(version),
                    bound(rule)
                );
                let remedy = replace(policy, format!("name the version of {name} as numbers, such as `1.4.0`"));
                Finding::new(code, message).about(name).remedy(remedy)
            }),
            Standing::Conflict(one, other) => findings.untold(policy.unknown, "version-conflict", |code| {
                let name = package.in_words();
                let message = format!(
                    "{name} has the version `{}` in its package URL and `{}` beside it, so it cannot be compared with {} \
                     (at `{place}` of the SBOM)",
                    clipped(one),
                    clipped(other),
                    bound(rule)
                );
                let remedy = replace(policy, format!("find out the version of {name} and name it alike in both places"));
                Finding::new(code, message).about(name).remedy(remedy)
            }),
        }
    }
}

/// The versions that the SBOM gives a package, in its package URL and beside it. Tools write an empty text for none.
fn versions<'a>(package: &Package<'a>, purl: &'a Purl) -> Vec<&'a str> {
    let mut versions: Vec<&str> =
        [purl.version.as_deref(), package.version].into_iter().flatten().map(str::trim).collect();
    versions.retain(|version| !version.is_empty());
    versions.dedup();
    versions
}

/// What a rule says of a package.
#[derive(Debug, PartialEq, Eq)]
enum Standing<'a> {
    Allowed,
    Forbidden,
    /// That version cannot be compared.
    Unknown(&'a str),
    /// The SBOM gives two versions, neither of which is forbidden.
    Conflict(&'a str, &'a str),
}

/// A version that is forbidden is enough, whatever another place of the SBOM says.
fn standing<'a>(rule: &Forbids, versions: &[&'a str]) -> Standing<'a> {
    if matches!(rule, Forbids::All) {
        return Standing::Forbidden;
    }
    let read: Vec<(&str, Option<Version>)> = versions.iter().map(|text| (*text, version(text))).collect();
    if read.iter().filter_map(|(_, version)| version.as_ref()).any(|version| forbids(rule, version)) {
        return Standing::Forbidden;
    }
    match read.as_slice() {
        [] => Standing::Unknown("none"),
        [(one, Some(first)), (other, Some(second))] if !first.cmp_precedence(second).is_eq() => {
            Standing::Conflict(one, other)
        }
        read => read
            .iter()
            .find(|(_, version)| version.is_none())
            .map_or(Standing::Allowed, |(text, _)| Standing::Unknown(text)),
    }
}

/// The versions that the rule is about, in words.
fn bound(rule: &PackageRule) -> String {
    match &rule.forbids {
        Forbids::All => "any version".to_owned(),
        Forbids::Matching(range) => format!("`{range}`"),
        Forbids::Before(first) => format!("`{first}`"),
    }
}

fn denied(policy: &Policy, rule: &PackageRule, code: &str, name: &str, place: &Place<'_>) -> Finding {
    let reason = rule.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let (message, remedy) = match &rule.forbids {
        Forbids::All => (format!("{name} is not allowed{reason}"), format!("do without {name}")),
        Forbids::Matching(range) => (
            format!("{name} is not allowed in the versions `{range}`{reason}"),
            format!("use a version of {name} outside `{range}`"),
        ),
        Forbids::Before(first) => (
            format!("{name} is older than `{first}`, the first version that is allowed{reason}"),
            format!("use {name} from `{first}` on"),
        ),
    };
    Finding::new(code, format!("{message} (at `{place}` of the SBOM)")).about(name).remedy(replace(policy, remedy))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_read_as_people_write_them() {
        let read = |text| version(text).map(|version| version.to_string());
        assert_eq!(read("1.2.3").as_deref(), Some("1.2.3"));
        assert_eq!(read("v1.2").as_deref(), Some("1.2.0"));
        assert_eq!(read("7").as_deref(), Some("7.0.0"));
        assert_eq!(read("1.2-beta.1+build").as_deref(), Some("1.2.0-beta.1+build"));
        assert_eq!(read("1.2.3.4"), None);
        assert_eq!(read("latest"), None);
        assert_eq!(read(""), None);
    }
}
