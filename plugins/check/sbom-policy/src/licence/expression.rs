//! Licence texts in the normal form of SPDX: ids as the licence list writes them now, references in lower case.

use std::fmt;

use spdx::{AdditionItem, Expression, LicenseItem, LicenseReq, ParseMode};

use super::list::{list, normal_form};

/// Deprecated ids have been replaced before; the one that has no successor stays.
const MODE: ParseMode = ParseMode { allow_deprecated: true, ..ParseMode::STRICT };

/// Why a text is no SPDX licence expression.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoExpression {
    /// The licence list has no such licence.
    UnknownLicence(String),
    /// The licence list has no such exception.
    UnknownException(String),
    /// The ids and operators do not make up an expression.
    Syntax,
}

impl NoExpression {
    /// The id of the list that may have been meant.
    pub(crate) fn similar(&self) -> Option<&'static str> {
        match self {
            Self::UnknownLicence(id) => list().similar_licence(id),
            Self::UnknownException(id) => list().similar_exception(id),
            Self::Syntax => None,
        }
    }
}

impl fmt::Display for NoExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownLicence(id) => write!(f, "the SPDX list has no licence `{id}`")?,
            Self::UnknownException(id) => write!(f, "the SPDX list has no exception `{id}`")?,
            Self::Syntax => f.write_str("it is no SPDX licence expression")?,
        }
        self.similar().map_or(Ok(()), |similar| write!(f, ": did you mean `{similar}`?"))
    }
}

/// Reads a licence text.
pub(crate) fn expression(text: &str) -> Result<Expression, NoExpression> {
    let mut unread = None;
    let normal = normalised(text, |error| {
        unread.get_or_insert(error);
        String::new()
    });
    match unread {
        Some(error) => Err(error),
        None => parsed(&normal),
    }
}

fn parsed(normal: &str) -> Result<Expression, NoExpression> {
    Expression::parse_mode(normal, MODE).map_err(|_| NoExpression::Syntax)
}

/// The text with every id in its normal form, and with something else for each word that is not known. Ids are matched
/// without regard to case, as SPDX asks for.
fn normalised(text: &str, mut unknown: impl FnMut(NoExpression) -> String) -> String {
    let mut normal = String::with_capacity(text.len() + 8);
    let mut within_exception = false;
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if !normal.is_empty() {
            normal.push(' ');
        }
        let end = match first {
            '(' | ')' => 1,
            _ => rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')')).unwrap_or(rest.len()),
        };
        let (word, tail) = rest.split_at(end);
        match word {
            "(" | ")" => normal.push_str(word),
            "OR" | "or" => normal.push_str("OR"),
            "AND" | "and" => normal.push_str("AND"),
            "WITH" | "with" => normal.push_str("WITH"),
            _ if within_exception => normal.push_str(&exception(word).unwrap_or_else(&mut unknown)),
            _ => normal.push_str(&licence(word).unwrap_or_else(&mut unknown)),
        }
        within_exception = matches!(word, "WITH" | "with");
        rest = tail.trim_start();
    }
    normal
}

/// What can be read of a text that is no expression.
#[derive(Debug)]
pub(crate) enum Readable {
    /// Its operators can be read, but not each licence. Those that cannot be stand as references, whose numbers are the
    /// indexes of the words.
    Operators(Box<Expression>, Vec<String>),
    /// It names these licences, and how they belong together cannot be told.
    Licences(Vec<SingleLicence>),
}

/// Reads what can be read of a text that is no expression.
pub(crate) fn readable(text: &str) -> Readable {
    let mut words = Vec::new();
    let normal = normalised(text, |error| {
        let (prefix, word) = match error {
            NoExpression::UnknownException(word) => ("AdditionRef-", word),
            NoExpression::UnknownLicence(word) => ("LicenseRef-", word),
            NoExpression::Syntax => ("LicenseRef-", String::new()),
        };
        words.push(word);
        format!("{prefix}{UNREAD}{}", words.len() - 1)
    });
    // A text that has such a reference itself could be taken for one with a word that is not known.
    let is_clear = !text.to_ascii_lowercase().contains(UNREAD);
    match parsed(&normal) {
        Ok(expression) if is_clear => Readable::Operators(Box::new(expression), words),
        _ => Readable::Licences(named_licences(text)),
    }
}

/// How the references begin that stand for words that cannot be read.
const UNREAD: &str = "lockgate-unread-";

