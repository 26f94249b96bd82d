#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use lockgate_plugin::strategy::{Action, HoldAction, Rollout, StepAction, StepStatus};
use lockgate_plugin::testing::{Fixture, Rehearsal, configure};
use lockgate_plugin::types::{DeploymentRecord, DeploymentResult, Level, Plan, Scenario, WayBack, WayBackKind};
use lockgate_plugin::{PluginError, Strategy};

use super::Canary;

const SETTINGS: &str = r#"{
    "steps": [
        { "weight": 10, "hold": "10m", "analyze": ["latency"] },
        { "weight": 50, "analyze": ["latency", "errors"], "confirm": true }
    ]
}"#;

fn canary(settings: &str) -> Canary {
    configure(settings).expect("the settings are right")
}

#[test]
fn the_schema_marks_the_analyses_for_the_host() {
    let schema = schemars::schema_for!(crate::settings::Settings).to_value();
    assert_eq!(schema["$defs"]["WeightStep"]["properties"]["analyze"]["items"]["format"], "lockgate-analysis");
}

fn findings(settings: &str) -> Vec<String> {
    configure::<Canary>(settings).expect_err("the settings are wrong").into_iter().map(|f| f.pointer).collect()
}

fn past(release: &str, environment: &str, outcome: DeploymentResult) -> DeploymentRecord {
    DeploymentRecord {
        id: format!("past-{release}"),
        product: "shop".to_owned(),
        environment: environment.to_owned(),
        live: environment == "live",
        change: None,
        release: release.to_owned(),
        digest: None,
        model: None,
        model_version: None,
        scenario: Scenario::NewVersion,
        risk: Level::Low,
        iteration: 1,
        requested: 0,
        began: None,
        ended: Some(0),
        outcome,
        returned_to: None,
        incidents: Vec::new(),
    }
}

/// A new version of a product of which 2.3.0 was operational before.
fn fixture() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.history = vec![
        past("shop-2.3.1", "live", DeploymentResult::RolledBack),
        past("shop-2.3.2", "test", DeploymentResult::Operational),
        past("shop-2.3.0", "live", DeploymentResult::Operational),
    ];
    fixture
}

fn plan(fixture: &Fixture) -> Result<Rollout, PluginError> {
    canary(SETTINGS).plan(&fixture.evaluation())
}

fn ids(rollout: &Rollout) -> Vec<&str> {
    rollout.steps.iter().map(|step| step.id.as_str()).collect()
}

#[test]
fn a_new_version_goes_up_weight_by_weight_and_then_replaces_the_old_one() {
    let rollout = plan(&fixture()).expect("there is a way");
    assert_eq!(
        ids(&rollout),
        [
            "canary-1-deploy",
            "canary-1-route",
            "canary-1-hold",
            "canary-1-analyze",
            "canary-2-deploy",
            "canary-2-route",
            "canary-2-analyze",
            "canary-2-confirm",
            "shift-deploy",
            "shift-route",
            "replace-stable",
            "return-to-stable",
            "retire-canary",
        ]
    );
    assert!(
        matches!(&rollout.steps[1].action, StepAction::Route(route) if route.slot == "canary" && route.weight == 1000)
    );
    assert!(matches!(rollout.steps[2].action, StepAction::Hold(HoldAction { length: Some(600_000), .. })));
    assert!(
        matches!(&rollout.steps[6].action, StepAction::Analyze(analyze) if analyze.checks == ["latency", "errors"])
    );
    assert!(matches!(rollout.steps[7].action, StepAction::Hold(HoldAction { length: None, .. })));
    assert!(
        matches!(&rollout.steps[10].action, StepAction::Deploy(deploy) if deploy.to.slot.as_deref() == Some("stable") && deploy.capacity == 10_000)
    );
    assert_eq!(rollout.point_of_no_return.as_deref(), Some("replace-stable"));
    assert_eq!(
        rollout.summary,
        "Shop 2.4 is tried in canary with 10 %, 50 % of the consumers, and then replaces stable"
    );
}

