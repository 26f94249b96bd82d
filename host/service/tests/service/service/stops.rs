//! Stops of the line: nothing in their scope goes on, on any server, except the way back and what a model's hotfix lane lets through.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lockgate_domain::{Phase, Stage, StopScope, Teams, Timestamp, Verdict};
use lockgate_service::authority::{Actor, CredentialCheck, CredentialEnded};
use lockgate_service::{
    DeploymentService, NewReview, NewStop, NextStep, RuleRefusal, ServiceError, StepOutcome, StepReport, StopState,
    WriteContext,
};
use serde_json::{Value, json};

use crate::gate_support::load;
use crate::service::stand::{MODEL, Meanwhile, Stand, gate, open, pass, pass_with, person, rita};

fn olga() -> Actor {
    person("olga", &["operations-manager"])
}

/// Somebody who sees all teams.
fn otto() -> Actor {
    Actor { teams: Teams::All, ..person("otto", &["change-authority"]) }
}

fn new_stop(scope: Value, until: &str) -> NewStop {
    serde_json::from_value(json!({"reason": "INC-7", "scope": scope, "until": until})).unwrap()
}

fn stop(stand: &Stand, actor: &Actor, scope: Value, until: &str) -> StopState {
    stand.engine.stop(&stand.by(actor), &new_stop(scope, until)).unwrap().value
}

/// The verdict at the entrance of plan-and-approve, and the codes that block it.
fn asked(engine: &DeploymentService, stand: &Stand) -> (Verdict, Vec<String>) {
    let entrance = gate(Stage::PlanAndApprove, Phase::Entrance);
    let decision = crate::service::stand::ask_gate(engine, &rita(), "dep-1", entrance, stand.now()).unwrap();
    let blocking = decision.reasons.iter().filter(|reason| reason.blocking);
    (decision.verdict, blocking.map(|reason| reason.code.clone()).collect())
}

const STOPPED: &str = "line-stopped";
const LATER: &str = "2026-11-25T08:00:00Z";

#[test]
fn a_stop_holds_deployments_in_its_scope_up_on_every_server_until_it_ends_or_is_lifted() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    // Another server on the same ledger, which has decided before.
    let other = open(&stand.folder, vec![load(&["four-eyes", "canary"], MODEL)]);
    assert_eq!(asked(&other, &stand).0, Verdict::Allow);

    for (scope, holds) in [
        (json!({}), true),
        (json!({"environment": "live"}), true),
        (json!({"product": "shop", "environment": "live"}), true),
        (json!({"product": "other"}), false),
        (json!({"environment": "staging"}), false),
    ] {
        let placed = stop(&stand, &olga(), scope.clone(), LATER);
        assert_eq!(placed.stop.scope.team.as_deref(), Some("checkout"), "her only team");
        for engine in [&stand.engine, &other] {
            let expected = if holds { (Verdict::Deny, vec![STOPPED.to_owned()]) } else { (Verdict::Allow, vec![]) };
            assert_eq!(asked(engine, &stand), expected, "{scope}");
        }
        let lifted = other.lift_stop(&stand.by(&olga()), &placed.stop.id).unwrap().value;
        assert!(lifted.lifted.is_some() && !lifted.holds);
        assert_eq!(asked(&stand.engine, &stand).0, Verdict::Allow, "{scope}");
    }

    // One for all teams, which ends by itself.
    let placed = stop(&stand, &otto(), json!({}), "2026-11-24T21:00:00Z");
    assert_eq!(placed.stop.scope, StopScope::default());
    assert_eq!(asked(&other, &stand).1, [STOPPED]);
    stand.later(60);
    assert_eq!(asked(&other, &stand).0, Verdict::Allow);
    let over = stand.engine.lift_stop(&stand.by(&otto()), &placed.stop.id);
    assert!(matches!(over, Err(ServiceError::Refused(RuleRefusal::Over { what: "stop", .. }))), "{over:?}");
}

#[test]
fn a_pass_that_is_under_way_does_not_outrun_a_stop() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let now = stand.now();
    let actor = olga();
    let meanwhile = Meanwhile::new(
        stand.engine.clone(),
        Box::new(move |engine| {
            let write = WriteContext { actor: &actor, now, key: None, if_match: None, credential: None };
            engine.stop(&write, &new_stop(json!({}), LATER)).unwrap();
        }),
    );
    let entrance = gate(Stage::PlanAndApprove, Phase::Entrance);
    let passed = pass_with(&stand.engine, &stand.by(&rita()), Some(Arc::new(meanwhile)), "dep-1", entrance).unwrap();
    assert!(!passed.value.passed);
    assert_eq!(passed.value.decision.verdict, Verdict::Deny);
}

