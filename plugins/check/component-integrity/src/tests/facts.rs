//! What a component is, by its kind.

use serde_json::Value;

use super::*;

/// The findings about one component of a kind with these facts.
fn look(settings: &str, kind: &str, facts: Value) -> (Outcome, Vec<(String, String)>) {
    let mut fixture = fixture(Stage::PlanAndApprove);
    fixture.components = vec![component("it", kind, Some("a"))];
    fixture.document = json!({ "release": { "components": [facts] } });
    let report = run_with(settings, &fixture);
    let (outcome, findings) = outcome_and_findings(&report);
    (outcome, findings.into_iter().map(|(code, place)| (code.to_owned(), place.to_owned())).collect())
}

#[test]
fn each_kind_has_to_say_what_it_is() {
    let missing = |code: &str, member: &str| (code.to_owned(), format!("/release/components/0/{member}"));
    for (kind, facts, expected) in [
        ("hardware", json!({}), vec![missing("serial-missing", "serial"), missing("order-missing", "order")]),
        ("hardware", json!({ "serial": "S-1" }), vec![missing("order-missing", "order")]),
        ("hardware", json!({ "serial": " ", "order": "O-1" }), vec![missing("serial-missing", "serial")]),
        ("hardware", json!({ "serial": "S-1", "order": "O-1" }), vec![]),
        ("licence", json!({ "serial": "S-1" }), vec![missing("entitlement-missing", "entitlement")]),
        ("licence", json!({ "entitlement": "50 seats" }), vec![]),
        ("data", json!({}), vec![missing("data-handling-missing", "migration")]),
        ("data", json!({ "migration": "V12__split_names.sql" }), vec![]),
        ("data", json!({ "retention": "90d" }), vec![]),
        ("documentation", json!({ "name": "it" }), vec![missing("reviewer-missing", "reviewer")]),
        ("documentation", json!({ "reviewer": "rex" }), vec![]),
        ("software", json!({}), vec![]),
        ("process", json!({}), vec![]),
        ("other", json!({}), vec![]),
    ] {
        let outcome = if expected.is_empty() { Outcome::Passed } else { Outcome::Failed };
        assert_eq!(look("{}", kind, facts.clone()), (outcome, expected), "{kind} {facts}");
    }
}

#[test]
fn the_settings_switch_kinds_off() {
    let settings = r#"{ "kinds-with-facts": ["hardware"] }"#;
    assert_eq!(look(settings, "documentation", json!({})).0, Outcome::Passed);
    assert_eq!(look(settings, "hardware", json!({})).0, Outcome::Failed);
    assert_eq!(look(r#"{ "kinds-with-facts": [] }"#, "hardware", json!({})).0, Outcome::Passed);
}

#[test]
fn a_message_says_which_component_lacks_what() {
    let mut fixture = fixture(Stage::PlanAndApprove);
    fixture.components = vec![component("modem", "hardware", None), component("prices", "data", Some("a"))];
    fixture.document = json!({ "release": { "components": [{ "order": "O-1" }, {}] } });
    let report = run(&fixture);
    let messages: Vec<&str> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "`modem` is hardware, and the release names no serial number of it",
            "`prices` is data, and the release names no migration and no retention of it",
        ]
    );
    assert_eq!(report.findings[0].remedies[0].message, "its serial is expected at `/release/components/0/serial`");
}

#[test]
fn what_is_removed_needs_no_facts() {
    let mut fixture = fixture(Stage::PlanAndApprove);
    fixture.scenario = Scenario::Removal;
    fixture.document = json!({ "release": { "components": [{}, {}, {}] } });
    assert_eq!(found(&run(&fixture)), []);
}
