//! Tells other words from other reasons: a plugin's sentences for people are not part of its decision.

use serde::Serialize;
use serde_json::Value;

/// The fields with sentences for people.
const WORDS: [&str; 3] = ["message", "summary", "title"];

/// Whether two answers differ only in their words.
pub(super) fn differ_alone<T: Serialize>(was: &T, is: &T) -> bool {
    match (serde_json::to_value(was), serde_json::to_value(is)) {
        (Ok(mut was), Ok(mut is)) => {
            remove(&mut was, &WORDS);
            remove(&mut is, &WORDS);
            was == is
        }
        _ => false,
    }
}

/// Removes fields from a value, and from everything in it.
pub(super) fn remove(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !names.contains(&name.as_str()));
            fields.values_mut().for_each(|field| remove(field, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| remove(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn other_words_are_no_other_reasons() {
        let missing = |message: &str, role: &str| json!({ "require": [{ "code": "approvals-missing", "message": message, "need": { "role": role } }] });
        assert!(differ_alone(&missing("one more", "risk"), &missing("1 more", "risk")));
        assert!(!differ_alone(&missing("one more", "risk"), &missing("one more", "law")));
        assert!(!differ_alone(&missing("one more", "risk"), &json!({ "require": [] })));
    }
}