#[test]
fn only_those_with_the_right_stop_the_line_and_only_for_teams_that_they_see() {
    let stand = Stand::new();
    let refused =
        |actor: &Actor, scope: Value| stand.engine.stop(&stand.by(actor), &new_stop(scope, LATER)).unwrap_err();
    assert!(matches!(refused(&rita(), json!({})), ServiceError::Forbidden(_)));
    let place = |error: ServiceError| match error {
        ServiceError::Invalid(mistakes) => mistakes[0].pointer.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(place(refused(&olga(), json!({"team": "search"}))), "/scope/team");
    let two = Actor { teams: Teams::Named(["checkout", "search"].map(|team| team.parse().unwrap()).into()), ..olga() };
    assert_eq!(place(refused(&two, json!({}))), "/scope/team");
    let past = stand.engine.stop(&stand.by(&olga()), &new_stop(json!({}), "2026-11-24T19:00:00Z"));
    assert_eq!(place(past.unwrap_err()), "/until");
    let mute = NewStop { reason: " ".to_owned(), ..new_stop(json!({}), LATER) };
    assert_eq!(place(stand.engine.stop(&stand.by(&olga()), &mute).unwrap_err()), "/reason");

    // A stop for all teams is seen by all, and lifted by those who see all.
    let placed = stop(&stand, &otto(), json!({}), LATER);
    let now = stand.now();
    assert_eq!(stand.engine.stops(&olga(), now).unwrap(), [StopState { holds: true, ..placed.clone() }]);
    let lifted = stand.engine.lift_stop(&stand.by(&olga()), &placed.stop.id);
    assert!(matches!(lifted, Err(ServiceError::Refused(RuleRefusal::OfAllTeams { .. }))), "{lifted:?}");
    // That of another team is not seen.
    let search = stop(&stand, &otto(), json!({"team": "search"}), LATER);
    assert_eq!(stand.engine.stops(&olga(), now).unwrap().len(), 1);
    let lifted = stand.engine.lift_stop(&stand.by(&olga()), &search.stop.id);
    assert!(matches!(lifted, Err(ServiceError::NotFound { what: "stop", .. })), "{lifted:?}");
}

#[test]
fn a_requester_cannot_hand_in_stops() {
    let stand = Stand::new();
    let refused = stand.request(|document| {
        document["stops"] = json!([{
            "id": "s", "by": "olga", "reason": "r", "scope": {}, "placed": "2026-11-24T20:00:00Z", "until": LATER
        }]);
    });
    let Err(ServiceError::Invalid(mistakes)) = refused else { panic!("{refused:?}") };
    assert_eq!(mistakes[0].pointer, "/deployment/stops");
}

/// With a canary, whose steps nobody has begun.
fn canary(hotfix: &str) -> Stand {
    let stand =
        Stand::with(&format!("{hotfix}[strategy]\nplugin = \"canary\"\nsettings.steps = [{{ weight = 10 }}]\n{MODEL}"));
    stand.request(|document| document["change"]["category"] = json!("emergency")).unwrap();
    stand.approved("dep-1");
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    stand
}

fn next(stand: &Stand) -> NextStep {
    stand.engine.next_step(&stand.by(&rita()), "dep-1".into()).unwrap().value
}

fn succeeded(stand: &Stand, step: &str) {
    let report = StepReport { outcome: StepOutcome::Succeeded, why: None };
    stand.engine.report_step(&stand.by(&rita()), "dep-1".into(), step, &report).unwrap();
}

#[test]
fn no_step_begins_while_the_line_is_stopped_and_the_way_back_stays_open() {
    let stand = canary("");
    let NextStep::Perform { step, .. } = next(&stand) else { panic!() };
    let placed = stop(&stand, &olga(), json!({}), LATER);
    // The step that has begun is still named, and its end is reported: it is a fact.
    assert!(matches!(next(&stand), NextStep::Perform { step: same, attempt: 1, .. } if same.id == step.id));
    succeeded(&stand, &step.id);
    for _ in 0..2 {
        let NextStep::Wait { wait, resume_by } = next(&stand) else { panic!() };
        assert_eq!((wait.reason.code.as_str(), wait.until), (STOPPED, Some(placed.stop.until)));
        assert_eq!(resume_by, [""; 0]);
    }
    let view = stand.engine.make_move(
        &stand.by(&rita()),
        "dep-1".into(),
        lockgate_service::lifecycle::LifecycleMove::RollBack,
        "INC-7",
    );
    assert_eq!(view.unwrap().value.summary.position.status(), "rolling-back");
}

/// A credential with which the line is stopped right before something is written, the first time.
struct StopAtTheLastMoment(DeploymentService, Timestamp, AtomicBool);

impl fmt::Debug for StopAtTheLastMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StopAtTheLastMoment")
    }
}

