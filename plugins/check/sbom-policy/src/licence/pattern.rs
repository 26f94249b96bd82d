//! What the settings call a licence.

use lockgate_plugin::Pattern;

use super::expression::{NoExpression, SingleLicence, expression};
use super::list::{folded, list};

/// A pattern over single licences: an SPDX id, a reference, or one of these with stars, and perhaps an exception.
#[derive(Debug)]
pub(crate) struct LicencePattern {
    /// Over ids in lower case.
    licence: Pattern,
    /// Over exceptions in lower case. Without it, the licence is meant whatever is excepted from it.
    exception: Option<Pattern>,
    /// Stars alone: every licence, even one that SPDX does not know.
    anything: bool,
}

impl LicencePattern {
    /// Reads a pattern, or tells why it can never fit a licence.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        if text.contains('/') && !text.contains("//") {
            return Err(several(text));
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let (licence, exception) = match words.as_slice() {
            [licence] => (*licence, None),
            [licence, "WITH" | "with", exception] => (*licence, Some(*exception)),
            _ if words.iter().any(|word| matches!(*word, "AND" | "and" | "OR" | "or")) => return Err(several(text)),
            _ => return Err(misfit(&NoExpression::UnknownLicence(text.to_owned()))),
        };
        if !text.contains('*') {
            return Self::of_one_licence(text);
        }
        if !licence.contains('*') {
            let Self { licence, exception: None, .. } = Self::of_one_licence(licence)? else {
                return Err(format!("`{licence}` is an old id that has an exception already: write it without `WITH`"));
            };
            return Ok(Self { licence, exception: exception_pattern(exception)?, anything: false });
        }
        Ok(Self {
            licence: licence_pattern(licence)?,
            exception: exception_pattern(exception)?,
            anything: exception.is_none() && licence.chars().all(|c| c == '*'),
        })
    }

    /// Reads what has no stars.
    fn of_one_licence(text: &str) -> Result<Self, String> {
        let expression = expression(text).map_err(|error| misfit(&error))?;
        let mut licences = expression.requirements().map(|licence| SingleLicence::from(&licence.req));
        match (licences.next(), licences.next()) {
            (Some(licence), None) => Ok(Self {
                licence: Pattern::new(licence.id),
                exception: licence.exception.map(Pattern::new),
                anything: false,
            }),
            _ => Err(several(text)),
        }
    }

    /// Whether the licence with that id and that exception, both in lower case, is meant.
    pub(crate) fn fits(&self, id: &str, exception: Option<&str>) -> bool {
        let exception_fits = match &self.exception {
            None => true,
            Some(pattern) => exception.is_some_and(|exception| pattern.matches(exception)),
        };
        exception_fits && self.licence.matches(id)
    }

    /// Whether every licence is meant, even one that SPDX does not know.
    pub(crate) fn fits_anything(&self) -> bool {
        self.anything
    }
}

/// Why a text names no licence, and where it may belong instead.
fn misfit(error: &NoExpression) -> String {
    if error.similar().is_some() {
        return error.to_string();
    }
    format!(
        "{error}; `denied-licence-names` and `permitted-licence-names` hold the names of licences that SPDX does not know"
    )
}

fn several(text: &str) -> String {
    format!(
        "`{text}` is an expression of several licences, and a rule is about one: write each of them as an entry of its own"
    )
}

/// A pattern with stars over licence ids, if one can fit.
fn licence_pattern(text: &str) -> Result<Pattern, String> {
    let low = text.to_ascii_lowercase();
    if low.split('*').any(|part| part == "with") {
        return Err(format!(
            "`{text}` fits no licence with an exception: blanks stand around `WITH`, as in `GPL-* WITH Classpath-exception-2.0`"
        ));
    }
    let pattern = Pattern::new(low.as_str());
    let or_later = |id: &str| pattern.matches(&format!("{id}+"));
    let listed = list().normal_ids().any(|(low, id)| pattern.matches(low) || (!id.is_gnu() && or_later(low)));
    if listed || fits_references(&low, "licenseref-") {
        return Ok(pattern);
    }
    if let Some((old, new)) = list().old_ids().find(|(old, _)| pattern.matches(old) || or_later(old)) {
        return Err(format!("`{text}` fits only old ids such as `{old}`, which SPDX now writes `{new}`"));
    }
    let similar = list().similar_licence(&low.replace('*', ""));
    let hint = similar.map(|similar| format!(": did you mean `{similar}`?")).unwrap_or_default();
    Err(format!("`{text}` fits no licence of the SPDX list, and no `LicenseRef-`{hint}"))
}

