//! Packages: package URLs against patterns, and versions against ranges.

use std::borrow::Cow;

use lockgate_plugin::types::Severity;
use lockgate_plugin::{Pattern, Pointer, Violation};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use semver::{Prerelease, Version};
use serde::{Deserialize, Deserializer};

use crate::cyclonedx::Package;
use crate::findings::Findings;
use crate::replace;
use crate::settings::{Forbids, PackageRule, Policy};

/// A package URL, as far as rules need it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Purl {
    /// Type, namespace and name, with nothing escaped and the type in lower case: `pkg:npm/@scope/name`.
    base: String,
    version: Option<String>,
}

impl Purl {
    /// None if it is not a package URL.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.split(['?', '#']).next()?.strip_prefix("pkg:")?.trim_start_matches('/');
        // The version follows the last `@` of the last segment; an `@` before a `/` is part of a scope.
        let name_from = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (base, version) = match rest.get(name_from..)?.rfind('@') {
            Some(at) => (rest.get(..name_from + at)?, rest.get(name_from + at + 1..)),
            None => (rest, None),
        };
        let (kind, name) = base.split_once('/')?;
        if kind.is_empty() || name.is_empty() {
            return None;
        }
        let base = format!("pkg:{}/{}", kind.to_ascii_lowercase(), unescaped(name));
        Some(Self { base, version: version.filter(|version| !version.is_empty()).map(unescaped) })
    }
}

/// The text with `%xx` read. What is not UTF-8 then is left as it stands.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        let escaped = tail.split_at_checked(2).filter(|_| *byte == b'%').and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let (byte, after) = escaped.unwrap_or((*byte, tail));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// A pattern over package URLs without version.
#[derive(Debug)]
pub(crate) struct PackagePattern {
    pattern: Pattern,
}

impl PackagePattern {
    pub(crate) fn matches(&self, purl: &Purl) -> bool {
        self.pattern.matches(&purl.base)
    }
}

impl<'de> Deserialize<'de> for PackagePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The same package can be written with and without escapes.
        Ok(Self { pattern: Pattern::new(unescaped(&text)) })
    }
}

impl JsonSchema for PackagePattern {
    fn schema_name() -> Cow<'static, str> {
        Pattern::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Pattern::json_schema(generator)
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

/// Whether the rule forbids that version. A pre-release counts as itself and as the release that it precedes: a range
/// would pass over it otherwise.
fn forbids(forbids: &Forbids, version: &Version) -> bool {
    match forbids {
        Forbids::All => true,
        Forbids::Before(first) => version < first,
        Forbids::Matching(range) => {
            let released = Version { pre: Prerelease::EMPTY, ..version.clone() };
            range.matches(version) || range.matches(&released)
        }
    }
}

/// Looks at one package.
pub(crate) fn judge(policy: &Policy, package: &Package, path: &Pointer, findings: &mut Findings) {
    if policy.packages.is_empty() {
        return;
    }
    let name = package.in_words();
    let Some(purl) = package.purl.as_deref().and_then(Purl::parse) else {
        if package.is_library() {
            let message =
                format!("{name} has no package URL, so no rule can be held against it (at `{path}` of the SBOM)");
            let remedy = replace(policy, format!("find out the package URL of {name} and name it"));
            findings.untold(policy.unknown, Violation::new("package-url-missing", message).about(name).remedy(remedy));
        }
        return;
    };
    let written = package.version.as_deref().or(purl.version.as_deref());
    for rule in policy.packages.iter().filter(|rule| rule.package.matches(&purl)) {
        let version = written.and_then(version);
        match (&rule.forbids, &version) {
            (Forbids::Matching(_) | Forbids::Before(_), None) => {
                let version = written.unwrap_or("none");
                let message = format!(
                    "{name} has the version `{version}`, which cannot be compared with {} (at `{path}` of the SBOM)",
                    bound(rule)
                );
                let remedy = replace(policy, format!("name the version of {name} as numbers, such as `1.4.0`"));
                findings.untold(policy.unknown, Violation::new("version-unknown", message).about(&name).remedy(remedy));
            }
            (Forbids::All, _) => findings.wrong(Severity::High, denied(policy, rule, &name, path)),
            (range, Some(version)) if forbids(range, version) => {
                findings.wrong(Severity::High, denied(policy, rule, &name, path));
            }
            _ => {}
        }
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

fn denied(policy: &Policy, rule: &PackageRule, name: &str, path: &Pointer) -> Violation {
    let reason = rule.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let (code, message, remedy) = match &rule.forbids {
        Forbids::All => ("package-denied", format!("{name} is not allowed{reason}"), format!("do without {name}")),
        Forbids::Matching(range) => (
            "package-denied",
            format!("{name} is not allowed in the versions `{range}`{reason}"),
            format!("use a version of {name} outside `{range}`"),
        ),
        Forbids::Before(first) => (
            "package-outdated",
            format!("{name} is older than `{first}`, the first version that is allowed{reason}"),
            format!("use {name} from `{first}` on"),
        ),
    };
    Violation::new(code, format!("{message} (at `{path}` of the SBOM)")).about(name).remedy(replace(policy, remedy))
}

#[cfg(test)]
mod tests {
    use super::{Purl, version};

    fn parsed(text: &str) -> Option<(String, Option<String>)> {
        Purl::parse(text).map(|purl| (purl.base, purl.version))
    }

    fn purl(base: &str, version: &str) -> Option<(String, Option<String>)> {
        Some((base.to_owned(), Some(version.to_owned()).filter(|version| !version.is_empty())))
    }

    #[test]
    fn package_urls_are_taken_apart() {
        assert_eq!(parsed("pkg:cargo/serde@1.0.200"), purl("pkg:cargo/serde", "1.0.200"));
        assert_eq!(parsed("pkg:NPM/%40angular/core@17.0.0?a=b@c#d/e@f"), purl("pkg:npm/@angular/core", "17.0.0"));
        assert_eq!(parsed("pkg:npm/@angular/core"), purl("pkg:npm/@angular/core", ""));
        assert_eq!(parsed("pkg:maven/org.x/y@1.0%2Bb1"), purl("pkg:maven/org.x/y", "1.0+b1"));
        assert_eq!(parsed("pkg:generic/100%@1"), purl("pkg:generic/100%", "1"));
        for wrong in ["", "cargo/serde@1", "pkg:cargo", "pkg:/x", "pkg:cargo/", "pkg:cargo/@1.0"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }

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
