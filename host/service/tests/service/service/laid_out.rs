//! A strategy binds: it lays the rollout out before people approve, and what it says is recorded like a decision.

use std::sync::Arc;

use lockgate_domain::{BindingAnswer, Direction, Gate, Phase, RolloutQuestion, Stage, StepStatus, Verdict};
use lockgate_service::lifecycle::{LifecycleMove, StagePosition};
use lockgate_service::{
    DeploymentService, NextStep, PageRequest, Recordings, RuleRefusal, ServiceError, StepOutcome, StepReport,
};
use serde_json::{Value, json};

use super::stand::{Fixed, Stand, ask_gate, ben, open_ledger, open_recording, rita};
use crate::gate_support::guests::asking;
use crate::gate_support::load;

pub(crate) const MODEL: &str = r#"
    [strategy]
    plugin = "canary"
    settings.steps = [{ weight = 10, analyze = ["licences"] }]
    [analyses.licences]
    plugin = "sbom-policy"
    settings.denied-licences = ["GPL-3.0-only"]
    grants.evidence = ["sbom"]
    [[gates]]
    stage = "plan-and-approve"
    phase = "exit"
    [[gates.bindings]]
    id = "people"
    plugin = "four-eyes"
    enforcement = "hard-mandatory"
    settings.required = [{ role = "change-authority" }]
"#;

/// A stand with a canary.
fn canary() -> Stand {
    let folder = tempfile::tempdir().unwrap();
    let model = load(&["four-eyes", "canary", "sbom-policy"], MODEL);
    Stand::of(open_recording(&folder, vec![model], Recordings::All), folder)
}

/// The kinds of the deployment's events.
fn kinds(stand: &Stand) -> Vec<String> {
    let events = stand.engine.events(&rita(), "dep-1".into(), 0, 1000).unwrap();
    events.iter().map(|event| event.event.kind().to_owned()).collect()
}

fn next(stand: &Stand) -> NextStep {
    stand.engine.next_step(&stand.by(&rita()), "dep-1".into()).unwrap().value
}

fn report(stand: &Stand, step: &str, outcome: StepOutcome) {
    let report = StepReport { outcome, why: None };
    stand.engine.report_step(&stand.by(&rita()), "dep-1".into(), step, &report).unwrap();
}

/// The decisions about the deployment, the newest last.
fn decisions(stand: &Stand) -> Vec<lockgate_service::DecisionRecord> {
    let page = PageRequest { before: None, limit: 100 };
    let mut items = stand.engine.decisions(&rita(), Some("dep-1".into()), page).unwrap().items;
    items.reverse();
    items
}

#[test]
fn the_rollout_is_laid_out_when_planning_begins_and_nobody_approves_before() {
    let stand = canary();
    stand.request(|_| {}).unwrap();
    assert_eq!(stand.view("dep-1").deployment.rollout, None);
    let early = stand.answer("dep-1", "change-authority");
    let refused = stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &early);
    assert!(matches!(refused, Err(ServiceError::Refused(RuleRefusal::RolloutNotLaidOut { .. }))), "{refused:?}");

    assert!(stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
    assert_eq!(kinds(&stand), ["requested", "rollout-laid-out", "gate-passed"]);
    let view = stand.view("dep-1");
    let rollout = view.deployment.rollout.clone().unwrap();
    assert!(rollout.steps.iter().any(|step| step.id == "canary-1-analyze"));
    assert_eq!(view.progress, None, "nothing is carried out before it is approved");

    let approval = stand.answer("dep-1", "change-authority");
    let given = stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &approval).unwrap().value;
    assert!(given.approval.parts.contains_key("rollout"), "approvers sign the rollout");
    assert_eq!(kinds(&stand).last().unwrap(), "approval-given", "it is the one that was laid out");

    // What it was laid out for changes: it is laid out anew, and the approval is void.
    let renamed = json!({"release": {"name": "Shop Two"}});
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &renamed).unwrap();
    let view = stand.view("dep-1");
    assert_ne!(view.deployment.rollout.as_ref(), Some(&rollout));
    assert!(view.approvals[0].void.is_some());
    let decision = ask_gate(&stand.engine, &rita(), "dep-1", Gate::PLAN_EXIT, stand.now()).unwrap();
    assert_eq!(decision.verdict, Verdict::Pending, "{decision:?}");
    let approval = stand.answer("dep-1", "change-authority");
    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &approval).unwrap();
    let kinds = kinds(&stand);
    assert_eq!(kinds[kinds.len() - 2..], ["rollout-laid-out", "approval-given"]);

    let passed = stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap();
    assert!(passed.passed, "{:?}", passed.decision.reasons);
    let strategy = passed.decision.bindings.iter().find(|binding| binding.id == "strategy").unwrap();
    assert!(
        matches!(&strategy.answer, BindingAnswer::Plan(planned) if Some(planned) == view.deployment.rollout.as_ref())
    );
    assert!(strategy.receipt.is_some());
    assert!(passed.decision.approved.unwrap().rollout.is_some());
}