#[test]
fn a_way_up_that_ends_at_all_consumers_needs_no_shift() {
    let rollout = canary(r#"{ "steps": [{ "weight": 100 }] }"#).plan(&fixture().evaluation()).expect("there is a way");
    assert_eq!(
        ids(&rollout),
        ["canary-1-deploy", "canary-1-route", "replace-stable", "return-to-stable", "retire-canary"]
    );
}

#[test]
fn a_new_version_returns_to_what_was_last_operational_in_the_same_environment() {
    let good = WayBack::last_known_good("shop-2.3.0");
    assert_eq!(plan(&fixture()).expect("there is a way").way_back, good);
}

#[test]
fn a_new_version_without_anything_to_return_to_has_no_plan() {
    let error = plan(&Fixture::new()).expect_err("there is no way back");
    assert_eq!(error.code, "no-last-known-good");
    assert!(error.message.contains("name the way back in the plan"));
}

#[test]
fn a_first_release_is_installed_looked_at_and_opened() {
    let mut fixture = Fixture::new();
    fixture.scenario = Scenario::FirstRelease;
    let rollout = plan(&fixture).expect("there is a way");
    assert_eq!(ids(&rollout), ["deploy-stable", "analyze", "confirm", "route-stable"]);
    assert!(
        matches!(&rollout.steps[1].action, StepAction::Analyze(analyze) if analyze.checks == ["latency", "errors"])
    );
    assert_eq!((rollout.way_back, rollout.point_of_no_return), (WayBack::new(WayBackKind::Removal), None));
}

#[test]
fn a_removal_sends_consumers_away_before_anything_is_removed() {
    let mut fixture = fixture();
    fixture.scenario = Scenario::Removal;
    let rollout = plan(&fixture).expect("there is a way");
    assert_eq!(ids(&rollout), ["route-away", "rest", "retire-stable"]);
    assert!(matches!(rollout.steps[1].action, StepAction::Hold(HoldAction { length: None, .. })));
    assert_eq!(rollout.point_of_no_return.as_deref(), Some("retire-stable"));
    assert_eq!(rollout.way_back.release.as_deref(), Some("shop-2.4.0"));
    assert_eq!(back(&rollout), [("back-route", vec!["route-away"])]);

    let timed = canary(r#"{ "steps": [{ "weight": 5 }], "retire-after": "30d" }"#);
    let rollout = timed.plan(&fixture.evaluation()).expect("there is a way");
    assert!(matches!(rollout.steps[1].action, StepAction::Hold(HoldAction { length: Some(2_592_000_000), .. })));
}

#[test]
fn the_point_of_no_return_can_be_chosen() {
    for (word, step) in [("retire-canary", Some("retire-canary")), ("none", None)] {
        let settings = format!(r#"{{ "steps": [{{ "weight": 5 }}], "point-of-no-return": "{word}" }}"#);
        let rollout = canary(&settings).plan(&fixture().evaluation()).expect("there is a way");
        assert_eq!(rollout.point_of_no_return.as_deref(), step);
    }
}

#[test]
fn a_rollout_in_which_all_goes_well_comes_to_its_end() {
    let strategy = canary(SETTINGS);
    let mut rehearsal = Rehearsal::new(&strategy, fixture());
    let (performed, action) = rehearsal.run(&strategy, |_| StepStatus::Succeeded);
    assert_eq!(performed, ["canary-1-deploy", "canary-1-route", "canary-1-hold"]);
    let Action::Wait(wait) = action else { panic!("{action:?}") };
    // Ten minutes after 12:00.
    assert_eq!(wait.until, Some(Fixture::moment("2026-11-24T12:10:00Z").as_millis()));

    rehearsal.fixture = rehearsal.fixture.now("2026-11-24T12:10:00Z");
    let (performed, action) = rehearsal.run(&strategy, |_| StepStatus::Succeeded);
    assert_eq!(
        performed,
        ["canary-1-analyze", "canary-2-deploy", "canary-2-route", "canary-2-analyze", "canary-2-confirm"]
    );
    assert!(matches!(action, Action::Wait(wait) if wait.until.is_none() && wait.reason.code == "waiting-for-person"));

    rehearsal.resume("canary-2-confirm");
    let (performed, action) = rehearsal.run(&strategy, |_| StepStatus::Succeeded);
    assert_eq!(performed, ["shift-deploy", "shift-route", "replace-stable", "return-to-stable", "retire-canary"]);
    assert_eq!(action, Action::Complete);
}

#[test]
fn a_failed_analysis_rolls_back() {
    let strategy = canary(SETTINGS);
    let mut rehearsal = Rehearsal::new(&strategy, fixture());
    rehearsal.run(&strategy, |_| StepStatus::Succeeded);
    rehearsal.fixture = rehearsal.fixture.now("2026-11-24T12:10:00Z");
    let (performed, action) = rehearsal.run(&strategy, |_| StepStatus::Failed);
    assert_eq!(performed, ["canary-1-analyze"]);
    let Action::GoBack(reason) = action else { panic!("{action:?}") };
    assert_eq!(reason.message, "“Look how Shop 2.4 does at 10 %” failed");

    rehearsal.turn_back();
    let (performed, action) = rehearsal.run(&strategy, |_| StepStatus::Succeeded);
    assert_eq!((performed, action), (vec!["back-route".to_owned(), "back-remove-canary".to_owned()], Action::Complete));
}

/// The steps of the way back, with what they undo.
fn back(rollout: &Rollout) -> Vec<(&str, Vec<&str>)> {
    rollout.back.iter().map(|back| (back.step.id.as_str(), back.undoes.iter().map(String::as_str).collect())).collect()
}

#[test]
fn the_way_back_undoes_each_route_and_each_deployment_of_the_canary() {
    let rollout = plan(&fixture()).expect("there is a way");
    assert_eq!(
        back(&rollout),
        [
            ("back-route", vec!["canary-1-route", "canary-2-route", "shift-route"]),
            ("back-remove-canary", vec!["canary-1-deploy", "canary-2-deploy", "shift-deploy"]),
        ]
    );
    let undoable = r#"{ "steps": [{ "weight": 10 }], "point-of-no-return": "none" }"#;
    let rollout = canary(undoable).plan(&fixture().evaluation()).expect("there is a way");
    assert_eq!(back(&rollout)[0], ("back-replace-stable", vec!["replace-stable"]));
}

#[test]
fn a_plan_that_is_forward_only_has_no_way_back() {
    let mut fixture = fixture();
    fixture.plan = Some(Plan { way_back: Some(WayBack::new(WayBackKind::ForwardOnly)), ..Fixture::plan("plan-1") });
    assert_eq!(plan(&fixture).expect("there is a way").back, []);
}

#[test]
fn steps_have_the_planned_lengths_of_the_settings_and_holds_their_own() {
    let settings = r#"{ "steps": [{ "weight": 10, "hold": "10m", "analyze": ["latency"] }],
        "planned": { "deploy": "7m", "remove": "2m" } }"#;
    let rollout = canary(settings).plan(&fixture().evaluation()).expect("there is a way");
    let planned: Vec<(&str, i64)> = rollout.all_steps().map(|step| (step.id.as_str(), step.planned / 60_000)).collect();
    assert_eq!(
        planned[..4],
        [("canary-1-deploy", 7), ("canary-1-route", 1), ("canary-1-hold", 10), ("canary-1-analyze", 5)]
    );
    assert_eq!(planned.last(), Some(&("back-remove-canary", 2)));
}

#[test]
fn an_analysis_without_data_is_run_again_as_often_as_the_settings_say() {
    let strategy = canary(
        r#"{ "steps": [{ "weight": 10, "analyze": ["latency"] }], "on-inconclusive": "retry", "max-attempts": 2, "retry-after": "1m" }"#,
    );
    let mut rehearsal = Rehearsal::new(&strategy, fixture());
    let (_, action) = rehearsal.run(&strategy, |_| StepStatus::Inconclusive);
    assert!(
        matches!(action, Action::Wait(wait) if wait.until == Some(Fixture::moment("2026-11-24T12:01:00Z").as_millis()))
    );
    rehearsal.fixture = rehearsal.fixture.now("2026-11-24T12:01:00Z");
    let (performed, action) = rehearsal.run(&strategy, |_| StepStatus::Inconclusive);
    assert_eq!(performed, ["canary-1-analyze"]);
    assert!(matches!(action, Action::Pause(reason) if reason.code == "attempts-used-up"));
}

#[test]
fn after_the_point_of_no_return_a_failure_pauses() {
    let strategy = canary(r#"{ "steps": [{ "weight": 10 }] }"#);
    let mut rehearsal = Rehearsal::new(&strategy, fixture());
    rehearsal.run(&strategy, |_| StepStatus::Succeeded);
    let steps = &mut rehearsal.progress().steps;
    let last = steps.len() - 1;
    steps[last].status = StepStatus::Failed;
    let (_, action) = rehearsal.run(&strategy, |_| StepStatus::Succeeded);
    assert!(
        matches!(action, Action::Pause(reason) if reason.message.contains("cannot be rolled back after the point of no return"))
    );
}

#[test]
fn settings_that_make_no_way_are_refused() {
    assert_eq!(findings("{}"), [""]);
    assert_eq!(findings(r#"{ "steps": [] }"#), ["/steps"]);
    assert_eq!(
        findings(
            r#"{ "steps": [{ "weight": 0 }, { "weight": 101, "hold": "ten minutes" }], "on-inconclusive": "pray" }"#
        ),
        ["/on-inconclusive", "/steps/0/weight", "/steps/1/hold", "/steps/1/weight"]
    );
    assert_eq!(
        findings(r#"{ "steps": [{ "weight": 10 }, { "weight": 10 }], "slot": "stable" }"#),
        ["/steps/1/weight", "/slot"]
    );
    assert_eq!(findings(r#"{ "steps": [{ "weight": 10 }], "slot": "Stable" }"#), ["/slot"]);
    assert_eq!(
        findings(r#"{ "steps": [{ "weight": 10, "analyze": ["a", "a"] }], "slot": " ", "stable-slot": "a\u200b" }"#),
        ["/slot", "/stable-slot", "/steps/0/analyze/1"]
    );
}

#[test]
fn lengths_of_time_that_make_no_sense_are_refused() {
    let places = ["/retire-after", "/retry-after", "/steps/0/hold"];
    for (hold, retire, retry) in [("0s", "0d", "0ms"), ("91d", "5000w", "8d")] {
        let settings = format!(
            r#"{{ "steps": [{{ "weight": 10, "hold": "{hold}" }}], "retire-after": "{retire}", "retry-after": "{retry}" }}"#
        );
        assert_eq!(findings(&settings), places);
    }
}
