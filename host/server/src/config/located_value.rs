//! A configuration while it is put together: values with the places where they were written, and reading them from
//! TOML.

use lockgate_domain::unescaped_token;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigFault, PathStep, SettingOrigin, SettingPath};

/// A value, and the place where it was written.
#[derive(Clone, Debug)]
pub(super) struct LocatedValue {
    pub(super) origin: SettingOrigin,
    pub(super) content: LocatedContent,
}

#[derive(Clone, Debug)]
pub(super) enum LocatedContent {
    Leaf(Value),
    List(Vec<LocatedValue>),
    Table(BTreeMap<String, LocatedEntry>),
}

/// The value of a key in a table.
#[derive(Clone, Debug)]
pub(super) struct LocatedEntry {
    /// The place where the key was written.
    pub(super) key: SettingOrigin,
    pub(super) value: LocatedValue,
}

impl LocatedValue {
    /// A table without keys.
    pub(super) fn empty() -> Self {
        Self::empty_table(SettingOrigin::Default)
    }

    fn empty_table(origin: SettingOrigin) -> Self {
        Self { origin, content: LocatedContent::Table(BTreeMap::new()) }
    }

    /// A value that was written in one place.
    pub(super) fn of(value: Value, origin: &SettingOrigin) -> Self {
        let content = match value {
            Value::Array(items) => LocatedContent::List(items.into_iter().map(|item| Self::of(item, origin)).collect()),
            Value::Object(entries) => {
                let entry =
                    |(name, value)| (name, LocatedEntry { key: origin.clone(), value: Self::of(value, origin) });
                LocatedContent::Table(entries.into_iter().map(entry).collect())
            }
            leaf => LocatedContent::Leaf(leaf),
        };
        Self { origin: origin.clone(), content }
    }

    /// Sets the value of a key, and replaces an earlier one. Does nothing if the path leads through something other
    /// than a table.
    pub(super) fn set(&mut self, path: &[String], value: Self) {
        let LocatedContent::Table(entries) = &mut self.content else { return };
        let origin = value.origin.clone();
        match path {
            [] => {}
            [name] => drop(entries.insert(name.clone(), LocatedEntry { key: origin, value })),
            [name, rest @ ..] => {
                let empty = || LocatedEntry { key: origin.clone(), value: Self::empty_table(origin) };
                entries.entry(name.clone()).or_insert_with(empty).value.set(rest, value);
            }
        }
    }

    /// The place where the value at a path was written. If there is none, the place of the innermost value around it.
    pub(super) fn origin_of(&self, path: &[PathStep]) -> &SettingOrigin {
        let next = path.split_first().and_then(|(step, rest)| Some((self.step(step)?, rest)));
        match next {
            Some((value, rest)) => value.origin_of(rest),
            None => &self.origin,
        }
    }

    /// The value at a path.
    pub(super) fn get(&self, path: &[PathStep]) -> Option<&Self> {
        match path.split_first() {
            Some((step, rest)) => self.step(step)?.get(rest),
            None => Some(self),
        }
    }

    /// The path for a JSON Pointer, as far as it leads.
    pub(super) fn path_of(&self, pointer: &str) -> SettingPath {
        let (mut value, mut steps) = (self, Vec::new());
        for segment in pointer.split('/').skip(1) {
            let name = unescaped_token(segment);
            let step = match &value.content {
                LocatedContent::List(_) => name.parse().map(PathStep::Index).unwrap_or(PathStep::Key(name)),
                _ => PathStep::Key(name),
            };
            let Some(next) = value.step(&step) else { break };
            value = next;
            steps.push(step);
        }
        SettingPath(steps)
    }

    fn step(&self, step: &PathStep) -> Option<&Self> {
        match (&self.content, step) {
            (LocatedContent::Table(entries), PathStep::Key(name)) => entries.get(name).map(|entry| &entry.value),
            (LocatedContent::List(items), PathStep::Index(index)) => items.get(*index),
            _ => None,
        }
    }

    /// Removes the value at a path. An item of a list is removed as a whole, because the rest of it would only cause
    /// other mistakes. Returns whether there was something to remove.
    pub(super) fn remove(&mut self, path: &[PathStep]) -> bool {
        let Some((step, rest)) = path.split_first() else { return false };
        match (&mut self.content, step) {
            (LocatedContent::Table(entries), PathStep::Key(name)) => match entries.get_mut(name) {
                Some(entry) => entry.value.remove(rest) || entries.remove(name).is_some(),
                None => false,
            },
            (LocatedContent::List(items), PathStep::Index(index)) if *index < items.len() => {
                items.remove(*index);
                true
            }
            _ => false,
        }
    }

    /// The value without its origins.
    pub(super) fn to_json(&self) -> Value {
        match &self.content {
            LocatedContent::Leaf(value) => value.clone(),
            LocatedContent::List(items) => items.iter().map(Self::to_json).collect(),
            LocatedContent::Table(entries) => {
                Value::Object(entries.iter().map(|(name, entry)| (name.clone(), entry.value.to_json())).collect())
            }
        }
    }
}

/// The text of a file, with its name.
struct TomlText<'t> {
    name: Arc<str>,
    text: &'t str,
}

/// Reads as much of a file as possible, and the mistakes in its syntax.
pub(super) fn read_toml(name: &str, text: &str) -> (LocatedValue, Vec<ConfigFault>) {
    let file = TomlText { name: name.into(), text };
    let (document, errors) = DeTable::parse_recoverable(text);
    let faults = errors.iter().map(|error| {
        let message = error.message().trim().replace('\n', ", ");
        // A mistake without a place is reported at the beginning of the file.
        ConfigFault::new(file.origin(&error.span().unwrap_or(0..0)), message)
    });
    let faults = faults.collect();
    (LocatedValue { origin: SettingOrigin::Default, content: file.table(document.get_ref()) }, faults)
}

impl TomlText<'_> {
    fn origin(&self, span: &Range<usize>) -> SettingOrigin {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.rfind('\n').and_then(|end| before.get(end + 1..)).unwrap_or(before);
        let lines = before.bytes().filter(|byte| *byte == b'\n').count();
        SettingOrigin::File { name: Arc::clone(&self.name), line: lines + 1, column: line.chars().count() + 1 }
    }

    fn table(&self, table: &DeTable<'_>) -> LocatedContent {
        let entry = |(key, value): (&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
            let entry = LocatedEntry { key: self.origin(&key.span()), value: self.value(value) };
            (key.get_ref().clone().into_owned(), entry)
        };
        LocatedContent::Table(table.iter().map(entry).collect())
    }

    fn value(&self, value: &Spanned<DeValue<'_>>) -> LocatedValue {
        let content = match value.get_ref() {
            DeValue::Table(table) => self.table(table),
            DeValue::Array(items) => LocatedContent::List(items.iter().map(|item| self.value(item)).collect()),
            leaf => LocatedContent::Leaf(to_json(leaf)),
        };
        LocatedValue { origin: self.origin(&value.span()), content }
    }
}

/// A TOML value as JSON. A kind that JSON lacks becomes a text, which the schema then refuses.
pub(super) fn to_json(value: &DeValue<'_>) -> Value {
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
        DeValue::Array(items) => items.iter().map(|item| to_json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, value)| (key.get_ref().to_string(), to_json(value.get_ref())));
            Value::Object(entries.collect())
        }
    }
}
