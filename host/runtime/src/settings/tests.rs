#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use lockgate_domain::SettingsFinding;
use lockgate_repeat::Repeat;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::schema::{MarkError, check};
use super::{MarkedSetting, MarkedValue, PeriodEnd, SettingsError, SettingsMark, WrittenSettings};

fn person() -> Value {
    json!({ "type": "string", "minLength": 1, "format": "lockgate-person" })
}

fn normal_value(schema: &Value, settings: &Value) -> Result<Value, SettingsError> {
    super::normal_value(schema, settings).map(|(value, _)| value)
}

/// What is marked beside ids of people: places and values.
fn marked(schema: &Value, settings: &Value) -> Vec<(String, MarkedValue)> {
    assert_eq!(check(schema), Ok(()));
    let (_, marked) = super::normal_value(schema, settings).unwrap();
    marked.into_iter().map(|MarkedSetting { pointer, value }| (pointer, value)).collect()
}

/// The settings that a plugin with this schema gets.
fn normal(schema: &Value, settings: &Value) -> Value {
    assert_eq!(check(schema), Ok(()));
    normal_value(schema, settings).unwrap()
}

/// What is wrong with the settings: pointers and messages.
fn wrong(schema: &Value, settings: &Value) -> Vec<(String, String)> {
    assert_eq!(check(schema), Ok(()));
    match normal_value(schema, settings) {
        Err(SettingsError::Findings(findings)) => {
            findings.into_iter().map(|SettingsFinding { pointer, message, .. }| (pointer, message)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn is_too_intricate(outcome: &Result<Value, SettingsError>) -> bool {
    matches!(outcome, Err(SettingsError::Schema(MarkError::TooIntricate)))
}

#[test]
fn ids_below_each_keyword_become_normal_and_other_texts_stay() {
    let schema = json!({
        "type": "object",
        "properties": {
            "lead": person(),
            "deputy": { "anyOf": [person(), { "type": "null" }] },
            "second": { "type": ["string", "null"], "format": "lockgate-person" },
            "people": { "type": "array", "items": { "$ref": "#/$defs/Person" } },
            "pair": { "prefixItems": [{ "type": "string" }, person()], "items": person() },
            "by-role": { "additionalProperties": { "type": "array", "items": person() } },
            "nested": { "$ref": "#/$defs/Nested" },
            "title": { "type": "string" },
        },
        "patternProperties": { "^x-": person() },
        "$defs": {
            "Person": { "allOf": [person()] },
            "Nested": { "properties": { "who": person(), "deeper": { "$ref": "#/$defs/Nested" } } },
        },
    });
    let settings = json!({
        "lead": " Kim@Example.org ", "deputy": "STRASSE", "second": "Kim", "people": ["ANN", "Jose\u{301}"],
        "pair": ["Role", "Ann", "Bob"], "by-role": { "Ops": ["Ann"] }, "nested": { "who": "A", "deeper": { "who": "B" } },
        "title": "Title", "x-owner": "Ann", "y-owner": "Ann", "count": 3,
    });
    let expected = json!({
        "lead": "kim@example.org", "deputy": "strasse", "second": "kim", "people": ["ann", "jos\u{e9}"],
        "pair": ["Role", "ann", "bob"], "by-role": { "Ops": ["ann"] }, "nested": { "who": "a", "deeper": { "who": "b" } },
        "title": "Title", "x-owner": "ann", "y-owner": "Ann", "count": 3,
    });
    assert_eq!(normal(&schema, &settings), expected);
    let absent = json!({ "deputy": null, "second": null });
    assert_eq!(normal(&schema, &absent), absent);
}

#[test]
fn settings_of_a_schema_without_marks_stay_as_they_are() {
    let settings = json!({ "people": ["ANN", "a\u{200b}"] });
    for schema in [json!(true), json!({}), json!({ "$ref": "#" }), json!({ "properties": { "people": {} } })] {
        assert_eq!(normal(&schema, &settings), settings);
    }
}

#[test]
fn texts_that_are_no_ids_are_refused_all_at_once_at_their_places() {
    let schema = json!({ "properties": { "a/b~c": { "items": person() }, "one": person() } });
    let settings = json!({ "a/b~c": ["ann", "an\u{200b}n", 3, "b\u{3bf}b"], "one": "" });
    let found = wrong(&schema, &settings);
    let places: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(places, ["/a~1b~0c/1", "/a~1b~0c/3", "/one"]);
    assert_eq!(found[2].1, "the id of a person is empty: write one");
    assert!(found[0].1.contains("invisible character (U+200B)"), "{}", found[0].1);
}

#[test]
fn names_of_members_are_ids_where_the_schema_says_so() {
    let schema =
        json!({ "properties": { "limits": { "propertyNames": { "$ref": "#/$defs/P" } } }, "$defs": { "P": person() } });
    let settings = json!({ "limits": { "Kim": { "Most": 1 }, "ann": 2 } });
    assert_eq!(normal(&schema, &settings), json!({ "limits": { "kim": { "Most": 1 }, "ann": 2 } }));

    let twice = json!({ "limits": { "KIM": 1, "Kim": 2, "bo\u{200b}b": 3 } });
    let found = wrong(&schema, &twice);
    let expected = ("/limits/Kim".to_owned(), "`KIM` and `Kim` are the same person: remove one of them".to_owned());
    assert_eq!(found[0], expected);
    assert_eq!((found[1].0.as_str(), found.len()), ("/limits/bo\u{200b}b", 2));
}

#[test]
fn of_several_branches_the_marks_of_those_that_fit_count() {
    let tagged = json!({ "oneOf": [
        { "properties": { "is": { "const": "person" }, "name": person() }, "required": ["is", "name"] },
        { "properties": { "is": { "const": "role" }, "name": { "type": "string" } }, "required": ["is", "name"] },
    ] });
    assert_eq!(normal(&tagged, &json!({ "is": "person", "name": "Ann" })), json!({ "is": "person", "name": "ann" }));
    let role = json!({ "is": "role", "name": "Change Authority" });
    assert_eq!(normal(&tagged, &role), role);

    let external = json!({ "oneOf": [
        { "properties": { "person": person() }, "required": ["person"], "additionalProperties": false },
        { "properties": { "role": { "type": "string" } }, "required": ["role"], "additionalProperties": false },
    ] });
    let both = |settings| normal(&external, &settings);
    assert_eq!(both(json!({ "role": "Ops" })), json!({ "role": "Ops" }));
    assert_eq!(both(json!({ "person": "Ann" })), json!({ "person": "ann" }));

    let prefixed = json!({ "items": { "anyOf": [{ "pattern": "^role:" }, { "pattern": "^[^:]+$", "format": "lockgate-person" }] } });
    assert_eq!(normal(&prefixed, &json!(["role:Ops", "Ann"])), json!(["role:Ops", "ann"]));

    let worded = json!({ "anyOf": [{ "enum": ["Everybody", "Nobody"] }, { "items": person() }] });
    assert_eq!(normal(&worded, &json!("Everybody")), json!("Everybody"));
}

#[test]
fn a_mistake_beside_an_id_does_not_hide_the_id() {
    let tagged = json!({ "oneOf": [
        { "properties": { "is": { "const": "person" }, "name": person() }, "required": ["is"] },
        { "properties": { "is": { "const": "role" } }, "required": ["is"] },
    ] });
    assert_eq!(normal(&tagged, &json!({ "is": "persn", "name": "Ann" })), json!({ "is": "persn", "name": "ann" }));
    let list =
        json!({ "properties": { "people": { "items": person() }, "most": { "type": "integer" } }, "required": ["x"] });
    assert_eq!(
        normal(&list, &json!({ "people": ["Ann"], "most": "two" })),
        json!({ "people": ["ann"], "most": "two" })
    );
}

#[test]
fn an_id_whose_normal_form_makes_another_branch_fit_is_followed_there() {
    let schema = json!({ "anyOf": [
        { "properties": { "who": { "const": "ann", "format": "lockgate-person" }, "boss": person() } },
        { "properties": { "who": person() } },
    ] });
    assert_eq!(normal(&schema, &json!({ "who": "Ann", "boss": "Bob" })), json!({ "who": "ann", "boss": "bob" }));
}

#[test]
fn a_schema_that_changes_its_mind_too_often_is_refused() {
    let branch = |from: u8| {
        let (id, next) = (format!("p{from}"), format!("p{}", from + 1));
        json!({ "properties": { id: { "const": "a" }, next: person() }, "required": [format!("p{from}")] })
    };
    let chained: Vec<Value> = (0..12).map(|from| json!({ "anyOf": [branch(from), true] })).collect();
    let schema = json!({ "properties": { "p0": person() }, "allOf": chained });
    let settings: serde_json::Map<String, Value> = (0..12).map(|index| (format!("p{index}"), json!("A"))).collect();
    assert!(is_too_intricate(&normal_value(&schema, &settings.into())));
}

#[test]
fn schemas_that_lead_to_themselves_come_to_an_end() {
    let marked = |mut schema: Value| {
        schema["$defs"]["P"] = person();
        schema
    };
    let (settings, looped) = (json!({ "a": ["B"] }), marked(json!({ "$ref": "#" })));
    assert!(is_too_intricate(&normal_value(&looped, &settings)));
    let looped = marked(json!({ "anyOf": [{ "$ref": "#" }, { "allOf": [{ "$ref": "#" }] }] }));
    assert!(is_too_intricate(&normal_value(&looped, &settings)));
    let tree = json!({ "properties": { "who": person(), "below": { "items": { "$ref": "#" } } } });
    let forest = json!({ "who": "A", "below": [{ "who": "B" }, { "below": [{ "who": "C" }] }] });
    let expected = json!({ "who": "a", "below": [{ "who": "b" }, { "below": [{ "who": "c" }] }] });
    assert_eq!(normal(&tree, &forest), expected);
}

#[test]
fn schemas_that_refer_to_their_parts_in_ever_more_ways_are_given_up_soon() {
    for keyword in ["allOf", "anyOf"] {
        let mut parts = serde_json::Map::new();
        for level in 0..60 {
            let next = json!({ "$ref": format!("#/$defs/A{}", level + 1) });
            parts.insert(format!("A{level}"), json!({ keyword: [next, next] }));
        }
        parts.insert("A60".to_owned(), person());
        let schema = json!({ "$ref": "#/$defs/A0", "$defs": parts });
        let begun = Instant::now();
        assert_eq!(check(&schema), Ok(()));
        assert!(is_too_intricate(&normal_value(&schema, &json!("Ann"))), "{keyword}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{keyword}: {:?}", begun.elapsed());
    }
}

#[test]
fn patterns_that_take_long_are_bounded() {
    let slow = "(?:a|b)*a(?:a|b){3000}c";
    let schema = json!({ "patternProperties": { slow: {}, "x": person() } });
    assert_eq!(check(&schema), Ok(()));
    let name = "ab".repeat(200_000);
    let settings: serde_json::Map<String, Value> = (0..20).map(|index| (format!("{index}{name}"), json!(1))).collect();
    assert!(is_too_intricate(&normal_value(&schema, &settings.into())));

    let many: serde_json::Map<String, Value> = (0..100).map(|index| (format!("^{index}$"), person())).collect();
    assert_eq!(check(&json!({ "patternProperties": many })), Err(MarkError::TooIntricate));
}

#[test]
fn large_lists_of_people_are_taken() {
    let schema = json!({ "properties": { "people": { "items": { "$ref": "#/$defs/Entry" } } }, "$defs": { "Entry": {
        "anyOf": [{ "type": "null" }, { "type": "string", "pattern": "^[^@ ]+@[^@ ]+$", "format": "lockgate-person" }] } } });
    let people = |case: fn(String) -> String| -> Vec<String> {
        (0..40_000).map(|index| case(format!("Person{index}@example.org"))).collect()
    };
    let settings = json!({ "people": people(|id| id) });
    assert_eq!(normal(&schema, &settings), json!({ "people": people(|id| id.to_lowercase()) }));
}

#[test]
fn marks_where_the_host_does_not_look_are_refused() {
    let keyword = |word: &str| Err(MarkError::Keyword { keyword: word.to_owned(), mark: SettingsMark::Person });
    assert_eq!(check(&json!({ "if": true, "then": { "properties": { "a": person() } } })), keyword("then"));
    assert_eq!(check(&json!({ "properties": { "list": { "contains": person() } } })), keyword("contains"));
    let referred = json!({ "items": { "unevaluatedProperties": { "$ref": "#/$defs/P" } }, "$defs": { "P": person() } });
    assert_eq!(check(&referred), keyword("unevaluatedProperties"));
    assert_eq!(check(&json!({ "items": [person()] })), keyword("items"));
    let dynamic = json!({ "properties": { "a": { "$dynamicRef": "#p" } }, "$defs": { "P": person() } });
    assert_eq!(check(&dynamic), Err(MarkError::Dynamic("$dynamicRef".to_owned())));
    let role = json!({ "else": { "properties": { "role": { "format": "lockgate-role" } } } });
    assert_eq!(
        check(&role).unwrap_err().to_string(),
        "the host does not look for `\"format\": \"lockgate-role\"` below `else`: use it below `properties`, \
         `patternProperties`, `additionalProperties`, `propertyNames`, `items`, `prefixItems`, `allOf`, `anyOf` or \
         `oneOf`"
    );
    let anchored = json!({ "items": { "$ref": "#person" }, "$defs": { "P": { "$anchor": "person", "format": "lockgate-person" } } });
    assert_eq!(check(&anchored), Err(MarkError::Reference("\"#person\"".to_owned())));
    let ahead = json!({ "patternProperties": { "^(?!x)": person() } });
    assert_eq!(check(&ahead), Err(MarkError::Pattern("^(?!x)".to_owned())));
}

#[test]
fn keywords_that_lead_to_no_mark_are_nobodys_business() {
    for schema in [
        json!({ "if": { "$ref": "#/$defs/A" }, "then": true, "properties": { "who": person() }, "$defs": { "A": {} } }),
        json!({ "properties": { "who": person() }, "unevaluatedProperties": false }),
        json!({ "properties": { "if": person(), "format": { "const": "lockgate-person" } }, "not": person() }),
        json!({ "properties": { "who": person() }, "$defs": { "Unused": { "if": person() } } }),
        json!({ "patternProperties": { "^(?!x)": { "type": "string" } } }),
    ] {
        assert_eq!(check(&schema), Ok(()), "{schema}");
    }
}

#[test]
fn roles_analyses_people_and_periods_are_told_with_their_places() {
    let schema = json!({
        "properties": {
            "required": { "items": { "properties": { "role": { "$ref": "#/$defs/Role" } } } },
            "by-role": { "type": "object", "propertyNames": { "$ref": "#/$defs/Role" } },
            "steps": { "items": { "properties": {
                "analyze": { "type": "array", "items": { "type": "string", "format": "lockgate-analysis" } },
            } } },
            "freezes": { "type": "array", "format": "lockgate-periods", "items": { "type": "object" } },
            "lead": person(),
            "people": { "type": "integer", "format": "lockgate-people" },
            "least": { "anyOf": [{ "type": "string" }, { "format": "lockgate-people" }] },
        },
        "$defs": { "Role": { "type": "string", "format": "lockgate-role" } },
    });
    let settings = json!({
        "required": [{ "role": "change-authority", "count": 2 }, { "role": 7 }],
        "by-role": { "a/b": 1 },
        "steps": [{ "weight": 5 }, { "weight": 10, "analyze": ["errors", "latency"] }],
        "freezes": [{ "from": "2026-12-20", "until": "2026-12-27" }, { "until": "2027-01-01" }, { "from": "1" }, 3],
        "lead": "ANN",
        "people": 2,
        "least": "2",
    });
    let analysis = |id: &str| MarkedValue::Analysis(id.to_owned());
    let role = |role: &str| MarkedValue::Role(role.to_owned());
    let end = |index, until: &str| PeriodEnd { index, until: until.to_owned() };
    assert_eq!(
        marked(&schema, &settings),
        [
            ("/by-role/a~1b".to_owned(), role("a/b")),
            ("/freezes".to_owned(), MarkedValue::Periods(vec![end(0, "2026-12-27"), end(1, "2027-01-01")])),
            ("/people".to_owned(), MarkedValue::People(2)),
            ("/required/0/role".to_owned(), role("change-authority")),
            ("/steps/1/analyze/0".to_owned(), analysis("errors")),
            ("/steps/1/analyze/1".to_owned(), analysis("latency")),
        ]
    );
    assert_eq!(normal(&schema, &settings)["lead"], "ann");
    assert_eq!(marked(&json!({ "items": { "format": "date" } }), &json!(["2026-12-20"])), []);
}

#[test]
fn settings_that_grow_beyond_the_limit_in_their_normal_form_are_refused() {
    // `İ` has two bytes, and its normal form three.
    let settings = json!(vec!["\u{130}"; 10]);
    let written = WrittenSettings::new(settings, 55).unwrap();
    let outcome = written.normalise(&json!({ "items": person() }), 55);
    assert!(matches!(outcome, Err(SettingsError::TooLarge { size: 61, limit: 55 })), "{outcome:?}");
}

/// Schemas with marks, of the keywords that the host follows.
fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(person()),
        Just(json!({ "type": "string" })),
        Just(json!({ "const": "ann", "format": "lockgate-person" })),
        Just(json!({ "enum": ["Ann", "bob"] })),
        Just(json!({ "pattern": "^[a-z]+$" })),
        Just(json!(true)),
        Just(json!({ "$ref": "#/$defs/P" })),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.clone().prop_map(|items| json!({ "items": items })),
            pair.clone().prop_map(|(a, rest)| json!({ "properties": { "a": a }, "additionalProperties": rest })),
            pair.clone().prop_map(|(a, b)| json!({ "anyOf": [a, b] })),
            pair.clone().prop_map(|(a, b)| json!({ "allOf": [a, b] })),
            pair.prop_map(|(names, members)| json!({ "propertyNames": names, "additionalProperties": members })),
        ]
    })
    .prop_map(|mut schema| {
        if let Some(keywords) = schema.as_object_mut() {
            keywords.insert("$defs".to_owned(), json!({ "P": person() }));
        }
        schema
    })
}

fn values() -> impl Strategy<Value = Value> {
    let text =
        || prop::sample::select(vec!["ann", "Ann", "ANN", "Bob", " bob ", "Stra\u{df}e", "\u{130}", "x\u{200b}"]);
    let leaf = prop_oneof![text().prop_map(|text| json!(text)), Just(json!(1)), Just(Value::Null)];
    leaf.prop_recursive(3, 16, 3, move |inner| {
        let members = prop::collection::vec((prop_oneof![Just("a"), text()], inner.clone()), 0..3);
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Value::from),
            members.prop_map(|members| members.into_iter().map(|(name, member)| (name.to_owned(), member)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(Repeat::new(512, 200_000).property())]

    #[test]
    fn normal_settings_are_their_own_normal_form(schema in schemas(), settings in values()) {
        if let Ok(first) = normal_value(&schema, &settings) {
            prop_assert_eq!(normal_value(&schema, &first).unwrap(), first);
        }
    }
}
