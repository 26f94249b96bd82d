//! Puts the ids that were found in settings into their normal form.

use std::collections::{BTreeMap, HashSet};
use std::ptr;

use lockgate_domain::{PersonId, SettingsFinding};
use serde_json::{Map, Value};

use super::search::Mark;

/// The settings with each marked id in its normal form.
///
/// # Errors
/// All marked texts that are no id of a person, and all keys of one object that are the same person.
pub(super) fn rewrite(settings: &Value, marks: &HashSet<Mark>) -> Result<Value, Vec<SettingsFinding>> {
    let mut rewriting = Rewriting { marks, pointer: String::new(), findings: Vec::new() };
    let rewritten = rewriting.value(settings);
    if rewriting.findings.is_empty() { Ok(rewritten) } else { Err(rewriting.findings) }
}

struct Rewriting<'a> {
    marks: &'a HashSet<Mark>,
    /// The place of the value that is being rewritten, as a JSON Pointer.
    pointer: String,
    findings: Vec<SettingsFinding>,
}

impl Rewriting<'_> {
    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) if self.marks.contains(&Mark::Text(ptr::from_ref(value))) => {
                Value::String(self.id(text))
            }
            Value::Array(elements) => {
                let rewritten = elements.iter().enumerate();
                rewritten.map(|(index, element)| self.at(&index.to_string(), |place| place.value(element))).collect()
            }
            Value::Object(members) => Value::Object(self.members(members)),
            other => other.clone(),
        }
    }

    fn members(&mut self, members: &Map<String, Value>) -> Map<String, Value> {
        let mut rewritten = Map::new();
        let mut written = BTreeMap::new();
        for (name, member) in members {
            let (normal, member) = self.at(name, |place| {
                let is_id = place.marks.contains(&Mark::NameOf(ptr::from_ref(member)));
                let normal = if is_id { place.id(name) } else { name.clone() };
                if let Some(other) = written.insert(normal.clone(), name) {
                    place.found(format!("`{other}` and `{name}` are one person: leave one of them"));
                }
                (normal, place.value(member))
            });
            rewritten.insert(normal, member);
        }
        rewritten
    }

    /// The normal form of an id.
    fn id(&mut self, text: &str) -> String {
        match PersonId::new(text) {
            Ok(id) => id.normal().to_owned(),
            Err(error) => {
                self.found(error.to_string());
                text.to_owned()
            }
        }
    }

    /// Does something one level down, at the element or member of that name.
    fn at<T>(&mut self, name: &str, inside: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        let done = inside(self);
        self.pointer.truncate(length);
        done
    }

    fn found(&mut self, message: String) {
        self.findings.push(SettingsFinding { pointer: self.pointer.clone(), message });
    }
}
