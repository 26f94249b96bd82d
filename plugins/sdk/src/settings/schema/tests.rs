use schemars::JsonSchema;
use serde_json::{Value, json};

use super::findings;
use crate::Pattern;
use crate::time::{Duration, Timestamp};

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Settings {
    name: String,
    #[schemars(range(min = 1, max = 100))]
    weight: u8,
    mode: Option<Mode>,
    #[schemars(length(min = 1))]
    steps: Vec<Step>,
    #[serde(default)]
    limits: std::collections::BTreeMap<String, f64>,
    hold: Option<Duration>,
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "30d"))]
    pause: Option<Duration>,
    #[schemars(extend("formatMaximum" = "1h"))]
    rest: Option<Duration>,
    since: Option<Timestamp>,
    #[schemars(length(min = 1))]
    reason: Option<String>,
    #[schemars(extend("format" = "lockgate-name"))]
    slot: Option<String>,
    pattern: Option<Pattern>,
    comment: Option<String>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is looked at")]
enum Mode {
    /// One after another.
    InTurn,
    /// All at once.
    Together,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, tag = "do")]
#[expect(dead_code, reason = "only its schema is looked at")]
enum Step {
    Wait { seconds: u32 },
    Tell { people: Vec<String> },
}

fn found(value: Value) -> Vec<(String, String)> {
    let schema = schemars::schema_for!(Settings).to_value();
    findings(&schema, &value).into_iter().map(|finding| (finding.pointer, finding.message)).collect()
}

fn one(value: Value) -> (String, String) {
    let found = found(value);
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap_or_default()
}

fn good() -> Value {
    json!({ "name": "n", "weight": 10, "steps": [{ "do": "wait", "seconds": 5 }] })
}

fn with(key: &str, value: Value) -> Value {
    let mut settings = good();
    if let Some(members) = settings.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
    settings
}

#[test]
fn settings_of_the_right_shape_have_no_findings() {
    assert_eq!(found(good()), []);
    assert_eq!(found(with("mode", json!("in-turn"))), []);
    assert_eq!(found(with("mode", Value::Null)), []);
    assert_eq!(found(with("hold", json!("1h 30m"))), []);
    assert_eq!(found(with("since", json!("2026-11-24T20:00:00+01:00"))), []);
    assert_eq!(found(with("limits", json!({ "cpu": 0.5, "memory": 2 }))), []);
}

#[test]
fn every_mistake_is_found_at_once() {
    let value = json!({
        "nmae": "n", "weight": 200, "mode": "sideways", "steps": [{ "do": "wait" }, 5], "hold": "5 min"
    });
    let places: Vec<String> = found(value).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(places, ["", "/hold", "/mode", "/nmae", "/steps/0", "/steps/1", "/weight"]);
}

#[test]
fn a_missing_key_is_named_where_it_is_missing() {
    let mut value = good();
    if let Some(members) = value.as_object_mut() {
        members.remove("name");
    }
    assert_eq!(one(value), (String::new(), "`name` is missing".to_owned()));
}

#[test]
fn an_unknown_key_comes_with_those_that_are_known() {
    let (pointer, message) = one(with("nmae", json!(1)));
    assert_eq!(pointer, "/nmae");
    assert_eq!(
        message,
        "unknown key `nmae`; known keys: `comment`, `hold`, `limits`, `mode`, `name`, `pattern`, `pause`, \
         `reason`, `rest`, `since`, `slot`, `steps`, `weight`"
    );
}

#[test]
fn a_wrong_type_is_named_in_words_of_toml() {
    assert_eq!(one(with("name", json!(5))), ("/name".to_owned(), "expected a text, got 5".to_owned()));
    assert_eq!(one(with("limits", json!([]))), ("/limits".to_owned(), "expected a table, got a list".to_owned()));
    assert_eq!(
        one(with("limits", json!({ "cpu": "lots" }))),
        ("/limits/cpu".to_owned(), "expected a number, got text \"lots\"".to_owned())
    );
    assert_eq!(one(json!([])), (String::new(), "expected a table, got a list".to_owned()));
}

#[test]
fn a_word_that_is_not_allowed_comes_with_those_that_are() {
    assert_eq!(
        one(with("mode", json!("sideways"))),
        ("/mode".to_owned(), "expected one of `in-turn`, `together`, got text \"sideways\"".to_owned())
    );
}