/// The index of the word that stands as that reference.
pub(crate) fn unread_word(reference: &str) -> Option<usize> {
    let (_, id) = reference.split_once('-')?;
    id.strip_prefix(UNREAD)?.parse().ok()
}

/// The licences that a text names by their ids or their full names, whatever stands between.
pub(crate) fn named_licences(text: &str) -> Vec<SingleLicence> {
    let parts = text.split([',', ';', '/', '&', '|', '(', ')']);
    let names = parts.filter_map(|part| list().by_full_name(part).map(str::to_owned));
    let is_in_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '+' | ':' | '_');
    let words = text.split(|c: char| !is_in_id(c)).map(|word| word.trim_matches(['.', ':', '-', '_']));
    let ids = words.flat_map(|word| match licence(word) {
        Ok(id) => vec![id],
        Err(_) => word.split(['+', ':', '_']).filter_map(|part| licence(part).ok()).collect(),
    });
    let read = names.chain(ids).filter_map(|normal| parsed(&normal).ok());
    read.flat_map(|expression| expression.requirements().map(|it| (&it.req).into()).collect::<Vec<_>>()).collect()
}

/// The normal form of one licence id or reference, with its `+`.
fn licence(word: &str) -> Result<String, NoExpression> {
    let (id, or_later) = word.strip_suffix('+').map_or((word, false), |id| (id, true));
    if let Some(licence) = list().licence(id) {
        return Ok(normal_form(licence, or_later));
    }
    let reference = (!or_later).then(|| reference(id, "LicenseRef-")).flatten();
    reference.ok_or_else(|| NoExpression::UnknownLicence(word.to_owned()))
}

/// The normal form of one exception id or reference.
fn exception(word: &str) -> Result<String, NoExpression> {
    let listed = list().exception(word).map(str::to_owned);
    let known = listed.or_else(|| reference(word, "AdditionRef-"));
    known.ok_or_else(|| NoExpression::UnknownException(word.to_owned()))
}

/// The normal form of a reference, `LicenseRef-…` or `DocumentRef-…:LicenseRef-…`.
fn reference(word: &str, prefix: &str) -> Option<String> {
    match word.split_once(':') {
        Some((document, local)) => {
            Some(format!("DocumentRef-{}:{prefix}{}", after(document, "DocumentRef-")?, after(local, prefix)?))
        }
        None => Some(format!("{prefix}{}", after(word, prefix)?)),
    }
}

/// What follows the prefix, in lower case, if SPDX allows it as an id of the author's own.
fn after(text: &str, prefix: &str) -> Option<String> {
    let (start, id) = text.split_at_checked(prefix.len())?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    (start.eq_ignore_ascii_case(prefix) && !id.is_empty() && id.chars().all(allowed)).then(|| id.to_ascii_lowercase())
}

/// One licence of an expression, by the names that patterns are held against, all in lower case.
#[derive(Debug)]
pub(crate) struct SingleLicence {
    /// The id as the licence list writes it now, or the reference.
    pub(crate) id: String,
    /// The exception that is joined to it by `WITH`.
    pub(crate) exception: Option<String>,
    /// With "or later": the ids that the licensee may choose from.
    pub(crate) choices: Vec<String>,
}

/// The id without what it says of invariant sections: `GFDL-1.3-invariants-only` is a `GFDL-1.3-only`. None if it says
/// nothing of them.
pub(crate) fn without_invariants(id: &str) -> Option<String> {
    let (before, behind) = id.split_once("-no-invariants").or_else(|| id.split_once("-invariants"))?;
    Some(format!("{before}{behind}"))
}

impl SingleLicence {
    /// Whether the licence, or what is joined to it by `WITH`, is known to the author of the text alone.
    pub(crate) fn is_reference(&self) -> bool {
        let is_one = |name: &str| ["licenseref-", "additionref-", "documentref-"].iter().any(|it| name.starts_with(it));
        is_one(&self.id) || self.exception.as_deref().is_some_and(is_one)
    }
}

