//! Reads the expressions of a model, and finds the places of their parts in the file.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::DeValue;

use super::{Field, ModelFinding, Reader};
use crate::expression::{ConditionOf, Expression};

impl Reader<'_> {
    /// A condition over the snapshot that says whether the model applies.
    pub(super) fn applies_when(&mut self, field: &Field<'_>) -> Option<String> {
        self.expression(field, |text, roles| Expression::read(text, ConditionOf::Model, roles))
    }

    /// A condition over the snapshot that says whether a binding is asked.
    pub(super) fn condition(&mut self, field: &Field<'_>) -> Option<String> {
        self.expression(field, |text, roles| Expression::read(text, ConditionOf::Binding, roles))
    }

    /// A condition over the members of a group.
    pub(super) fn over_members(&mut self, field: &Field<'_>) -> Option<String> {
        self.expression(field, |text, _| Expression::over_members(text))
    }

    fn expression(
        &mut self,
        field: &Field<'_>,
        read: impl FnOnce(&str, &BTreeSet<String>) -> Result<(Expression, Vec<ModelFinding>), Vec<ModelFinding>>,
    ) -> Option<String> {
        if !matches!(field.value, DeValue::String(_)) {
            let before = self.findings.len();
            self.text(field);
            if let (DeValue::Boolean(boolean), Some(finding)) = (field.value, self.findings.get_mut(before)) {
                finding.helps.push(format!("write the expression as a text: `{} = \"{boolean}\"`", field.name));
            }
            return None;
        }
        let text = self.text(field)?;
        let raw = self.text_at(field.span.clone());
        let (findings, is_right) = match read(&text, &self.roles) {
            Ok((_, warnings)) => (warnings, true),
            Err(findings) => (findings, false),
        };
        let places = places(raw, &text);
        self.findings.extend(findings.into_iter().map(|mut finding| {
            let place = |offset: usize| places.as_ref().and_then(|places| places.get(offset)).copied();
            finding.span = match (place(finding.span.start), place(finding.span.end)) {
                (Some(start), Some(end)) => field.span.start + start..field.span.start + end.max(start),
                _ => field.span.clone(),
            };
            finding
        }));
        is_right.then_some(text)
    }

    fn text_at(&self, span: Range<usize>) -> &str {
        self.text.get(span).unwrap_or_default()
    }
}

/// For each byte of a string's value, and for its end, the byte of the source text for it. None if the two do not fit
/// together.
fn places(raw: &str, value: &str) -> Option<Vec<usize>> {
    let quote = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quote| raw.starts_with(quote))?;
    let escapes = quote.starts_with('"');
    let end = raw.len().checked_sub(quote.len())?;
    let mut at = quote.len();
    if quote.len() == 3 {
        // A line break right behind the quotes is not part of the value.
        at += ["\r\n", "\n"]
            .into_iter()
            .find(|newline| raw.get(at..).is_some_and(|rest| rest.starts_with(newline)))
            .map_or(0, str::len);
    }
    let mut places = Vec::with_capacity(value.len() + 1);
    for character in value.chars() {
        loop {
            let rest = raw.get(at..end)?;
            let written = rest.chars().next()?;
            let length = match (escapes && written == '\\', rest.chars().nth(1)) {
                (true, Some('u')) => 6,
                (true, Some('U')) => 10,
                (true, Some('x')) => 4,
                // A backslash at the end of a line: it and all following blanks stand for nothing.
                (true, Some(blank)) if blank.is_whitespace() => {
                    let behind = rest.get(1..)?;
                    at += 1 + behind.len() - behind.trim_start().len();
                    continue;
                }
                (true, _) => 2,
                (false, _) if written != character && written == '\r' => {
                    at += 1;
                    continue;
                }
                (false, _) if written != character => return None,
                (false, _) => written.len_utf8(),
            };
            places.extend(std::iter::repeat_n(at, character.len_utf8()));
            at += length;
            break;
        }
    }
    places.push(at);
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn each_byte_of_a_value_has_its_place_in_what_is_written() {
        assert_eq!(places("'ab'", "ab"), Some(vec![1, 2, 3]));
        assert_eq!(places(r#""a\"b""#, "a\"b"), Some(vec![1, 2, 4, 5]));
        assert_eq!(places(r#""\u00e9x""#, "éx"), Some(vec![1, 1, 7, 8]));
        assert_eq!(places("'''\nab'''", "ab"), Some(vec![4, 5, 6]));
        assert_eq!(places("\"\"\"a\\\n   b\"\"\"", "ab"), Some(vec![3, 9, 10]));
        assert_eq!(places("'''a\r\nb'''", "a\nb"), Some(vec![3, 5, 6, 7]));
        assert_eq!(places("'ab'", "xy"), None);
        assert_eq!(places("", "x"), None);
    }
}