/// A pattern over exceptions, if one can fit.
fn exception_pattern(text: Option<&str>) -> Result<Option<Pattern>, String> {
    let Some(text) = text else { return Ok(None) };
    let low = text.to_ascii_lowercase();
    if let Some(name) = list().exception(text) {
        return Ok(Some(Pattern::new(name.to_ascii_lowercase())));
    }
    let pattern = Pattern::new(low.as_str());
    if list().normal_exceptions().any(|exception| pattern.matches(exception)) || fits_references(&low, "additionref-") {
        return Ok(Some(pattern));
    }
    Err(NoExpression::UnknownException(text.to_owned()).to_string())
}

/// Whether a pattern in lower case is one over references: `licenseref-acme-*`, `documentref-*:licenseref-*`.
fn fits_references(pattern: &str, prefix: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '*');
    let begins = |text: &str, prefix: &str| {
        text.strip_prefix(prefix).is_some_and(|id| !id.is_empty()) && text.chars().all(allowed)
    };
    match pattern.split_once(':') {
        Some((document, local)) => begins(document, "documentref-") && begins(local, prefix),
        // A star before the colon may stand for the rest.
        None => begins(pattern, prefix) || (begins(pattern, "documentref-") && pattern.contains('*')),
    }
}

/// A pattern over the names of licences, in the form of [`folded`].
#[derive(Debug)]
pub(crate) struct NamePattern(Pattern);

impl NamePattern {
    /// Reads a pattern, or tells why it can never fit a name.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let name = text.trim();
        if let Some(id) = spdx_form(name) {
            return Err(format!(
                "`{text}` is known to SPDX as `{id}`, so no SBOM has it as a name alone: write `{id}` among the licences"
            ));
        }
        Ok(Self(Pattern::new(folded(name))))
    }

    /// Whether every name is meant: it is of stars alone.
    pub(crate) fn fits_anything(&self) -> bool {
        self.0.to_string().chars().all(|c| c == '*')
    }

    /// Whether the licence with that name is meant.
    pub(crate) fn fits(&self, name: &str) -> bool {
        self.0.matches(&folded(name))
    }
}