#[test]
fn a_request_carries_no_other_rollout_than_the_strategys() {
    let stand = canary();
    let all_at_once = json!({
        "steps": [{"id": "all", "title": "All at once", "action": {"deploy": {"to": {"slot": "stable"}, "capacity": 10_000}},
                   "planned": "1m", "repeatable": true}],
        "point_of_no_return": "all", "way_back": {"kind": "last-known-good", "release": "shop-1"}, "summary": "all at once"
    });
    let told = |rollout: &Value| {
        let rollout = rollout.clone();
        move |document: &mut Value| {
            document["plan"]["point_of_no_return"] = rollout["point_of_no_return"].clone();
            document["rollout"] = rollout;
        }
    };
    stand.request(told(&all_at_once)).unwrap();
    assert!(stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
    let decision = ask_gate(&stand.engine, &rita(), "dep-1", Gate::PLAN_EXIT, stand.now()).unwrap();
    let differs = decision.reasons.iter().find(|reason| reason.code == "rollout-differs-from-strategy").unwrap();
    assert!(differs.blocking);
    assert!(differs.pointers.contains(&"/rollout/summary".to_owned()), "{:?}", differs.pointers);
    // The one that the strategy gives is accepted.
    let BindingAnswer::Plan(planned) =
        decision.bindings.iter().find(|binding| binding.id == "strategy").unwrap().answer.clone()
    else {
        panic!()
    };
    let planned = json!({"rollout": planned, "plan": {"point_of_no_return": "replace-stable"}});
    let stand = canary();
    stand.request(told(&json!({"point_of_no_return": "replace-stable"}))).unwrap_err();
    stand
        .request(|document| {
            document["rollout"] = planned["rollout"].clone();
        })
        .unwrap();
    assert!(stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
    let decision = ask_gate(&stand.engine, &rita(), "dep-1", Gate::PLAN_EXIT, stand.now()).unwrap();
    assert!(decision.reasons.iter().all(|reason| reason.code != "rollout-differs-from-strategy"), "{decision:?}");
}

#[test]
fn what_the_strategy_and_an_analysis_say_is_recorded_like_a_decision() {
    let stand = canary();
    stand.request(|_| {}).unwrap();
    stand.approved("dep-1");
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    let step = loop {
        match next(&stand) {
            NextStep::Perform { step, direction, .. } => {
                assert_eq!(direction, Direction::Forward);
                report(&stand, &step.id, StepOutcome::Succeeded);
            }
            NextStep::Pause { reason } => break reason,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(step.code, "step-inconclusive", "nobody handed in an SBOM");
    let decisions = decisions(&stand);
    let analysis = decisions.iter().find(|record| {
        record.decision.rollout == Some(RolloutQuestion::Analyze { step: "canary-1-analyze".to_owned(), attempt: 1 })
    });
    let analysis = analysis.unwrap();
    assert_eq!(analysis.decision.verdict, Verdict::Pending);
    let [licences] = analysis.decision.bindings.as_slice() else { panic!("{analysis:?}") };
    assert_eq!(licences.id, "licences");
    assert!(licences.receipt.is_some());
    let events = stand.engine.events(&rita(), "dep-1".into(), 0, 1000).unwrap();
    let ended = events.iter().map(|event| serde_json::to_value(&event.event).unwrap());
    let ended =
        ended.into_iter().find(|event| event["event"] == "step-ended" && event["step"] == "canary-1-analyze").unwrap();
    assert_eq!(ended["decision"], json!(analysis.decision.id));
    assert!(decisions.iter().any(|record| record.decision.rollout == Some(RolloutQuestion::Advance)));
}

#[test]
fn the_way_back_is_carried_out_step_by_step_and_ends_when_the_inventory_is_as_it_was() {
    let stand = canary();
    let instances = |release: &str, canary: bool| {
        let instance =
            |id: &str, release: &str| json!({"id": id, "environment": "live", "status": "running", "release": release});
        let canary = canary.then(|| instance("canary-1", "shop-2"));
        let instances: Vec<Value> = [instance("live-1", release)].into_iter().chain(canary).collect();
        json!({"actual_instances": instances})
    };
    stand
        .request(|document| document["actual_instances"] = instances("shop-1", false)["actual_instances"].clone())
        .unwrap();
    stand.approved("dep-1");
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    let NextStep::Perform { step, .. } = next(&stand) else { panic!() };
    report(&stand, &step.id, StepOutcome::Succeeded);
    let tell =
        |instances: Value| stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &instances).map(drop).unwrap();
    tell(instances("shop-1", true));
    let NextStep::Perform { step, .. } = next(&stand) else { panic!() };
    report(&stand, &step.id, StepOutcome::Failed);
    // The strategy goes back by itself: the first step of the way back is asked for at once.
    let mut back = Vec::new();
    loop {
        match next(&stand) {
            NextStep::Perform { step, direction, .. } => {
                assert_eq!(direction, Direction::Back);
                let early =
                    stand.engine.make_move(&stand.by(&rita()), "dep-1".into(), LifecycleMove::CompleteRollback, "done");
                assert!(matches!(early, Err(ServiceError::Illegal(_))), "{early:?}");
                report(&stand, &step.id, StepOutcome::Succeeded);
                back.push(step.id);
            }
            NextStep::Complete { direction } => break assert_eq!(direction, Direction::Back),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(back, ["back-route", "back-remove-canary"]);
    let complete =
        || stand.engine.make_move(&stand.by(&rita()), "dep-1".into(), LifecycleMove::CompleteRollback, "done");
    let Err(ServiceError::RuleBroken(found)) = complete() else { panic!() };
    assert_eq!((found[0].code.as_str(), found[0].about.as_deref()), ("rollback-incomplete", Some("canary-1")));
    tell(instances("shop-1", false));
    assert_eq!(complete().unwrap().value.summary.position, StagePosition::RolledBack { stage: Stage::Fulfill });
    let progress = stand.view("dep-1").progress.unwrap();
    assert!(progress.back.iter().any(|state| state.status == StepStatus::Succeeded));
}

#[test]
fn after_the_moment_of_no_return_the_strategy_cannot_go_back_and_people_decide() {
    let stand = canary();
    stand
        .request(|document| {
            document["change"]["window"] = json!({"start": "2026-11-24T19:00:00Z", "end": "2026-11-24T22:00:00Z"});
        })
        .unwrap();
    stand.approved("dep-1");
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    let NextStep::Perform { step, .. } = next(&stand) else { panic!() };
    stand.later(115);
    report(&stand, &step.id, StepOutcome::Failed);
    let NextStep::Pause { reason } = next(&stand) else { panic!() };
    assert_eq!(reason.code, "rollback-after-moment-of-no-return");
    let moves = stand.view("dep-1").legal_moves;
    assert!(moves.iter().all(|legal| legal.name != "roll-back"), "{moves:?}");
    let back = stand.engine.make_move(&stand.by(&rita()), "dep-1".into(), LifecycleMove::RollBack, "it failed");
    let Err(ServiceError::RuleBroken(found)) = back else { panic!("{back:?}") };
    assert_eq!(found[0].code, "rollback-after-moment-of-no-return");
}

/// The strategy lays out no point of no return, and removal as the way back.
#[test]
fn a_plan_names_the_same_point_of_no_return_and_way_back_as_the_rollout() {
    for (plan, code) in [
        (
            json!({"id": "plan-1", "point_of_no_return": "one", "way_back": {"kind": "removal"}}),
            Some("point-of-no-return-unknown"),
        ),
        (json!({"id": "plan-1", "way_back": {"kind": "forward-only"}}), Some("way-back-differs")),
        (json!({"id": "plan-1", "way_back": {"kind": "removal"}}), None),
    ] {
        let (folder, model) = asking("integrity");
        let ledger = Arc::new(open_ledger(&folder.folder));
        let engine = DeploymentService::new(ledger, Arc::new(Fixed(vec![model].into())), Recordings::Needed);
        let stand = Stand::of(engine, folder.folder);
        stand
            .request(|document| {
                document["scenario"] = json!("first-release");
                document["plan"] = plan.clone();
            })
            .unwrap();
        assert!(stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
        let decided = stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap().decision;
        let refused = decided.reasons.iter().find(|reason| reason.blocking).map(|reason| reason.code.as_str());
        assert_eq!(refused, code, "{plan}");
    }
}

#[test]
fn a_rollout_that_was_laid_out_and_not_approved_does_not_begin() {
    let folder = tempfile::tempdir().unwrap();
    let with =
        load(&["four-eyes", "canary", "sbom-policy"], &format!("applies-when = '!(\"plain\" in labels)'\n{MODEL}"));
    let without = load(&["four-eyes"], "applies-when = '\"plain\" in labels'\n");
    let stand = Stand::of(open_recording(&folder, vec![with, without], Recordings::Needed), folder);
    stand.request(|_| {}).unwrap();
    assert!(stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
    assert!(stand.view("dep-1").deployment.rollout.is_some());
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &json!({"labels": {"plain": "yes"}})).unwrap();
    for (stage, phase) in [(Stage::PlanAndApprove, Phase::Exit), (Stage::Fulfill, Phase::Entrance)] {
        let passed = stand.pass("dep-1", stage, phase).unwrap();
        assert!(passed.passed, "{:?}", passed.decision.reasons);
    }
    assert_eq!(stand.view("dep-1").progress, None);
    stand.activities("dep-1", Stage::Fulfill);
    let passed = stand.pass("dep-1", Stage::Fulfill, Phase::Exit).unwrap();
    assert!(passed.passed, "{:?}", passed.decision.reasons);
}

#[test]
fn what_is_written_into_the_deployment_while_it_is_rolled_back_changes_no_rule() {
    let stand = canary();
    let there = json!([{"id": "live-1", "environment": "live", "status": "running", "release": "shop-1"}]);
    stand
        .request(|document| {
            document["actual_instances"] = there.clone();
            document["change"]["window"] = json!({"start": "2026-11-24T19:00:00Z", "end": "2026-11-24T22:00:00Z"});
        })
        .unwrap();
    stand.approved("dep-1");
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    let NextStep::Perform { step, .. } = next(&stand) else { panic!() };
    let patch = |patch: Value| stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &patch).map(drop).unwrap();
    let to = |asked| stand.engine.make_move(&stand.by(&rita()), "dep-1".into(), asked, "it failed");
    // The job that carried out the first step is gone. The step is over with the way forward.
    to(LifecycleMove::RollBack).unwrap();
    let NextStep::Perform { step: back, direction, .. } = next(&stand) else { panic!() };
    assert_eq!(direction, Direction::Back);
    assert_ne!(back.id, step.id);
    let state = stand.view("dep-1").progress.unwrap().state(&step.id).unwrap().clone();
    assert_eq!(state.status, StepStatus::Failed);
    report(&stand, &back.id, StepOutcome::Succeeded);
    assert_eq!(next(&stand), NextStep::Complete { direction: Direction::Back });
    let new = json!([{"id": "live-1", "environment": "live", "status": "running", "release": "shop-2"}]);
    patch(json!({"actual_instances": new, "scenario": "removal", "plan": {"way_back": null, "targets": []}}));
    let Err(ServiceError::RuleBroken(found)) = to(LifecycleMove::CompleteRollback) else { panic!() };
    assert_eq!((found[0].code.as_str(), found[0].about.as_deref()), ("rollback-incomplete", Some("live-1")));
    patch(json!({"actual_instances": there}));
    to(LifecycleMove::CompleteRollback).unwrap();
}

#[test]
fn that_the_instances_are_as_they_were_is_told_again_on_the_way_back() {
    let stand = Stand::new();
    let there = json!([{"id": "live-1", "environment": "live", "status": "running", "release": "shop-1"}]);
    stand.request(|document| document["actual_instances"] = there.clone()).unwrap();
    stand.approved("dep-1");
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    let to = |asked| stand.engine.make_move(&stand.by(&rita()), "dep-1".into(), asked, "it failed");
    to(LifecycleMove::RollBack).unwrap();
    let Err(ServiceError::RuleBroken(found)) = to(LifecycleMove::CompleteRollback) else { panic!() };
    assert!(found[0].message.contains("before the way back began"), "{}", found[0].message);
    let same = json!({"actual_instances": there});
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &same).unwrap();
    to(LifecycleMove::CompleteRollback).unwrap();
}

#[test]
fn a_window_that_the_requester_moves_gives_no_time_to_go_back() {
    let stand = canary();
    let window = |end: &str| json!({"start": "2026-11-24T19:00:00Z", "end": end});
    stand.request(|document| document["change"]["window"] = window("2026-11-24T22:00:00Z")).unwrap();
    stand.approved("dep-1");
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    let NextStep::Perform { step, .. } = next(&stand) else { panic!() };
    stand.later(115);
    let moved = json!({"change": {"window": window("2026-11-25T22:00:00Z")}});
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &moved).unwrap();
    let back = stand.engine.make_move(&stand.by(&rita()), "dep-1".into(), LifecycleMove::RollBack, "it failed");
    let Err(ServiceError::RuleBroken(found)) = back else { panic!("{back:?}") };
    assert_eq!(found[0].code, "rollback-after-moment-of-no-return");
    report(&stand, &step.id, StepOutcome::Failed);
    // That it pauses, and why, is recorded once.
    for _ in 0..2 {
        let NextStep::Pause { reason } = next(&stand) else { panic!() };
        assert_eq!(reason.code, "rollback-after-moment-of-no-return");
    }
    let paused = stand.engine.events(&rita(), "dep-1".into(), 0, 1000).unwrap();
    let paused: Vec<Value> = paused.iter().map(|event| serde_json::to_value(&event.event).unwrap()).collect();
    let paused: Vec<&Value> = paused.iter().filter(|event| event["event"] == "rollout-paused").collect();
    let [paused] = paused.as_slice() else { panic!("{paused:?}") };
    let decision = stand.engine.decision(&rita(), paused["decision"].as_str().unwrap()).unwrap().decision;
    assert!(
        decision.reasons.iter().any(|reason| reason.code == "rollback-after-moment-of-no-return" && reason.blocking)
    );
}
