#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use lockgate_plugin::strategy::{Action, HoldAction, Rollout, StepAction, StepStatus};
use lockgate_plugin::testing::{Fixture, Rehearsal, configure};
use lockgate_plugin::types::{Instance, InstanceStatus, Plan, Scenario, WayBack, WayBackKind};
use lockgate_plugin::{PluginError, Strategy};

use super::BlueGreen;

const SETTINGS: &str = r#"{
    "analyze": ["smoke"], "confirm": true, "soak": "10m", "analyze-after": ["latency"], "retire-after": "2h"
}"#;

fn strategy(settings: &str) -> BlueGreen {
    configure(settings).expect("the settings are right")
}

#[test]
fn the_schema_marks_the_analyses_for_the_host() {
    let schema = schemars::schema_for!(crate::settings::Settings).to_value();
    for name in ["analyze", "analyze-after"] {
        assert_eq!(schema["properties"][name]["items"]["format"], "lockgate-analysis");
    }
}

fn findings(settings: &str) -> Vec<String> {
    configure::<BlueGreen>(settings).expect_err("the settings are wrong").into_iter().map(|f| f.pointer).collect()
}

fn instance(id: &str, location: &str, status: InstanceStatus) -> Instance {
    Instance { location: Some(location.to_owned()), status, ..Fixture::instance(id) }
}

/// A new version whose plan names the way back.
fn fixture() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.plan = Some(Plan {
        point_of_no_return: Some("retire".to_owned()),
        way_back: Some(WayBack {
            rehearsed_by: Some("staging-1".to_owned()),
            ..WayBack::last_known_good("shop-2.3.0")
        }),
        ..Fixture::plan("plan-1")
    });
    fixture
}

fn plan(settings: &str, fixture: &Fixture) -> Result<Rollout, PluginError> {
    strategy(settings).plan(&fixture.evaluation())
}

fn ids(rollout: &Rollout) -> Vec<&str> {
    rollout.steps.iter().map(|step| step.id.as_str()).collect()
}

