//! Ranges of versions, by the precedence of semantic versions.
//!
//! `semver` reads a range as Cargo does, which passes over pre-releases that the range does not name: `<1.4.0` would not
//! hold for `1.4.0-rc.1`. A rule that denies packages has to deny that one too, so a range is a span of the order here.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use semver::{BuildMetadata, Comparator, Op, Prerelease, Version, VersionReq};

/// The versions from one on and before another, in the order of precedence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct VersionRange {
    written: String,
    first: Version,
    /// The first version after it; none if it has no end.
    end: Option<Version>,
}

impl VersionRange {
    /// Whether the version is in the range. A pre-release counts as itself and as the release that it precedes.
    pub(crate) fn contains(&self, version: &Version) -> bool {
        let released = Version::new(version.major, version.minor, version.patch);
        self.spans(version) || self.spans(&released)
    }

    fn spans(&self, version: &Version) -> bool {
        version.cmp_precedence(&self.first).is_ge()
            && self.end.as_ref().is_none_or(|end| version.cmp_precedence(end).is_lt())
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl FromStr for VersionRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            |why: &dyn fmt::Display| format!("`{text}` is not a range of versions, such as `>=1.0, <1.4`: {why}");
        let range: VersionReq = text.parse().map_err(|error| wrong(&error))?;
        let lowest = lowest_of(0, 0, 0);
        let (mut first, mut end) = (lowest, None::<Version>);
        for comparator in &range.comparators {
            let (from, until) = span(comparator).ok_or_else(|| wrong(&"a number in it is too large"))?;
            first = later(first, from);
            end = match (end, until) {
                (Some(one), Some(other)) => Some(earlier(one, other)),
                (one, other) => one.or(other),
            };
        }
        let is_empty = end.as_ref().is_some_and(|end| first.cmp_precedence(end).is_ge());
        if is_empty {
            return Err(format!("no version is in `{text}`: its parts exclude each other"));
        }
        Ok(Self { written: range.to_string(), first, end })
    }
}

fn later(one: Version, other: Version) -> Version {
    if one.cmp_precedence(&other) == Ordering::Less { other } else { one }
}

fn earlier(one: Version, other: Version) -> Version {
    if one.cmp_precedence(&other) == Ordering::Greater { other } else { one }
}

/// The versions that a part of a range holds for: from the first one, and before the second if there is one. None if a
/// number is too large to be counted on from.
fn span(comparator: &Comparator) -> Option<(Version, Option<Version>)> {
    let lowest = || lowest_of(0, 0, 0);
    let named = named(comparator);
    Some(match comparator.op {
        Op::Greater => (after_all(comparator)?, None),
        Op::GreaterEq => (named, None),
        Op::Less => (lowest(), Some(named)),
        Op::LessEq => (lowest(), Some(after_all(comparator)?)),
        Op::Tilde => (named, Some(after_tilde(comparator)?)),
        Op::Caret => (named, Some(after_caret(comparator)?)),
        // `=1.4` and `1.4.*` are all of 1.4. A kind of part that is not known here is refused.
        Op::Exact | Op::Wildcard => (named, Some(after_all(comparator)?)),
        _ => return None,
    })
}

/// The version that is written, with 0 for each number that is left out.
fn named(Comparator { major, minor, patch, pre, .. }: &Comparator) -> Version {
    Version {
        major: *major,
        minor: minor.unwrap_or(0),
        patch: patch.unwrap_or(0),
        pre: pre.clone(),
        build: BuildMetadata::EMPTY,
    }
}

/// The first version after all that have the numbers that are written.
fn after_all(comparator: &Comparator) -> Option<Version> {
    let Comparator { major, minor, patch, pre, .. } = comparator;
    match (minor, patch) {
        (None, _) => Some(lowest_of(major.checked_add(1)?, 0, 0)),
        (Some(minor), None) => Some(lowest_of(*major, minor.checked_add(1)?, 0)),
        (Some(minor), Some(patch)) if pre.is_empty() => Some(lowest_of(*major, *minor, patch.checked_add(1)?)),
        // Of two pre-releases, the one with more parts is the later one.
        (Some(_), Some(_)) => Some(Version { pre: Prerelease::new(&format!("{pre}.0")).ok()?, ..named(comparator) }),
    }
}

/// The first version that `~` leaves out: the last number may grow, or the second if there are three.
fn after_tilde(Comparator { major, minor, .. }: &Comparator) -> Option<Version> {
    match minor {
        None => Some(lowest_of(major.checked_add(1)?, 0, 0)),
        Some(minor) => Some(lowest_of(*major, minor.checked_add(1)?, 0)),
    }
}

