//! The SPDX licence list: ids without regard to case, what deprecated ids are called now, and the later versions of a
//! licence.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use lockgate_plugin::is_invisible;
use spdx::LicenseId;
use spdx::identifiers::{EXCEPTIONS, LICENSES};
use unicode_normalization::UnicodeNormalization as _;

/// How similar two ids have to be for one to be suggested for the other: a Jaro-Winkler similarity.
const SIMILAR: f64 = 0.82;

/// Deprecated ids that do not follow the rule of the GNU licences, and what the licence list says to write instead.
/// `Net-SNMP` is deprecated without a successor, so it stays as it is.
const SUCCESSORS: [(&str, &str); 14] = [
    ("BSD-2-Clause-FreeBSD", "BSD-2-Clause-Views"),
    ("BSD-2-Clause-NetBSD", "BSD-2-Clause"),
    ("bzip2-1.0.5", "bzip2-1.0.6"),
    ("eCos-2.0", "GPL-2.0-or-later WITH eCos-exception-2.0"),
    ("GPL-2.0-with-GCC-exception", "GPL-2.0-only WITH GCC-exception-2.0"),
    ("GPL-2.0-with-autoconf-exception", "GPL-2.0-only WITH Autoconf-exception-2.0"),
    ("GPL-2.0-with-bison-exception", "GPL-2.0-only WITH Bison-exception-2.2"),
    ("GPL-2.0-with-classpath-exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
    ("GPL-2.0-with-font-exception", "GPL-2.0-only WITH Font-exception-2.0"),
    ("GPL-3.0-with-GCC-exception", "GPL-3.0-only WITH GCC-exception-3.1"),
    ("GPL-3.0-with-autoconf-exception", "GPL-3.0-only WITH Autoconf-exception-3.0"),
    ("Nunit", "zlib-acknowledgement"),
    ("StandardML-NJ", "SMLNJ"),
    ("wxWindows", "GPL-2.0-or-later WITH WxWindows-exception-3.1"),
];

/// The deprecated exceptions and what they are called now.
const EXCEPTION_SUCCESSORS: [(&str, &str); 1] = [("Nokia-Qt-exception-1.1", "Qt-LGPL-exception-1.1")];

/// A version of a licence: its numbers, and the letter that a few have behind them.
type LicenceVersion = (Vec<u32>, Option<char>);

/// The list, prepared for looking things up.
pub(crate) struct LicenceList {
    /// Every id in lower case, with the id; sorted. `GPL-2.0+` and its like are read as `GPL-2.0` with a `+`.
    licences: Vec<(String, LicenseId)>,
    /// Every exception in lower case, with the exception; sorted.
    exceptions: Vec<(String, &'static str)>,
    /// The full names in lower case, with the normal form of the licence.
    names: BTreeMap<String, String>,
    /// For each normal form in lower case: the ids and full names that have it, in lower case.
    called: BTreeMap<String, Vec<String>>,
    /// For what stands before and behind the version of an id: the versions with that id, in order.
    families: BTreeMap<(&'static str, &'static str), Vec<(LicenceVersion, &'static str)>>,
}

/// The list. It is prepared at the first use, which the configured plugin keeps.
pub(crate) fn list() -> &'static LicenceList {
    static LIST: OnceLock<LicenceList> = OnceLock::new();
    LIST.get_or_init(LicenceList::prepare)
}

impl LicenceList {
    fn prepare() -> Self {
        // `spdx` has `NOASSERTION` among the licences, and it is none.
        let ids = || LICENSES.iter().filter(|licence| !licence.name.ends_with('+') && licence.name != "NOASSERTION");
        let mut licences: Vec<(String, LicenseId)> = ids()
            .filter_map(|licence| Some((licence.name.to_ascii_lowercase(), spdx::license_id(licence.name)?)))
            .collect();
        licences.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut exceptions: Vec<(String, &'static str)> =
            EXCEPTIONS.iter().map(|exception| (exception.name.to_ascii_lowercase(), exception.name)).collect();
        exceptions.sort_unstable();
        let mut names = BTreeMap::new();
        let mut families: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut called: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (low, id) in &licences {
            let name = folded(id.full_name);
            called.entry(normal_form(*id, false).to_ascii_lowercase()).or_default().extend([low.clone(), name.clone()]);
            names.insert(name, normal_form(*id, false));
            if let Some((before, version, behind)) = taken_apart(id.name)
                && normal_form(*id, false) == id.name
            {
                families.entry((before, behind)).or_default().push((version, id.name));
            }
        }
        families.values_mut().for_each(|family| family.sort_unstable());
        Self { licences, exceptions, names, called, families }
    }

    /// The licence with that id, in whatever case it is written.
    pub(crate) fn licence(&self, id: &str) -> Option<LicenseId> {
        found(&self.licences, id)
    }

    /// The present name of the exception with that id, in whatever case it is written.
    pub(crate) fn exception(&self, id: &str) -> Option<&'static str> {
        let name = found(&self.exceptions, id)?;
        let successor = EXCEPTION_SUCCESSORS.iter().find(|(old, _)| *old == name);
        Some(successor.map_or(name, |(_, new)| new))
    }

    /// The normal form of the licence with that full name, such as `Apache License 2.0`.
    pub(crate) fn by_full_name(&self, name: &str) -> Option<&str> {
        self.names.get(&folded(name)).map(String::as_str)
    }

    /// All that a licence is called, given its normal form in lower case: ids, old ones included, and full names, in lower
    /// case.
    pub(crate) fn names_of(&self, normal: &str) -> &[String] {
        self.called.get(normal).map_or(&[], Vec::as_slice)
    }

    /// The licences that the licensee may choose from under an id with "or later": this version and those after it that
    /// the list has. Empty if the id does not say "or later".
    pub(crate) fn choices(&self, id: LicenseId, or_later: bool) -> Vec<&'static str> {
        if !or_later && !id.name.ends_with("-or-later") {
            return Vec::new();
        }
        let Some((before, version, behind)) = taken_apart(id.name) else { return vec![id.name] };
        // The versions of the GNU licences are listed as `-only` beside `-or-later`.
        let behind = behind.replace("-or-later", "-only");
        let families: &BTreeMap<(&str, &str), _> = &self.families;
        let family = families.get(&(before, behind.as_str()));
        let later = family.into_iter().flatten().filter(|(other, _)| *other >= version);
        later.map(|(_, id)| *id).collect()
    }

    /// Every id that occurs in the normal form of an expression, in lower case and as it is.
    pub(crate) fn normal_ids(&self) -> impl Iterator<Item = (&str, LicenseId)> {
        self.licences.iter().filter(|(_, id)| normal_form(*id, false) == id.name).map(|(low, id)| (low.as_str(), *id))
    }

    /// The ids that do not occur in a normal form, in lower case, each with what it is called there.
    pub(crate) fn old_ids(&self) -> impl Iterator<Item = (&str, String)> {
        let normal = self.licences.iter().map(|(low, id)| (low.as_str(), id, normal_form(*id, false)));
        normal.filter(|(_, id, normal)| normal != id.name).map(|(low, _, normal)| (low, normal))
    }

    /// Every exception that occurs in a normal form, in lower case.
    pub(crate) fn normal_exceptions(&self) -> impl Iterator<Item = &str> {
        let present = |name: &str| !EXCEPTION_SUCCESSORS.iter().any(|(old, _)| *old == name);
        self.exceptions.iter().filter(move |(_, name)| present(name)).map(|(low, _)| low.as_str())
    }

    /// The present licence id that looks most like that text.
    pub(crate) fn similar_licence(&self, text: &str) -> Option<&'static str> {
        most_similar(text, self.normal_ids().map(|(low, id)| (low, id.name)))
    }

    /// The present exception that looks most like that text.
    pub(crate) fn similar_exception(&self, text: &str) -> Option<&'static str> {
        most_similar(text, self.exceptions.iter().map(|(low, name)| (low.as_str(), *name)))
    }
}