/// The slot that the first step installs into.
fn target(rollout: &Rollout) -> &str {
    match &rollout.steps[0].action {
        StepAction::Deploy(deploy) => deploy.to.slot.as_deref().unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_version_is_installed_beside_the_old_one_and_switched_to() {
    let rollout = plan(SETTINGS, &fixture()).expect("there is a way");
    assert_eq!(ids(&rollout), ["deploy", "analyze", "confirm", "switch", "soak", "analyze-after", "keep", "retire"]);
    assert!(
        matches!(&rollout.steps[0].action, StepAction::Deploy(deploy) if deploy.to.slot.as_deref() == Some("green") && deploy.capacity == 10_000)
    );
    assert!(
        matches!(&rollout.steps[3].action, StepAction::Route(route) if route.slot == "green" && route.weight == 10_000)
    );
    assert!(matches!(rollout.steps[6].action, StepAction::Hold(HoldAction { length: Some(7_200_000), .. })));
    assert!(matches!(&rollout.steps[7].action, StepAction::Remove(target) if target.slot.as_deref() == Some("blue")));
    assert_eq!(rollout.point_of_no_return.as_deref(), Some("retire"));
    assert_eq!(rollout.way_back.rehearsed_by.as_deref(), Some("staging-1"));
    let back: Vec<&str> = rollout.back.iter().map(|back| back.step.id.as_str()).collect();
    assert_eq!(back, ["back-switch", "back-deploy"]);
}

#[test]
fn without_settings_it_installs_switches_keeps_and_retires() {
    assert_eq!(ids(&plan("{}", &fixture()).expect("there is a way")), ["deploy", "switch", "keep", "retire"]);
}

#[test]
fn the_slot_that_holds_running_instances_is_live() {
    let mut fixture = fixture();
    fixture.actual_instances = vec![
        instance("i-1", "green", InstanceStatus::Running),
        instance("i-2", "blue", InstanceStatus::Stopped),
        instance("i-3", "elsewhere", InstanceStatus::Running),
    ];
    let rollout = plan("{}", &fixture).expect("there is a way");
    assert_eq!(target(&rollout), "blue");
    assert!(matches!(&rollout.steps[3].action, StepAction::Remove(target) if target.slot.as_deref() == Some("green")));
}

#[test]
fn instances_of_another_environment_say_nothing() {
    let mut fixture = fixture();
    fixture.actual_instances =
        vec![Instance { environment: "test".to_owned(), ..instance("i-1", "green", InstanceStatus::Running) }];
    assert_eq!(target(&plan("{}", &fixture).expect("there is a way")), "green");
}

#[test]
fn with_both_slots_in_use_there_is_no_plan() {
    let mut fixture = fixture();
    fixture.actual_instances =
        vec![instance("i-1", "green", InstanceStatus::Running), instance("i-2", "blue", InstanceStatus::Degraded)];
    assert_eq!(plan("{}", &fixture).expect_err("no slot is free").code, "both-slots-in-use");
}

#[test]
fn a_first_release_has_nothing_to_retire() {
    let mut fixture = Fixture::new();
    fixture.scenario = Scenario::FirstRelease;
    let rollout = plan(SETTINGS, &fixture).expect("there is a way");
    assert_eq!(ids(&rollout), ["deploy", "analyze", "confirm", "switch", "soak", "analyze-after"]);
    assert_eq!(target(&rollout), "blue");
    assert_eq!((rollout.way_back, rollout.point_of_no_return), (WayBack::new(WayBackKind::Removal), None));
}

#[test]
fn a_removal_keeps_what_is_installed_for_a_while() {
    let mut fixture = Fixture::new();
    fixture.scenario = Scenario::Removal;
    let rollout = plan(SETTINGS, &fixture).expect("there is a way");
    assert_eq!(ids(&rollout), ["confirm", "switch", "keep", "retire"]);
    assert!(matches!(&rollout.steps[1].action, StepAction::Route(route) if route.slot == "blue" && route.weight == 0));
    assert_eq!(rollout.point_of_no_return.as_deref(), Some("retire"));
}

#[test]
fn the_point_of_no_return_can_be_chosen() {
    for (word, step) in [("switch", Some("switch")), ("retire", Some("retire")), ("none", None)] {
        let settings = format!(r#"{{ "point-of-no-return": "{word}" }}"#);
        assert_eq!(plan(&settings, &fixture()).expect("there is a way").point_of_no_return.as_deref(), step);
    }
}

#[test]
fn a_rollout_waits_for_the_person_the_soak_and_the_keeping() {
    let strategy = strategy(SETTINGS);
    let mut rehearsal = Rehearsal::new(&strategy, fixture());
    let (performed, action) = rehearsal.run(&strategy, |_| StepStatus::Succeeded);
    assert_eq!(performed, ["deploy", "analyze", "confirm"]);
    assert!(matches!(action, Action::Wait(wait) if wait.until.is_none() && wait.reason.code == "waiting-for-person"));

    rehearsal.resume("confirm");
    let (performed, action) = rehearsal.run(&strategy, |_| StepStatus::Succeeded);
    assert_eq!(performed, ["switch", "soak"]);
    assert!(
        matches!(action, Action::Wait(wait) if wait.until == Some(Fixture::moment("2026-11-24T12:10:00Z").as_millis()))
    );

    rehearsal.fixture = rehearsal.fixture.now("2026-11-24T12:10:00Z");
    let (performed, action) = rehearsal.run(&strategy, |_| StepStatus::Succeeded);
    assert_eq!(performed, ["analyze-after", "keep"]);
    assert!(
        matches!(action, Action::Wait(wait) if wait.until == Some(Fixture::moment("2026-11-24T14:10:00Z").as_millis()))
    );

    rehearsal.fixture = rehearsal.fixture.now("2026-11-24T14:10:00Z");
    let (performed, action) = rehearsal.run(&strategy, |_| StepStatus::Succeeded);
    assert_eq!((performed, action), (vec!["retire".to_owned()], Action::Complete));
}

#[test]
fn a_failed_analysis_after_the_switch_rolls_back_unless_the_switch_was_the_point_of_no_return() {
    for (settings, rolls_back) in [
        (r#"{ "analyze-after": ["latency"] }"#, true),
        (r#"{ "analyze-after": ["latency"], "point-of-no-return": "switch" }"#, false),
    ] {
        let strategy = strategy(settings);
        let mut rehearsal = Rehearsal::new(&strategy, fixture());
        let (performed, action) = rehearsal.run(&strategy, |_| StepStatus::Failed);
        assert_eq!(performed, ["deploy", "switch", "analyze-after"]);
        assert_eq!(matches!(action, Action::GoBack(_)), rolls_back);
        assert_eq!(matches!(action, Action::Pause(_)), !rolls_back);
    }
}

#[test]
fn settings_that_make_no_way_are_refused() {
    assert_eq!(findings(r#"{ "slots": ["blue"] }"#), ["/slots"]);
    assert_eq!(findings(r#"{ "slots": ["blue", "blue"] }"#), ["/slots/1"]);
    assert_eq!(findings(r#"{ "slots": ["blue", "Blue"] }"#), ["/slots/1"]);
    assert_eq!(findings(r#"{ "slots": [" ", "blue\u200b"] }"#), ["/slots/0", "/slots/1"]);
    assert_eq!(findings(r#"{ "slots": ["", "green"] }"#), ["/slots/0"]);
    assert_eq!(findings(r#"{ "confirm": "yes", "retire-after": 5 }"#), ["/confirm", "/retire-after"]);
    assert_eq!(
        findings(r#"{ "analyze": ["smoke", "smoke"], "analyze-after": ["errors", "smoke", "errors"] }"#),
        ["/analyze/1", "/analyze-after/2"]
    );
}

#[test]
fn lengths_of_time_that_make_no_sense_are_refused() {
    let places = ["/retire-after", "/retry-after", "/soak"];
    assert_eq!(findings(r#"{ "retire-after": "0s", "retry-after": "0s", "soak": "0s" }"#), places);
    assert_eq!(findings(r#"{ "retire-after": "366d", "retry-after": "8d", "soak": "5000w" }"#), places);
}
