//! The file: TOML, with the place of everything in it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Mistake, Origin};
use super::tree::{Content, Entry, Node};

/// A text with its name.
struct Text<'t> {
    name: Arc<str>,
    text: &'t str,
}

/// Reads a file, as far as it can be read, and says what is wrong with its syntax.
pub(super) fn read(name: &str, text: &str) -> (Node, Vec<Mistake>) {
    let place = Text { name: name.into(), text };
    let (document, errors) = DeTable::parse_recoverable(text);
    let mistakes = errors.iter().map(|error| {
        let message = error.message().trim().replace('\n', ", ");
        Mistake::new(place.origin(&error.span().unwrap_or_default()), message)
    });
    let mistakes = mistakes.collect();
    (Node { origin: Origin::Default, content: place.table(document.get_ref()) }, mistakes)
}

impl Text<'_> {
    fn origin(&self, span: &Range<usize>) -> Origin {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        let lines = before.bytes().filter(|byte| *byte == b'\n').count();
        Origin::File { name: Arc::clone(&self.name), line: lines + 1, column: line.chars().count() + 1 }
    }

    fn table(&self, table: &DeTable<'_>) -> Content {
        let entry = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
            let entry = Entry { key: self.origin(&key.span()), node: self.node(value) };
            (key.get_ref().clone().into_owned(), entry)
        };
        Content::Table(table.iter().map(entry).collect::<BTreeMap<_, _>>())
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Node {
        let content = match value.get_ref() {
            DeValue::Table(table) => self.table(table),
            DeValue::Array(items) => Content::List(items.iter().map(|item| self.node(item)).collect()),
            leaf => Content::Leaf(scalar(leaf)),
        };
        Node { origin: self.origin(&value.span()), content }
    }
}

/// A value as JSON. What JSON does not know becomes a text, and is then found to be of the wrong type.
pub(super) fn scalar(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or_else(|_| number.as_str().into(), Value::from)
        }
        DeValue::Float(number) => {
            let parsed = number.as_str().parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            parsed.map_or_else(|| number.as_str().into(), Value::Number)
        }
        DeValue::Boolean(value) => Value::from(*value),
        DeValue::Datetime(moment) => Value::from(moment.to_string()),
        DeValue::Array(items) => items.iter().map(|item| scalar(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, value)| (key.get_ref().to_string(), scalar(value.get_ref())));
            Value::Object(entries.collect())
        }
    }
}
