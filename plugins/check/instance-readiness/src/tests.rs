#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod owners;

use lockgate_plugin::testing::{Fixture, InstanceContent, configure, outcome_and_findings as found, report_of};
use lockgate_plugin::types::{Attribute, Instance, InstanceStatus, Phase, Scenario, Stage};
use lockgate_plugin::{Outcome, Report};

use super::InstanceReadiness;

fn configured(name: &str, value: &str) -> InstanceContent {
    InstanceContent { components: Vec::new(), configuration: vec![Attribute::new(name, value)] }
}

fn fixture() -> Fixture {
    let mut fixture = Fixture::new().gate(Stage::Validate, Phase::Exit);
    fixture.environment.name = "live".to_owned();
    fixture
        .with_desired(Fixture::instance("shop-1"), configured("port", "443"))
        .with_actual(Fixture::instance("shop-1"), configured("port", "443"))
}

fn look(settings: &str, fixture: &Fixture) -> Report {
    report_of::<InstanceReadiness>(settings, fixture)
}

#[test]
fn an_instance_that_runs_monitored_documented_and_as_configured_passes() {
    assert_eq!(found(&look("{}", &fixture())), (Outcome::Passed, vec![]));
}

#[test]
fn each_thing_that_is_missing_is_told_at_its_place() {
    let mut fixture = fixture();
    fixture.actual_instances = vec![Instance {
        status: InstanceStatus::Stopped,
        monitored: false,
        documented: false,
        ..Fixture::instance("shop-1")
    }];
    fixture.actual_content.insert("shop-1".to_owned(), configured("port", "80"));
    let expected = vec![
        ("instance-not-running", "/actual_instances/0/status"),
        ("instance-not-monitored", "/actual_instances/0/monitored"),
        ("instance-not-documented", "/actual_instances/0/documented"),
        ("configuration-differs", "/actual_instances/0/configuration/0/value"),
    ];
    assert_eq!(found(&look("{}", &fixture)), (Outcome::Failed, expected));
    let only = r#"{ "running": false, "monitored": false, "configured": false }"#;
    let documented = vec![("instance-not-documented", "/actual_instances/0/documented")];
    assert_eq!(found(&look(only, &fixture)), (Outcome::Failed, documented));
}

#[test]
fn a_degraded_instance_does_not_run_as_it_should() {
    let mut fixture = fixture();
    fixture.actual_instances[0].status = InstanceStatus::Degraded;
    assert_eq!(found(&look("{}", &fixture)).1, [("instance-not-running", "/actual_instances/0/status")]);
}

#[test]
fn what_is_desired_and_not_configured_is_missing_and_what_is_configured_beside_it_is_no_fault() {
    let mut fixture = fixture();
    fixture.actual_content.insert("shop-1".to_owned(), configured("threads", "443"));
    assert_eq!(found(&look("{}", &fixture)).1, [("configuration-missing", "/actual_instances/0/configuration")]);
}

#[test]
fn without_an_instance_to_look_at_nothing_is_passed() {
    let mut fixture = fixture();
    fixture.actual_instances[0].environment = "staging".to_owned();
    assert_eq!(
        found(&look("{}", &fixture)),
        (Outcome::Inconclusive, vec![("actual-instances-unknown", "/actual_instances")])
    );
}

#[test]
fn before_anything_is_deployed_and_after_a_removal_there_is_nothing_to_look_at() {
    let planning = fixture().gate(Stage::PlanAndApprove, Phase::Exit);
    assert_eq!(look("{}", &planning).outcome, Outcome::Skipped);
    let mut removal = fixture();
    removal.scenario = Scenario::Removal;
    assert_eq!(look("{}", &removal).outcome, Outcome::Skipped);
}

#[test]
fn settings_that_ask_for_nothing_are_refused() {
    let nothing = r#"{ "running": false, "monitored": false, "documented": false, "configured": false }"#;
    let findings = configure::<InstanceReadiness>(nothing).expect_err("nothing is asked for");
    assert_eq!(findings[0].pointer, "");
}
