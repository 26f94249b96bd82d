//! Removes the parts of an event that its receiver must not see, by JSON Pointer.
//!
//! The rules are OPA's: `remove` and `upsert`, and each event lists the changes in `erased` and `masked`. A part `*` of
//! a pointer stands for every key and every element at that place, and the event then names each place. Masking changes
//! nothing in the ledger: readers with access still find everything there.

use lockgate_domain::escaped_token;
use serde_json::{Map, Value};

use crate::config::{MaskOp, MaskRule};

impl MaskRule {
    /// Applies the rule to an event, and notes the changes in the event.
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
                // As in OPA: a missing value is not added.
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
    format!("{at}/{}", escaped_token(part))
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
            // Places keep the names that they had before any removal.
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
mod tests {
    use serde_json::json;

    use super::*;

    fn event() -> Map<String, Value> {
        let event = json!({
            "decision_id": "d-1",
            "input": {
                "user": { "name": "ada", "password": "secret", "a/b": 1, "m~n": 2 },
                "list": [{ "token": "t0", "kept": 0 }, { "token": "t1" }, "plain"],
            },
            "result": { "verdict": "deny" },
            "requested_by": "ada@example.org",
        });
        event.as_object().cloned().unwrap_or_default()
    }

    fn remove_rule(path: &str) -> MaskRule {
        MaskRule { op: MaskOp::Remove, path: path.to_owned(), value: None }
    }

    fn upsert_rule(path: &str, value: Value) -> MaskRule {
        MaskRule { op: MaskOp::Upsert, path: path.to_owned(), value: Some(value) }
    }

    /// The event after the rules: the value at a pointer, and the places in `erased` and `masked`.
    fn masked(rules: &[MaskRule], look_at: &str) -> (Option<Value>, Value, Value) {
        let mut event = event();
        for rule in rules {
            rule.apply(&mut event);
        }
        let noted = |event: &Map<String, Value>, note: &str| event.get(note).cloned().unwrap_or(Value::Null);
        let (erased, replaced) = (noted(&event, "erased"), noted(&event, "masked"));
        (Value::Object(event).pointer(look_at).cloned(), erased, replaced)
    }

    #[test]
    fn a_key_is_removed_and_the_event_says_so() {
        let (user, erased, replaced) = masked(&[remove_rule("/input/user/password")], "/input/user");
        assert_eq!(user, Some(json!({ "name": "ada", "a/b": 1, "m~n": 2 })));
        assert_eq!((erased, replaced), (json!(["/input/user/password"]), Value::Null));
    }

    #[test]
    fn what_is_not_there_is_neither_removed_nor_noted() {
        let rules = [remove_rule("/input/user/ssn"), remove_rule("/input/user/name/first"), remove_rule("/lockgate")];
        let (_, erased, _) = masked(&rules, "");
        assert_eq!(erased, Value::Null);
    }

    #[test]
    fn a_whole_part_can_be_removed() {
        let (input, erased, _) = masked(&[remove_rule("/input"), remove_rule("/requested_by")], "/input");
        assert_eq!((input, erased), (None, json!(["/input", "/requested_by"])));
    }

    #[test]
    fn slashes_and_tildes_are_escaped_as_rfc_6901_says() {
        let (user, erased, _) =
            masked(&[remove_rule("/input/user/a~1b"), remove_rule("/input/user/m~0n")], "/input/user");
        assert_eq!(user, Some(json!({ "name": "ada", "password": "secret" })));
        assert_eq!(erased, json!(["/input/user/a~1b", "/input/user/m~0n"]));
    }

    #[test]
    fn a_value_is_replaced_or_added() {
        let rules = [upsert_rule("/input/user/password", json!("**")), upsert_rule("/input/new/deep", json!(1))];
        let (input, erased, replaced) = masked(&rules, "/input");
        let input = input.unwrap_or_default();
        assert_eq!(input.pointer("/user/password"), Some(&json!("**")));
        assert_eq!(input.pointer("/new"), Some(&json!({ "deep": 1 })));
        assert_eq!((erased, replaced), (Value::Null, json!(["/input/user/password", "/input/new/deep"])));
    }

    #[test]
    fn a_part_that_the_event_has_not_is_not_made_up() {
        let (own, _, replaced) = masked(&[upsert_rule("/lockgate/peer", json!("x"))], "/lockgate");
        assert_eq!((own, replaced), (None, Value::Null));
    }

    #[test]
    fn a_star_meets_every_element_and_names_each() {
        let (list, erased, _) = masked(&[remove_rule("/input/list/*/token")], "/input/list");
        assert_eq!(list, Some(json!([{ "kept": 0 }, {}, "plain"])));
        assert_eq!(erased, json!(["/input/list/0/token", "/input/list/1/token"]));

        let (list, erased, _) = masked(&[remove_rule("/input/list/*")], "/input/list");
        assert_eq!((list, erased), (Some(json!([])), json!(["/input/list/0", "/input/list/1", "/input/list/2"])));

        let (user, _, replaced) = masked(&[upsert_rule("/input/user/*", json!("-"))], "/input/user");
        assert_eq!(user, Some(json!({ "name": "-", "password": "-", "a/b": "-", "m~n": "-" })));
        assert_eq!(
            replaced,
            json!(["/input/user/a~1b", "/input/user/m~0n", "/input/user/name", "/input/user/password"])
        );
    }

    #[test]
    fn a_star_replaces_only_what_is_there() {
        let (list, _, replaced) = masked(&[upsert_rule("/input/list/*/kept", json!(9))], "/input/list");
        assert_eq!(list, Some(json!([{ "token": "t0", "kept": 9 }, { "token": "t1" }, "plain"])));
        assert_eq!(replaced, json!(["/input/list/0/kept"]));
    }

    #[test]
    fn one_element_of_a_list_can_be_meant_and_no_other_spelling_of_it() {
        let (list, erased, _) = masked(&[remove_rule("/input/list/1"), remove_rule("/input/list/00")], "/input/list");
        assert_eq!(list, Some(json!([{ "token": "t0", "kept": 0 }, "plain"])));
        assert_eq!(erased, json!(["/input/list/1"]));
    }

    #[test]
    fn rules_work_one_after_the_other_and_a_place_is_named_once() {
        let rules = [upsert_rule("/result/verdict", json!(1)), upsert_rule("/result/verdict", json!(2))];
        let (verdict, _, replaced) = masked(&rules, "/result/verdict");
        assert_eq!((verdict, replaced), (Some(json!(2)), json!(["/result/verdict"])));
    }
}