/// The first version that `^` leaves out: what follows the first number that is not 0 may grow.
fn after_caret(comparator: &Comparator) -> Option<Version> {
    let Comparator { major, minor, patch, .. } = comparator;
    match (*major, *minor, *patch) {
        (0, Some(0), Some(patch)) => Some(lowest_of(0, 0, patch.checked_add(1)?)),
        (0, Some(minor), _) => Some(lowest_of(0, minor.checked_add(1)?, 0)),
        (major, ..) => Some(lowest_of(major.checked_add(1)?, 0, 0)),
    }
}

/// The first of all versions with these numbers: their lowest pre-release.
fn lowest_of(major: u64, minor: u64, patch: u64) -> Version {
    Version { pre: Prerelease::new("0").unwrap_or_default(), ..Version::new(major, minor, patch) }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn holds(range: &str, version: &str) -> bool {
        let range: VersionRange = range.parse().unwrap_or_else(|error| panic!("{error}"));
        range.contains(&version.parse().unwrap_or_else(|error| panic!("{version}: {error}")))
    }

    #[test]
    fn pre_releases_are_in_a_range_by_precedence() {
        for (range, version) in [
            ("<1.4.0", "1.4.0-rc.1"),
            ("<1.4", "1.4.0-rc.1"),
            ("<=1.4.0", "1.4.0-rc.1"),
            (">=1.0, <1.4", "1.4.0-alpha"),
            (">=1.0, <1.4", "1.0.0-rc.1"),
            ("=3.3.6", "3.3.6-beta"),
            (">1.3.9", "1.4.0-rc.1"),
            (">1.4.0-rc.1", "1.4.0-rc.2"),
            (">1.4.0-rc.1", "1.4.0"),
            ("=1.4.0-rc.1", "1.4.0-rc.1"),
            ("<=1.4.0-rc.1", "1.4.0-rc.1"),
            ("^1.2", "1.9.0-rc.1"),
            ("*", "0.0.0-0"),
            ("*", "9.9.9-x"),
            (">0", "1.0.0-rc.1"),
            // It precedes 1.4.0, which is in the range.
            (">1.4.0-rc.1", "1.4.0-beta"),
        ] {
            assert!(holds(range, version), "{range} {version}");
        }
        for (range, version) in [
            ("<1.4.0", "1.4.1-rc.1"),
            ("<1.4.0", "1.4.0"),
            ("<1.4.0", "1.4.0+build"),
            ("<1.4.0-rc.1", "1.4.0-rc.1"),
            ("=1.4.0-rc.1", "1.4.0-rc.1.0"),
            ("^1.2", "2.0.0-rc.1"),
            ("~1.2", "1.3.0-rc.1"),
            ("=1.4", "1.5.0-rc.1"),
            ("<=1.4", "1.5.0-rc.1"),
        ] {
            assert!(!holds(range, version), "{range} {version}");
        }
    }

    #[test]
    fn releases_are_in_a_range_as_cargo_has_it() {
        let numbers = [0, 1, 2, 3];
        let mut versions = Vec::new();
        for major in numbers {
            for minor in numbers {
                versions.extend(numbers.map(|patch| Version::new(major, minor, patch)));
            }
        }
        for version in ["0", "1", "0.0", "0.1", "1.0", "1.2", "0.0.0", "0.0.2", "0.2.1", "1.0.0", "1.2.3", "2.1.2"] {
            for op in ["=", ">", ">=", "<", "<=", "~", "^", ""] {
                let text = format!("{op}{version}");
                let Ok(range) = text.parse::<VersionRange>() else { panic!("{text}") };
                let cargo: VersionReq = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
                for version in &versions {
                    assert_eq!(range.contains(version), cargo.matches(version), "{text} {version}");
                }
            }
        }
    }

    #[test]
    fn a_range_that_no_version_can_be_in_is_refused() {
        for text in
            [">2, <1", ">=1.4, <1.4.0-0", ">1.2.3, <1.2.4-0", "=1, =2", "<0.0.0-0", ">1.0.0-a, <=1.0.0-a", "^1, ^2"]
        {
            let refusal = text.parse::<VersionRange>().err();
            assert_eq!(refusal, Some(format!("no version is in `{text}`: its parts exclude each other")));
        }
        for text in ["old", "", "1.x.y", "<1.4 || >2", ">18446744073709551615"] {
            let refusal = text.parse::<VersionRange>().err().unwrap_or_default();
            assert!(refusal.starts_with(&format!("`{text}` is not a range of versions")), "{refusal}");
        }
        assert!(">=1.0.0, <=1.0.0".parse::<VersionRange>().is_ok());
    }
}