#[test]
fn bounds_are_named() {
    assert_eq!(one(with("weight", json!(0))).1, "expected at least 1, got 0");
    assert_eq!(one(with("weight", json!(101))).1, "expected at most 100, got 101");
    assert_eq!(one(with("weight", json!(1.5))).1, "expected a whole number, got 1.5");
    assert_eq!(one(with("steps", json!([]))).1, "expected at least one entry");
}

#[test]
fn a_bound_of_one_is_told_in_the_singular() {
    let message = |schema: Value, value: Value| findings(&schema, &value).remove(0).message;
    assert_eq!(message(json!({ "maxItems": 1 }), json!([1, 2])), "expected at most 1 entry, got 2");
    assert_eq!(message(json!({ "maxItems": 2 }), json!([1, 2, 3])), "expected at most 2 entries, got 3");
    assert_eq!(message(json!({ "maxLength": 1 }), json!("ab")), "expected at most 1 character, got 2");
}

#[test]
fn of_several_shapes_the_nearest_is_reported() {
    assert_eq!(
        one(with("steps", json!([{ "do": "tell", "people": ["ann", 5] }]))),
        ("/steps/0/people/1".to_owned(), "expected a text, got 5".to_owned())
    );
    assert_eq!(
        one(with("steps", json!([{ "do": "wait", "seconds": -1 }]))),
        ("/steps/0/seconds".to_owned(), "expected at least 0, got -1".to_owned())
    );
}

#[test]
fn lengths_of_time_and_moments_are_read() {
    assert_eq!(one(with("hold", json!("5 min"))).0, "/hold");
    assert_eq!(one(with("since", json!("yesterday"))).0, "/since");
    assert_eq!(one(with("since", json!(true))).1, "expected a text, got true");
}

#[test]
fn lengths_of_time_keep_to_their_range() {
    for (key, length, message) in [
        ("pause", "0s", "`0s` is too short: use a duration from `1s` to `30d`"),
        ("pause", "999ms", "`999ms` is too short: use a duration from `1s` to `30d`"),
        ("pause", "5000w", "`5000w` is too long: use a duration from `1s` to `30d`"),
        ("rest", "61m", "`61m` is too long: use a duration of at most `1h`"),
    ] {
        assert_eq!(one(with(key, json!(length))), (format!("/{key}"), message.to_owned()));
    }
    for (key, length) in [("pause", "1s"), ("pause", "30d"), ("rest", "0s"), ("rest", "1h"), ("hold", "5000w")] {
        assert_eq!(found(with(key, json!(length))), [], "{key} {length}");
    }
    assert_eq!(found(with("pause", json!("soon"))).len(), 1);
}

#[test]
fn a_text_that_has_to_say_something_is_not_blank() {
    let blank = "the text has no visible character";
    for text in [" ", "\t\n", "\u{a0}", "\u{200b}"] {
        for key in ["reason", "slot", "pattern"] {
            assert_eq!(one(with(key, json!(text))), (format!("/{key}"), blank.to_owned()), "{text:?}");
        }
        assert_eq!(found(with("comment", json!(text))), [], "{text:?}");
    }
    assert_eq!(one(with("reason", json!(""))).1, "the text must not be empty");
    assert_eq!(one(with("pattern", json!(""))).1, "the text must not be empty");
    assert_eq!(one(with("slot", json!(""))).1, blank);
}

#[test]
fn a_name_has_nothing_that_people_do_not_see() {
    for key in ["slot", "pattern"] {
        for text in ["blue ", " blue", "bl\u{200b}ue", "blue\n", "bl\tue", "blue\u{feff}"] {
            let (place, message) = one(with(key, json!(text)));
            assert_eq!(place, format!("/{key}"));
            assert!(message.ends_with(": remove it"), "{message}");
        }
        assert_eq!(found(with(key, json!("Blue 1"))), []);
    }
}

#[test]
fn no_text_has_control_characters_or_turns_others_round() {
    for text in ["a\u{0}", "a\u{1b}", "a\u{202e}b", "a\u{2066}b"] {
        for key in ["reason", "slot", "pattern", "comment"] {
            let (place, message) = one(with(key, json!(text)));
            assert_eq!((place, message.ends_with(": remove it")), (format!("/{key}"), true), "{message}");
        }
        assert_eq!(one(with("limits", json!({ text: 1 }))).0, format!("/limits/{text}"));
    }
    assert_eq!(found(with("comment", json!("two\nlines"))), []);
}