/// The form in which names of licences are compared: composed (NFC), in lower case, with one blank for each run of blanks
/// and of characters that are not seen.
pub(crate) fn folded(name: &str) -> String {
    let seen = name.replace(is_invisible, " ");
    let words: Vec<&str> = seen.split_whitespace().collect();
    let words = words.join(" ");
    if words.is_ascii() {
        return words.to_ascii_lowercase();
    }
    words.nfc().collect::<String>().to_lowercase().nfc().collect()
}

/// What is listed under that text, whatever its case.
fn found<T: Copy>(sorted: &[(String, T)], text: &str) -> Option<T> {
    let low = text.to_ascii_lowercase();
    let index = sorted.binary_search_by(|(listed, _)| listed.as_str().cmp(&low)).ok()?;
    sorted.get(index).map(|(_, value)| *value)
}

fn most_similar<'a>(text: &str, all: impl Iterator<Item = (&'a str, &'static str)>) -> Option<&'static str> {
    let low = text.to_ascii_lowercase();
    let rated = all.map(|(listed, name)| (strsim::jaro_winkler(&low, listed), name));
    let best = rated.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.len().cmp(&a.1.len())))?;
    (best.0 >= SIMILAR).then_some(best.1)
}

/// How SPDX writes the licence now: `GPL-2.0` is `GPL-2.0-only`, and with a `+` it is `GPL-2.0-or-later`. It can have an
/// exception: `GPL-2.0-with-classpath-exception` is `GPL-2.0-only WITH Classpath-exception-2.0`.
pub(crate) fn normal_form(id: LicenseId, or_later: bool) -> String {
    let name = id.name;
    if let Some((_, successor)) = SUCCESSORS.iter().find(|(old, _)| *old == name) {
        return match successor.split_once("-only WITH ") {
            Some((licence, exception)) if or_later => format!("{licence}-or-later WITH {exception}"),
            _ if or_later && !successor.contains(' ') => format!("{successor}+"),
            _ => (*successor).to_owned(),
        };
    }
    match (id.is_gnu(), name.strip_suffix("-only")) {
        (true, Some(base)) if or_later => format!("{base}-or-later"),
        (true, Some(_)) => name.to_owned(),
        (true, None) if name.ends_with("-or-later") => name.to_owned(),
        (true, None) => format!("{name}-{}", if or_later { "or-later" } else { "only" }),
        (false, _) => format!("{name}{}", if or_later { "+" } else { "" }),
    }
}

