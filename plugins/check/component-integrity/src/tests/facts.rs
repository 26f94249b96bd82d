//! What a component is, by its kind.

use super::*;

/// A component that names nothing but these facts.
fn with(kind: &str, facts: &[&str]) -> Component {
    let fact = |name: &str| facts.contains(&name).then(|| "x".to_owned());
    Component {
        serial: fact("serial"),
        order: fact("order"),
        entitlement: fact("entitlement"),
        migration: fact("migration"),
        retention: facts.contains(&"retention").then_some(86_400_000),
        reviewer: fact("reviewer"),
        ..component("it", kind, Some("a"))
    }
}

/// The findings about one component of a kind with these facts.
fn look(settings: &str, kind: &str, facts: &[&str]) -> (Outcome, Vec<(String, String)>) {
    let mut fixture = fixture(Stage::PlanAndApprove);
    fixture.components = vec![with(kind, facts)];
    let report = run_with(settings, &fixture);
    let (outcome, findings) = outcome_and_findings(&report);
    (outcome, findings.into_iter().map(|(code, place)| (code.to_owned(), place.to_owned())).collect())
}

#[test]
fn each_kind_has_to_say_what_it_is() {
    let missing = |code: &str, member: &str| (code.to_owned(), format!("/release/components/0/{member}"));
    let cases: [(&str, &[&str], Vec<_>); 13] = [
        ("hardware", &[], vec![missing("serial-missing", "serial"), missing("order-missing", "order")]),
        ("hardware", &["serial"], vec![missing("order-missing", "order")]),
        ("hardware", &["order"], vec![missing("serial-missing", "serial")]),
        ("hardware", &["serial", "order"], vec![]),
        ("licence", &["serial"], vec![missing("entitlement-missing", "entitlement")]),
        ("licence", &["entitlement"], vec![]),
        ("data", &[], vec![missing("data-handling-missing", "migration")]),
        ("data", &["migration"], vec![]),
        ("data", &["retention"], vec![]),
        ("documentation", &["order"], vec![missing("reviewer-missing", "reviewer")]),
        ("documentation", &["reviewer"], vec![]),
        ("software", &[], vec![]),
        ("other", &[], vec![]),
    ];
    for (kind, facts, expected) in cases {
        let outcome = if expected.is_empty() { Outcome::Passed } else { Outcome::Failed };
        assert_eq!(look("{}", kind, facts), (outcome, expected), "{kind} {facts:?}");
    }
}

#[test]
fn a_fact_of_blanks_is_none() {
    let mut fixture = fixture(Stage::PlanAndApprove);
    fixture.components = vec![Component { reviewer: Some(" ".to_owned()), ..with("documentation", &[]) }];
    assert_eq!(found(&run(&fixture)), [("reviewer-missing", "/release/components/0/reviewer")]);
}

#[test]
fn the_settings_switch_kinds_off() {
    let settings = r#"{ "kinds-with-facts": ["hardware"] }"#;
    assert_eq!(look(settings, "documentation", &[]).0, Outcome::Passed);
    assert_eq!(look(settings, "hardware", &[]).0, Outcome::Failed);
    assert_eq!(look(r#"{ "kinds-with-facts": [] }"#, "hardware", &[]).0, Outcome::Passed);
}

#[test]
fn a_message_says_which_component_lacks_what() {
    let mut fixture = fixture(Stage::PlanAndApprove);
    let named = |name: &str, component: Component| Component { name: name.to_owned(), ..component };
    fixture.components = vec![named("modem", with("hardware", &["order"])), named("prices", with("data", &[]))];
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
    fixture.components = vec![with("hardware", &[]), with("documentation", &[])];
    fixture.components[0].name = "other".to_owned();
    assert_eq!(found(&run(&fixture)), []);
}