impl CredentialCheck for StopAtTheLastMoment {
    fn still_accepted(&self) -> Result<(), CredentialEnded> {
        let Self(engine, now, is_stopped) = self;
        if !is_stopped.swap(true, Ordering::SeqCst) {
            let actor = olga();
            let write = WriteContext { actor: &actor, now: *now, key: None, if_match: None, credential: None };
            engine.stop(&write, &new_stop(json!({}), LATER)).unwrap();
        }
        Ok(())
    }
}

#[test]
fn a_step_does_not_begin_under_a_stop_that_is_placed_at_the_last_moment() {
    let stand = canary("");
    let check = StopAtTheLastMoment(stand.engine.clone(), stand.now(), AtomicBool::new(false));
    let (actor, now) = (rita(), stand.now());
    let write = WriteContext { actor: &actor, now, key: None, if_match: None, credential: Some(&check) };
    let NextStep::Wait { wait, .. } = stand.engine.next_step(&write, "dep-1".into()).unwrap().value else { panic!() };
    assert_eq!(wait.reason.code, STOPPED);
    let begun = stand.view("dep-1").progress.is_some_and(|known| known.steps.iter().any(|step| step.attempts > 0));
    assert!(!begun);
}

#[test]
fn when_the_stop_is_lifted_the_next_step_begins() {
    let stand = canary("");
    let placed = stop(&stand, &olga(), json!({}), LATER);
    assert!(matches!(next(&stand), NextStep::Wait { .. }));
    stand.engine.lift_stop(&stand.by(&olga()), &placed.stop.id).unwrap();
    assert!(matches!(next(&stand), NextStep::Perform { .. }));
}

#[test]
fn the_hotfix_lane_of_a_model_stays_open_for_emergency_changes_and_is_reviewed_afterwards() {
    let stand = canary("[stops]\nhotfix = \"open\"\n");
    let placed = stop(&stand, &olga(), json!({}), LATER);
    let NextStep::Perform { step, .. } = next(&stand) else { panic!("the lane is open") };
    let taken = stand.view("dep-1").overrides;
    let [only] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(only.taken.stop.as_ref(), Some(&placed.stop.id));
    assert_eq!((only.taken.binding.as_str(), only.review.is_none()), (STOPPED, true));
    // Once for each stop, however many steps and gates there are.
    succeeded(&stand, &step.id);
    while let NextStep::Perform { step, .. } = next(&stand) {
        succeeded(&stand, &step.id);
    }
    stand.activities("dep-1", Stage::Fulfill);
    let exit = stand.pass("dep-1", Stage::Fulfill, Phase::Exit).unwrap();
    assert!(exit.passed);
    let remark = exit.decision.reasons.iter().find(|reason| reason.code == "hotfix-lane-open").unwrap();
    assert!(!remark.blocking && remark.about.as_ref() == Some(&placed.stop.id));
    assert_eq!(stand.view("dep-1").overrides.len(), 1);
    // Whoever drove the deployment does not review it.
    let review: NewReview =
        serde_json::from_value(json!({"deployment": "dep-1", "finding": "justified", "comment": "it was"})).unwrap();
    let by_rita = Actor {
        person: lockgate_domain::Principal { roles: vec!["service-owner".to_owned()], ..rita().person },
        ..rita()
    };
    let refused = stand.engine.review_override(&stand.by(&by_rita), &only.taken.id, &review);
    assert!(matches!(refused, Err(ServiceError::Refused(RuleRefusal::SecondPerson { .. }))), "{refused:?}");
    let reviewed = stand.engine.review_override(&stand.by(&person("gus", &["governance"])), &only.taken.id, &review);
    assert!(reviewed.unwrap().value.review.is_some());
}

#[test]
fn the_hotfix_lane_is_for_emergency_changes_alone() {
    let stand = Stand::with(&format!("[stops]\nhotfix = \"open\"\n{MODEL}"));
    stand.request(|_| {}).unwrap();
    stop(&stand, &olga(), json!({}), LATER);
    assert_eq!(asked(&stand.engine, &stand).1, [STOPPED]);
}

#[test]
fn a_gate_that_is_passed_by_the_hotfix_lane_takes_the_override() {
    let stand = Stand::with(&format!("[stops]\nhotfix = \"open\"\n{MODEL}"));
    stand.request(|document| document["change"]["category"] = json!("emergency")).unwrap();
    let placed = stop(&stand, &olga(), json!({}), LATER);
    let entrance = gate(Stage::PlanAndApprove, Phase::Entrance);
    let passed = pass(&stand.engine, &stand.by(&rita()), "dep-1", entrance).unwrap();
    assert!(passed.value.passed);
    let view = stand.view("dep-1");
    assert_eq!(view.summary.version, passed.version);
    assert_eq!(view.overrides[0].taken.stop.as_ref(), Some(&placed.stop.id));
    let until: Timestamp = view.overrides[0].review_due;
    assert!(until > placed.stop.placed);
}
