//! A configuration while it is put together: values, and where each of them was written.

use std::collections::BTreeMap;

use serde_json::Value;

use super::mistake::Origin;

/// A value, and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) origin: Origin,
    pub(super) content: Content,
}

/// The value.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Leaf(Value),
    List(Vec<Node>),
    Table(BTreeMap<String, Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Where the key was written.
    pub(super) key: Origin,
    pub(super) node: Node,
}

/// One step from a value into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// The path as people write it: `auth.certificates[0].uri`.
pub(super) fn dotted(path: &[Step]) -> String {
    path.iter().fold(String::new(), |path, step| match step {
        Step::Index(index) => format!("{path}[{index}]"),
        Step::Key(name) if path.is_empty() => name.clone(),
        Step::Key(name) => format!("{path}.{name}"),
    })
}

impl Node {
    /// A table without anything in it.
    pub(super) fn empty() -> Self {
        Self { origin: Origin::Default, content: Content::Table(BTreeMap::new()) }
    }

    /// A value that was written in one place.
    pub(super) fn of(value: Value, origin: &Origin) -> Self {
        let content = match value {
            Value::Array(items) => Content::List(items.into_iter().map(|item| Self::of(item, origin)).collect()),
            Value::Object(entries) => {
                let entry = |(name, value)| (name, Entry { key: origin.clone(), node: Self::of(value, origin) });
                Content::Table(entries.into_iter().map(entry).collect())
            }
            leaf => Content::Leaf(leaf),
        };
        Self { origin: origin.clone(), content }
    }

    /// Puts a value in a place, in which it takes precedence over what is there. What is no table on the way, stays.
    pub(super) fn set(&mut self, path: &[String], value: Self) {
        let Content::Table(entries) = &mut self.content else { return };
        match path {
            [] => {}
            [name] => drop(entries.insert(name.clone(), Entry { key: value.origin.clone(), node: value })),
            [name, rest @ ..] => {
                let empty = || Entry {
                    key: value.origin.clone(),
                    node: Self { origin: value.origin.clone(), content: Content::Table(BTreeMap::new()) },
                };
                entries.entry(name.clone()).or_insert_with(empty).node.set(rest, value);
            }
        }
    }

    /// Where the value was written, or what it would be in; nothing if nothing of it was written.
    pub(super) fn origin_of(&self, path: &[Step]) -> &Origin {
        let next = path.split_first().and_then(|(step, rest)| Some((self.step(step)?, rest)));
        match next {
            Some((node, rest)) => node.origin_of(rest),
            None => &self.origin,
        }
    }

    /// The value in a place.
    pub(super) fn get(&self, path: &[Step]) -> Option<&Self> {
        match path.split_first() {
            Some((step, rest)) => self.step(step)?.get(rest),
            None => Some(self),
        }
    }

    /// The steps of a JSON Pointer, as far as it leads.
    pub(super) fn steps(&self, pointer: &str) -> Vec<Step> {
        let (mut node, mut steps) = (self, Vec::new());
        for segment in pointer.split('/').skip(1) {
            let name = segment.replace("~1", "/").replace("~0", "~");
            let step = match &node.content {
                Content::List(_) => name.parse().map(Step::Index).unwrap_or(Step::Key(name)),
                _ => Step::Key(name),
            };
            let Some(next) = node.step(&step) else { break };
            node = next;
            steps.push(step);
        }
        steps
    }

    fn step(&self, step: &Step) -> Option<&Self> {
        match (&self.content, step) {
            (Content::Table(entries), Step::Key(name)) => entries.get(name).map(|entry| &entry.node),
            (Content::List(items), Step::Index(index)) => items.get(*index),
            _ => None,
        }
    }

    /// Takes a value out. What is in a list or in a table that the user named is taken out with all that belongs to it,
    /// as a rest of it would only be wrong in other ways. Whether there was something to take out.
    pub(super) fn remove(&mut self, path: &[Step]) -> bool {
        let Some((step, rest)) = path.split_first() else { return false };
        match (&mut self.content, step) {
            (Content::Table(entries), Step::Key(name)) => match entries.get_mut(name) {
                Some(entry) => entry.node.remove(rest) || entries.remove(name).is_some(),
                None => false,
            },
            (Content::List(items), Step::Index(index)) if *index < items.len() => {
                items.remove(*index);
                true
            }
            _ => false,
        }
    }

    /// The value alone.
    pub(super) fn to_json(&self) -> Value {
        match &self.content {
            Content::Leaf(value) => value.clone(),
            Content::List(items) => items.iter().map(Self::to_json).collect(),
            Content::Table(entries) => {
                Value::Object(entries.iter().map(|(name, entry)| (name.clone(), entry.node.to_json())).collect())
            }
        }
    }
}
