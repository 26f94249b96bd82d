use schemars::JsonSchema;
use serde_json::{Value, json};

use super::findings;
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
    since: Option<Timestamp>,
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
        "`nmae` is not known here; known are: `hold`, `limits`, `mode`, `name`, `since`, `steps`, `weight`"
    );
}

#[test]
fn a_wrong_type_is_named_in_words_of_toml() {
    assert_eq!(one(with("name", json!(5))), ("/name".to_owned(), "a text is expected here, not `5`".to_owned()));
    assert_eq!(
        one(with("limits", json!([]))),
        ("/limits".to_owned(), "a table is expected here, not a list".to_owned())
    );
    assert_eq!(
        one(with("limits", json!({ "cpu": "lots" }))),
        ("/limits/cpu".to_owned(), "a number is expected here, not `lots`".to_owned())
    );
    assert_eq!(one(json!([])), (String::new(), "a table is expected here, not a list".to_owned()));
}

#[test]
fn a_word_that_is_not_allowed_comes_with_those_that_are() {
    assert_eq!(
        one(with("mode", json!("sideways"))),
        ("/mode".to_owned(), "one of `in-turn`, `together` is expected here, not `sideways`".to_owned())
    );
}

#[test]
fn bounds_are_named() {
    assert_eq!(one(with("weight", json!(0))).1, "at least 1 is expected, not `0`");
    assert_eq!(one(with("weight", json!(101))).1, "at most 100 is expected, not `101`");
    assert_eq!(one(with("weight", json!(1.5))).1, "a whole number is expected here, not `1.5`");
    assert_eq!(one(with("steps", json!([]))).1, "at least one entry is expected");
}

#[test]
fn of_several_shapes_the_nearest_is_reported() {
    assert_eq!(
        one(with("steps", json!([{ "do": "tell", "people": ["ann", 5] }]))),
        ("/steps/0/people/1".to_owned(), "a text is expected here, not `5`".to_owned())
    );
    assert_eq!(
        one(with("steps", json!([{ "do": "wait", "seconds": -1 }]))),
        ("/steps/0/seconds".to_owned(), "at least 0 is expected, not `-1`".to_owned())
    );
}

#[test]
fn lengths_of_time_and_moments_are_read() {
    assert_eq!(one(with("hold", json!("5 min"))).0, "/hold");
    assert_eq!(one(with("since", json!("yesterday"))).0, "/since");
    assert_eq!(one(with("since", json!(true))).1, "a text is expected here, not `true`");
}
