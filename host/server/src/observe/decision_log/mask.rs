//! Taking out of an event what its receiver must not see, by JSON Pointer.
//!
//! The rules are OPA's: `remove` and `upsert`, and each event says what was done to it in `erased` and `masked`. A part
//! `*` of a pointer stands for every key and every element at that place, and the event then names each place that was
//! met. Nothing is changed in the ledger: what is masked here is still there for whoever may read it.

use serde_json::{Map, Value};

use crate::config::{MaskOp, MaskRule};

impl MaskRule {
    /// Does it to an event, and notes in the event what was done.
    pub(super) fn apply(&self, event: &mut Map<String, Value>) {
        let Ok(parts) = self.path_parts() else { return };
        let mut met = Vec::new();
        let exact = !parts.iter().any(|part| part == "*");
        if let Some((first, rest)) = parts.split_first() {
            let at = escaped("", first);
            match self.op {
                MaskOp::Remove if rest.is_empty() => {
                    if event.remove(first).is_some() {
                        met.push(at);
                    }
                }
                MaskOp::Remove => {
                    if let Some(value) = event.get_mut(first) {
                        remove(value, rest, &at, &mut met);
                    }
                }
                // As in OPA: what an event has not at all is not made up.
                MaskOp::Upsert => {
                    if let (Some(value), Some(new)) = (event.get_mut(first), &self.value) {
                        upsert(value, rest, new, exact, &at, &mut met);
                    }
                }
            }
        }
        let note = match self.op {
            MaskOp::Remove => "erased",
            MaskOp::Upsert => "masked",
        };
        note_places(event, note, met);
    }
}

/// Adds places to `erased` or `masked`, once each.
pub(super) fn note_places(event: &mut Map<String, Value>, note: &str, met: Vec<String>) {
    if met.is_empty() {
        return;
    }
    if let Value::Array(noted) = event.entry(note).or_insert_with(|| Value::Array(Vec::new())) {
        for place in met {
            let place = Value::from(place);
            if !noted.contains(&place) {
                noted.push(place);
            }
        }
    }
}

fn escaped(at: &str, part: &str) -> String {
    format!("{at}/{}", part.replace('~', "~0").replace('/', "~1"))
}

fn remove(value: &mut Value, parts: &[String], at: &str, met: &mut Vec<String>) {
    let Some((part, rest)) = parts.split_first() else { return };
    match value {
        Value::Object(map) => {
            let keys: Vec<String> = if part == "*" { map.keys().cloned().collect() } else { vec![part.clone()] };
            for key in keys {
                let here = escaped(at, &key);
                if !rest.is_empty() {
                    if let Some(inner) = map.get_mut(&key) {
                        remove(inner, rest, &here, met);
                    }
                } else if map.remove(&key).is_some() {
                    met.push(here);
                }
            }
        }
        Value::Array(list) => {
            let places: Vec<usize> = match part.as_str() {
                "*" => (0..list.len()).collect(),
                number => index(number).filter(|n| *n < list.len()).into_iter().collect(),
            };
            // Places are named as they were before any was taken out.
            for &n in &places {
                let here = format!("{at}/{n}");
                if rest.is_empty() {
                    met.push(here);
                } else if let Some(inner) = list.get_mut(n) {
                    remove(inner, rest, &here, met);
                }
            }
            if rest.is_empty() {
                for &n in places.iter().rev() {
                    list.remove(n);
                }
            }
        }
        _ => {}
    }
}

fn upsert(value: &mut Value, parts: &[String], new: &Value, exact: bool, at: &str, met: &mut Vec<String>) {
    let Some((part, rest)) = parts.split_first() else {
        *value = new.clone();
        met.push(at.to_owned());
        return;
    };
    match value {
        Value::Object(map) if part == "*" => {
            for (key, inner) in map {
                upsert(inner, rest, new, exact, &escaped(at, key), met);
            }
        }
        Value::Object(map) => {
            if exact && !map.contains_key(part) {
                let missing = if rest.is_empty() { Value::Null } else { Value::Object(Map::new()) };
                map.insert(part.clone(), missing);
            }
            if let Some(inner) = map.get_mut(part) {
                upsert(inner, rest, new, exact, &escaped(at, part), met);
            }
        }
        Value::Array(list) => {
            for (n, inner) in list.iter_mut().enumerate() {
                if part == "*" || index(part) == Some(n) {
                    upsert(inner, rest, new, exact, &format!("{at}/{n}"), met);
                }
            }
        }
        _ => {}
    }
}

/// An index into an array, as RFC 6901 writes it.
fn index(part: &str) -> Option<usize> {
    let plain = part == "0" || !part.starts_with(['0', '+']);
    part.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests;