/// What SPDX calls the licence with that name, if it knows it.
fn spdx_form(name: &str) -> Option<String> {
    match list().by_full_name(name) {
        Some(id) => Some(id.to_owned()),
        None => expression(name).ok().map(|expression| expression.to_string()),
    }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        LicencePattern::read(text).err().unwrap_or_else(|| panic!("`{text}` was taken"))
    }

    fn fits(pattern: &str, licence: &str) -> bool {
        let pattern = LicencePattern::read(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        let expression = expression(licence).unwrap_or_else(|error| panic!("{licence}: {error}"));
        let licence = expression.requirements().next().map(|licence| SingleLicence::from(&licence.req));
        licence.is_some_and(|licence| pattern.fits(&licence.id, licence.exception.as_deref()))
    }

    #[test]
    fn both_sides_are_brought_into_the_normal_form() {
        for (pattern, licence) in [
            ("AGPL-3.0", "AGPL-3.0-only"),
            ("agpl-3.0-only", "AGPL-3.0"),
            ("GPL-3.0+", "GPL-3.0-or-later"),
            ("GPL-3.0-or-later", "gpl-3.0+"),
            ("LGPL-2.1", "LGPL-2.1-only"),
            ("wxwindows", "GPL-2.0+ WITH WxWindows-exception-3.1"),
            ("GPL-2.0 with classpath-exception-2.0", "GPL-2.0-with-classpath-exception"),
            ("GPL-2.0-with-classpath-exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
            ("GPL-* WITH Classpath-exception-2.0", "GPL-2.0-with-classpath-exception"),
            ("GPL-2.0 WITH *", "GPL-2.0-only WITH Bison-exception-2.2"),
            ("LGPL-* WITH Nokia-Qt-exception-1.1", "LGPL-2.1-only WITH Qt-LGPL-exception-1.1"),
            ("GPL-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
            ("apache-*+", "Apache-2.0+"),
            ("LicenseRef-Acme", "licenseref-ACME"),
            ("LicenseRef-acme-*", "LicenseRef-Acme-1.0"),
            ("DocumentRef-*:LicenseRef-X", "DocumentRef-a:LicenseRef-x"),
            ("*", "DocumentRef-a:LicenseRef-x"),
            ("*-or-later", "GPL-2.0+"),
        ] {
            assert!(fits(pattern, licence), "{pattern}, {licence}");
        }
        for (pattern, licence) in [
            ("GPL-2.0-only", "GPL-2.0+"),
            ("GPL-2.0 WITH Classpath-exception-2.0", "GPL-2.0-only"),
            ("GPL-2.0+ WITH *", "GPL-2.0-only WITH Bison-exception-2.2"),
            ("GPL-*", "LGPL-2.1-only"),
            ("LicenseRef-x", "DocumentRef-a:LicenseRef-x"),
            ("Apache-2.0", "Apache-2.0+"),
        ] {
            assert!(!fits(pattern, licence), "{pattern}, {licence}");
        }
    }

    #[test]
    fn a_pattern_that_can_never_fit_is_refused_with_a_hint() {
        for (pattern, why) in [
            ("AGPL3", "the SPDX list has no licence `AGPL3`: did you mean `AGPL-3.0-only`?"),
            ("GPL-4.0-only", "the SPDX list has no licence `GPL-4.0-only`: did you mean `GPL-3.0-only`?"),
            ("Apache 2.0", "the SPDX list has no licence `Apache 2.0`: did you mean `Apache-2.0`?"),
            ("Apach-*", "`Apach-*` fits no licence of the SPDX list, and no `LicenseRef-`: did you mean `Apache-2.0`?"),
            (
                "*-with-classpath-exception",
                "`*-with-classpath-exception` fits only old ids such as `gpl-2.0-with-classpath-exception`, which SPDX now \
                 writes `GPL-2.0-only WITH Classpath-exception-2.0`",
            ),
            ("*GPL-3.0", "`*GPL-3.0` fits only old ids such as `agpl-3.0`, which SPDX now writes `AGPL-3.0-only`"),
            ("GPL-*+", "`GPL-*+` fits only old ids such as `gpl-1.0`, which SPDX now writes `GPL-1.0-only`"),
            (
                "GPL-* WITH Classpath-exeption-2.0",
                "the SPDX list has no exception `Classpath-exeption-2.0`: did you mean `Classpath-exception-2.0`?",
            ),
            (
                "GPL-2.0-with-GCC-exception WITH *",
                "`GPL-2.0-with-GCC-exception` is an old id that has an exception already: write it without `WITH`",
            ),
            (
                "*WITH*",
                "`*WITH*` fits no licence with an exception: blanks stand around `WITH`, as in `GPL-* WITH \
                 Classpath-exception-2.0`",
            ),
            ("LicenseRef-a_*", "`LicenseRef-a_*` fits no licence of the SPDX list, and no `LicenseRef-`"),
        ] {
            assert_eq!(refusal(pattern), why);
        }
        for several in ["AGPL-3.0-only OR GPL-3.0-only", "AGPL-* or GPL-*", "MIT/ISC"] {
            assert!(refusal(several).contains("write each of them as an entry of its own"), "{several}");
        }
        assert!(LicencePattern::read("(MIT)").is_ok());
    }

    #[test]
    fn names_are_those_that_spdx_does_not_know() {
        assert!(NamePattern::read("Shop *").is_ok_and(|name| name.fits("SHOP licence") && !name.fits("licence")));
        for (name, id) in [("MIT", "MIT"), ("gpl-2.0+", "GPL-2.0-or-later"), ("Apache License 2.0", "Apache-2.0")] {
            let refusal = NamePattern::read(name).err().unwrap_or_else(|| panic!("`{name}` was taken"));
            assert!(refusal.contains(&format!("write `{id}` among the licences")), "{refusal}");
        }
    }
}
