//! Rewrites settings by the marks that were found in them: puts ids of people into their normal form, and lists the other
//! marked values with their positions.

use std::collections::{BTreeMap, HashSet};
use std::ptr;

use lockgate_domain::{PersonId, SettingsFinding, escaped_token};
use serde_json::{Map, Value};

use super::mark::{MarkedSetting, MarkedValue, SettingsMark};
use super::search::{FoundMark, MarkedPart};

/// The settings with each id of a person in its normal form, and the other marked values.
///
/// # Errors
/// All invalid ids of people, and all keys of one object that are the same person.
pub(super) fn rewrite(
    settings: &Value,
    marks: &HashSet<FoundMark>,
) -> Result<(Value, Vec<MarkedSetting>), Vec<SettingsFinding>> {
    let mut rewriting = SettingsRewriter { marks, pointer: String::new(), marked: Vec::new(), findings: Vec::new() };
    let rewritten = rewriting.value(settings);
    if rewriting.findings.is_empty() { Ok((rewritten, rewriting.marked)) } else { Err(rewriting.findings) }
}

struct SettingsRewriter<'a> {
    marks: &'a HashSet<FoundMark>,
    /// The position of the current value, as a JSON Pointer.
    pointer: String,
    /// The marked values so far, except ids.
    marked: Vec<MarkedSetting>,
    findings: Vec<SettingsFinding>,
}

impl SettingsRewriter<'_> {
    fn value(&mut self, value: &Value) -> Value {
        let what = MarkedPart::Value(ptr::from_ref(value));
        match value {
            Value::String(text) => {
                self.note(what, |mark| MarkedValue::of_text(mark, text));
                Value::String(if self.is_id(what) { self.id(text) } else { text.clone() })
            }
            Value::Array(elements) => {
                self.note(what, |mark| MarkedValue::of_list(mark, elements));
                let rewritten = elements.iter().enumerate();
                rewritten.map(|(index, element)| self.at(&index.to_string(), |place| place.value(element))).collect()
            }
            Value::Object(members) => Value::Object(self.members(members)),
            Value::Number(number) => {
                self.note(what, |mark| MarkedValue::of_number(mark, number));
                value.clone()
            }
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    fn members(&mut self, members: &Map<String, Value>) -> Map<String, Value> {
        let mut rewritten = Map::new();
        let mut written = BTreeMap::new();
        for (name, member) in members {
            let (normal, member) = self.at(name, |place| {
                let what = MarkedPart::NameOf(ptr::from_ref(member));
                place.note(what, |mark| MarkedValue::of_text(mark, name));
                let normal = if place.is_id(what) { place.id(name) } else { name.clone() };
                if let Some(other) = written.insert(normal.clone(), name) {
                    place.found(format!("`{other}` and `{name}` are the same person: remove one of them"));
                }
                (normal, place.value(member))
            });
            rewritten.insert(normal, member);
        }
        rewritten
    }

    fn is_id(&self, what: MarkedPart) -> bool {
        self.marks.contains(&FoundMark { what, mark: SettingsMark::Person })
    }

    /// Lists the marks of a part of the settings, except ids of people.
    fn note(&mut self, what: MarkedPart, value: impl Fn(SettingsMark) -> Option<MarkedValue>) {
        let is_marked = |mark: &SettingsMark| self.marks.contains(&FoundMark { what, mark: *mark });
        let values = SettingsMark::ALL.into_iter().filter(is_marked).filter_map(value);
        let pointer = &self.pointer;
        self.marked.extend(values.map(|value| MarkedSetting { pointer: pointer.clone(), value }));
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

    /// Calls `inside` one level deeper, at the element or member with that name.
    fn at<T>(&mut self, name: &str, inside: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&escaped_token(name));
        let done = inside(self);
        self.pointer.truncate(length);
        done
    }

    fn found(&mut self, message: String) {
        self.findings.push(SettingsFinding::at(self.pointer.clone(), message));
    }
}
