//! The definition of the environment.

use super::*;

const DEFINED: &str =
    r#"{ "environment-definition": true, "allowed-definitions": ["git+https://git.example.com/environments@*"] }"#;

/// An environment that was built from the version of its definition, at fulfill.
fn built() -> Fixture {
    let mut fixture = fixture(Stage::Fulfill);
    fixture.components = vec![component("app", component_kind::SOFTWARE, Some("a"))];
    fixture.approved_components = fixture.components.clone();
    fixture.environment.version = Some("sha256:1".to_owned());
    fixture.environment.definition = Some("git+https://git.example.com/environments@1c9e7d2".to_owned());
    fixture.environment.applied = Some("sha256:1".to_owned());
    fixture
}

fn look(fixture: &Fixture) -> (Outcome, Vec<(String, String)>) {
    let report = run_with(DEFINED, fixture);
    let (outcome, findings) = outcome_and_findings(&report);
    (outcome, findings.into_iter().map(|(code, place)| (code.to_owned(), place.to_owned())).collect())
}

fn one(outcome: Outcome, code: &str, member: &str) -> (Outcome, Vec<(String, String)>) {
    (outcome, vec![(code.to_owned(), format!("/environment/{member}"))])
}

#[test]
fn an_environment_that_was_built_from_its_version_passes() {
    assert_eq!(look(&built()), (Outcome::Passed, vec![]));
}

#[test]
fn a_definition_needs_a_version_and_an_allowed_address() {
    let mut fixture = built();
    fixture.environment.version = None;
    assert_eq!(look(&fixture), one(Outcome::Failed, "definition-version-missing", "version"));
    let mut fixture = built();
    fixture.environment.definition = None;
    assert_eq!(look(&fixture), one(Outcome::Failed, "definition-missing", "definition"));
    for elsewhere in ["git+https://git.example.com/other@1c9e7d2", "git+https://evil.example/environments@1", "live"] {
        fixture.environment.definition = Some(elsewhere.to_owned());
        assert_eq!(look(&fixture), one(Outcome::Failed, "definition-not-allowed", "definition"), "{elsewhere}");
    }
}

#[test]
fn what_was_applied_has_to_be_the_version_from_fulfill_on() {
    let mut fixture = built();
    fixture.environment.applied = Some("sha256:2".to_owned());
    assert_eq!(look(&fixture), one(Outcome::Failed, "definition-differs", "applied"));
    fixture.environment.applied = None;
    assert_eq!(look(&fixture), one(Outcome::Inconclusive, "definition-applied-unknown", "applied"));
    let planning = fixture.gate(Stage::PlanAndApprove, Phase::Exit);
    assert_eq!(look(&planning), (Outcome::Passed, vec![]));
}

#[test]
fn the_definition_is_only_looked_at_if_the_settings_say_so() {
    let mut fixture = built();
    (fixture.environment.version, fixture.environment.definition) = (None, None);
    assert_eq!(found(&run(&fixture)), []);
    let anywhere = run_with(r#"{ "environment-definition": true }"#, &built());
    assert_eq!(found(&anywhere), []);
}

#[test]
fn patterns_for_definitions_that_nobody_looks_at_are_refused() {
    let places = |settings: &str| {
        let findings = configure::<ComponentIntegrity>(settings).expect_err("the settings are wrong");
        findings.into_iter().map(|finding| finding.pointer).collect::<Vec<_>>()
    };
    assert_eq!(places(r#"{ "allowed-definitions": ["https://git.example.com/*"] }"#), ["/allowed-definitions"]);
    let broken = r#"{ "environment-definition": true, "allowed-definitions": ["https://repo.example*/**"] }"#;
    assert_eq!(places(broken), ["/allowed-definitions/0"]);
}