impl From<&LicenseReq> for SingleLicence {
    fn from(licence: &LicenseReq) -> Self {
        let choices = match &licence.license {
            LicenseItem::Spdx { id, or_later } => list().choices(*id, *or_later),
            LicenseItem::Other(_) => Vec::new(),
        };
        Self {
            id: licence.license.to_string().to_ascii_lowercase(),
            exception: licence.addition.as_ref().map(AdditionItem::to_string).map(|name| name.to_ascii_lowercase()),
            choices: choices.into_iter().map(str::to_ascii_lowercase).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        expression(text).map_or_else(|error| format!("! {error}"), |expression| expression.to_string())
    }

    #[test]
    fn ids_are_read_in_any_case_and_written_as_the_list_writes_them() {
        assert_eq!(read("mit"), "MIT");
        assert_eq!(read("mit or APACHE-2.0"), "MIT OR Apache-2.0");
        assert_eq!(read("(MIT or apache-2.0) and bsd-3-clause"), "( MIT OR Apache-2.0 ) AND BSD-3-Clause");
        assert_eq!(read("MIT AND agpl-3.0-only"), "MIT AND AGPL-3.0-only");
        assert_eq!(read(" Zlib\tAND\nISC "), "Zlib AND ISC");
    }

    #[test]
    fn old_ids_are_read_as_what_they_are_called_now() {
        for (old, new) in [
            ("GPL-2.0", "GPL-2.0-only"),
            ("gpl-2.0+", "GPL-2.0-or-later"),
            ("GPL-2.0-only+", "GPL-2.0-or-later"),
            ("GPL-2.0-or-later+", "GPL-2.0-or-later"),
            ("LGPL-2.1", "LGPL-2.1-only"),
            ("AGPL-3.0", "AGPL-3.0-only"),
            ("GFDL-1.3-invariants", "GFDL-1.3-invariants-only"),
            ("GPL-2.0-with-classpath-exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
            ("gpl-2.0-with-gcc-exception+", "GPL-2.0-or-later WITH GCC-exception-2.0"),
            ("wxWindows", "GPL-2.0-or-later WITH WxWindows-exception-3.1"),
            ("StandardML-NJ", "SMLNJ"),
            ("BSD-2-Clause-NetBSD+", "BSD-2-Clause+"),
            ("LGPL-2.1 WITH nokia-qt-exception-1.1", "LGPL-2.1-only WITH Qt-LGPL-exception-1.1"),
            ("Net-SNMP", "Net-SNMP"),
            ("Apache-2.0+", "Apache-2.0+"),
        ] {
            assert_eq!(read(old), new);
        }
    }

    #[test]
    fn references_are_read_in_any_case() {
        assert_eq!(read("LicenseRef-Acme-1.0"), "LicenseRef-acme-1.0");
        assert_eq!(read("documentref-SBOM:licenseref-X OR MIT"), "DocumentRef-sbom:LicenseRef-x OR MIT");
        assert_eq!(read("MIT WITH AdditionRef-Note"), "MIT WITH AdditionRef-note");
    }

    #[test]
    fn what_is_no_expression_is_refused_with_the_cause() {
        for (text, cause) in [
            ("", "it is no SPDX licence expression"),
            ("MIT AND", "it is no SPDX licence expression"),
            ("MIT WITH", "it is no SPDX licence expression"),
            ("MIT WITH Apache-2.0", "the SPDX list has no exception `Apache-2.0`"),
            ("MIT Apache-2.0", "it is no SPDX licence expression"),
            ("(MIT", "it is no SPDX licence expression"),
            ("GPL-2.0-with-classpath-exception WITH GCC-exception-2.0", "it is no SPDX licence expression"),
            ("Apache-2.0 +", "the SPDX list has no licence `+`"),
            ("AGPL3", "the SPDX list has no licence `AGPL3`: did you mean `AGPL-3.0-only`?"),
            ("MIT++", "the SPDX list has no licence `MIT++`: did you mean `MIT`?"),
            ("LicenseRef-", "the SPDX list has no licence `LicenseRef-`"),
            ("LicenseRef-a_b", "the SPDX list has no licence `LicenseRef-a_b`"),
            ("LicenseRef-a+", "the SPDX list has no licence `LicenseRef-a+`"),
            ("MIT/ISC", "the SPDX list has no licence `MIT/ISC`: did you mean `MIT`?"),
            ("NOASSERTION", "the SPDX list has no licence `NOASSERTION`"),
            ("MIT AND noassertion", "the SPDX list has no licence `noassertion`"),
            ("MIT And ISC", "the SPDX list has no licence `And`"),
            ("Лицензия", "the SPDX list has no licence `Лицензия`"),
            (
                "GPL-2.0 WITH Classpath-exception",
                "the SPDX list has no exception `Classpath-exception`: did you mean `Classpath-exception-2.0`?",
            ),
        ] {
            assert_eq!(read(text), format!("! {cause}"), "{text}");
        }
    }
}