/// What stands before the version of an id, the version, and what stands behind it: `GPL-`, `2.0`, `-or-later`.
fn taken_apart(id: &'static str) -> Option<(&'static str, LicenceVersion, &'static str)> {
    let mut from = 0;
    for part in id.split('-') {
        if let Some(version) = version(part) {
            return Some((id.get(..from)?, version, id.get(from + part.len()..)?));
        }
        from += part.len() + 1;
    }
    None
}

/// `2.0`, `1.3c`. A number alone is none: the one of `BSD-3-Clause` counts clauses.
fn version(text: &str) -> Option<LicenceVersion> {
    let letter = text.chars().next_back().filter(char::is_ascii_lowercase);
    let numbers = if letter.is_some() { text.get(..text.len() - 1)? } else { text };
    let numbers: Vec<u32> = numbers.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
    (numbers.len() > 1).then_some((numbers, letter))
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn every_id_has_a_normal_form_that_is_one_of_the_list_and_stays_the_same() {
        for (_, id) in &list().licences {
            for or_later in [false, true] {
                let form = normal_form(*id, or_later);
                let (licence, exception) = form.split_once(" WITH ").unwrap_or((&form, ""));
                let listed = list().licence(licence.trim_end_matches('+'));
                let listed = listed.unwrap_or_else(|| panic!("`{form}` of `{}` is not in the list", id.name));
                assert_eq!(normal_form(listed, licence.ends_with('+')), licence, "{}", id.name);
                assert!(!listed.is_deprecated() || listed.name == "Net-SNMP", "`{form}` of `{}`", id.name);
                assert!(exception.is_empty() || list().exception(exception) == Some(exception), "{form}");
            }
        }
    }

    #[test]
    fn the_successors_are_about_ids_of_the_list() {
        for (old, _) in SUCCESSORS {
            assert!(list().licence(old).is_some_and(LicenseId::is_deprecated), "{old}");
        }
        for (old, new) in EXCEPTION_SUCCESSORS {
            assert_eq!(list().exception(old), Some(new));
        }
        for exception in EXCEPTIONS {
            let name = exception.name;
            let successor = EXCEPTION_SUCCESSORS.iter().any(|(old, _)| *old == name);
            let deprecated = spdx::exception_id(name).is_some_and(spdx::ExceptionId::is_deprecated);
            assert_eq!(deprecated, successor, "{name}");
        }
    }

    #[test]
    fn names_are_compared_as_people_read_them() {
        for name in ["Shop Licence é", "SHOP  licence\u{a0}e\u{301}", "\u{200b}Shop\u{200b}Licence É\n"] {
            assert_eq!(folded(name), "shop licence é", "{name:?}");
        }
        assert_eq!(list().by_full_name("Apache\u{a0}License  2.0"), Some("Apache-2.0"));
    }

    #[test]
    fn a_full_name_means_one_licence() {
        let mut names = BTreeMap::new();
        for (_, id) in &list().licences {
            let form = normal_form(*id, false);
            let earlier = names.insert(folded(id.full_name), form.clone());
            assert!(earlier.is_none_or(|earlier| earlier == form), "{}", id.full_name);
        }
        assert_eq!(list().by_full_name("apache license 2.0"), Some("Apache-2.0"));
        assert_eq!(list().by_full_name("GNU General Public License v2.0 or later"), Some("GPL-2.0-or-later"));
    }

    #[test]
    fn or_later_lets_the_licensee_choose_the_versions_from_that_one_on() {
        let choices =
            |id: &str, or_later| list().choices(list().licence(id).unwrap_or_else(|| panic!("{id}")), or_later);
        assert_eq!(choices("GPL-2.0-or-later", false), ["GPL-2.0-only", "GPL-3.0-only"]);
        assert_eq!(choices("LGPL-2.1-or-later", false), ["LGPL-2.1-only", "LGPL-3.0-only"]);
        assert_eq!(choices("AGPL-3.0-or-later", false), ["AGPL-3.0-only"]);
        assert_eq!(
            choices("GFDL-1.2-invariants-or-later", false),
            ["GFDL-1.2-invariants-only", "GFDL-1.3-invariants-only"]
        );
        assert_eq!(choices("Apache-1.1", true), ["Apache-1.1", "Apache-2.0"]);
        assert_eq!(choices("LPPL-1.2", true), ["LPPL-1.2", "LPPL-1.3a", "LPPL-1.3c"]);
        assert_eq!(choices("CC-BY-SA-3.0", true), ["CC-BY-SA-3.0", "CC-BY-SA-4.0"]);
        assert_eq!(choices("BSD-2-Clause", true), ["BSD-2-Clause"]);
        assert_eq!(choices("MIT", true), ["MIT"]);
        assert_eq!(choices("MIT", false), [""; 0]);
    }

    #[test]
    fn similar_ids_are_suggested() {
        assert_eq!(list().similar_licence("AGPL3"), Some("AGPL-3.0-only"));
        assert_eq!(list().similar_licence("GPL-4.0-only"), Some("GPL-3.0-only"));
        assert_eq!(list().similar_licence("Apache 2.0"), Some("Apache-2.0"));
        assert_eq!(list().similar_licence("shop terms"), None);
        assert_eq!(list().similar_exception("Classpath-exception"), Some("Classpath-exception-2.0"));
    }
}
