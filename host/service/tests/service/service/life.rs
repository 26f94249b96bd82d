//! From a request to operations, and the ways that end elsewhere.

use lockgate_domain::{DeploymentResult, Phase, Stage, Verdict};
use lockgate_engine::LoadedModel;
use lockgate_engine::model::Source;
use lockgate_service::lifecycle::{ActivityOutcome, ActivityReport, ApprovalInvalid, LifecycleMove, StagePosition};
use lockgate_service::{NewEvidence, NextStep, PageRequest, ServiceError, StepOutcome, StepReport};
use serde_json::json;

use crate::service::stand::{Stand, ask_gate, ben, gate, open, pass, person, rita};

const PAGE: PageRequest = PageRequest { before: None, limit: 10 };

#[test]
fn a_deployment_goes_through_eight_gates_and_is_operational() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    stand.approved("dep-1");
    for stage in [Stage::Fulfill, Stage::Validate, Stage::Observe] {
        assert!(stand.pass("dep-1", stage, Phase::Entrance).unwrap().passed);
        if stage != Stage::Validate {
            stand.activities("dep-1", stage);
        }
        if stage == Stage::Observe {
            stand.hand_over("dep-1");
        }
        let passed = stand.pass("dep-1", stage, Phase::Exit).unwrap();
        assert!(passed.passed, "{:?}", passed.decision.reasons);
    }
    let view = stand.view("dep-1");
    assert_eq!(view.summary.position, StagePosition::Operational);
    assert_eq!(view.legal_moves, []);
    assert_eq!(view.passed.len(), 8);
    assert_eq!(view.deployment.history[0].outcome, DeploymentResult::Operational);

    // What its events say, another process says too.
    let again = open(&stand.folder, vec![]);
    assert_eq!(again.deployment(&rita(), "dep-1".into(), stand.now()).unwrap().summary, view.summary);
    assert_eq!(again.events(&rita(), "dep-1".into(), 0, 100).unwrap().len(), view.summary.version as usize);
}

#[test]
fn a_decision_is_in_the_ledger_with_all_that_it_takes_to_make_it_again() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let made = "2026-11-20T00:00:00Z".parse().unwrap();
    let new = NewEvidence { made: Some(made), ..NewEvidence::new("sbom", "application/json", b"{}") };
    stand.engine.attach(&stand.by(&rita()), "dep-1".into(), new).unwrap();
    let exit = gate(Stage::PlanAndApprove, Phase::Exit);
    let decision = ask_gate(&stand.engine, &rita(), "dep-1", exit, stand.now()).unwrap();
    assert_eq!(decision.verdict, Verdict::Pending);

    let record = stand.engine.decision(&rita(), &decision.id).unwrap();
    assert_eq!(record.decision, *decision);
    let snapshot = stand.engine.snapshot(&record).unwrap();
    assert_eq!(snapshot.digest().unwrap(), decision.snapshot);
    let sbom = &snapshot.evidence["sbom"];
    assert_eq!(**sbom.content, *b"{}");
    // Who hands it in says when it was made; the host, when that was.
    let handed_in = stand.engine.events(&rita(), "dep-1".into(), 1, 1).unwrap()[0].at;
    assert_eq!((sbom.made, sbom.attested), (Some(made), Some(handed_in)));
    assert_eq!(stand.engine.decisions(&rita(), Some("dep-1".into()), PAGE).unwrap().items, [record]);
    // Only asked: the deployment stands where it stood.
    assert_eq!(stand.view("dep-1").summary.version, 2);
}

#[test]
fn evidence_is_not_made_in_the_future() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let made = stand.now().saturating_add("1m".parse().unwrap());
    let new = NewEvidence { made: Some(made), ..NewEvidence::new("sbom", "application/json", b"{}") };
    let refused = stand.engine.attach(&stand.by(&rita()), "dep-1".into(), new);
    assert!(matches!(&refused, Err(ServiceError::Invalid(wrong)) if wrong[0].pointer == "/made"), "{refused:?}");
}

#[test]
fn an_illegal_move_is_refused_with_the_legal_ones_named() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let Err(ServiceError::Illegal(illegal)) = stand.pass("dep-1", Stage::Fulfill, Phase::Entrance) else { panic!() };
    assert_eq!(
        illegal.to_string(),
        "`pass fulfill entrance` cannot be done: the deployment is before the entrance of plan-and-approve, and the next gate \
         is plan-and-approve entrance. Possible now: `pass plan-and-approve entrance`, `reject`, `abort`"
    );
    let legal: Vec<&str> = illegal.legal.iter().map(|legal| legal.name.as_str()).collect();
    assert_eq!(legal, ["pass", "reject", "abort"]);
}

#[test]
fn activities_are_reported_once_their_stage_has_begun_each_once() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let report = |activity: &str| ActivityReport {
        activity: activity.to_owned(),
        outcome: ActivityOutcome::Done,
        note: None,
        at: None,
    };
    let told = |reports: &[ActivityReport]| {
        let refused = stand.engine.report_activities(&stand.by(&rita()), "dep-1".into(), reports);
        refused.map(drop).unwrap_err()
    };
    let early = told(&[report("assess-risk")]);
    assert_eq!(
        early.to_string(),
        "the stage `plan-and-approve` has not begun: pass the gate `plan-and-approve/entrance` first, then report its activities"
    );
    stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap();
    let known = lockgate_service::lifecycle::activities_of(Stage::PlanAndApprove).next().unwrap().id;
    let ServiceError::Invalid(mistakes) = told(&[report(known), report(known)]) else { panic!() };
    assert_eq!(mistakes[0].pointer, "/1/activity");
    assert_eq!(mistakes[0].message, format!("`{known}` is in the list twice: remove one"));
}

#[test]
fn after_a_replan_the_gates_that_have_to_be_passed_again_are_not_passed() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    stand.approved("dep-1");
    let passed = || {
        let view = stand.engine.deployment(&rita(), "dep-1".into(), stand.engine.now()).unwrap();
        view.passed.iter().map(|passage| passage.gate().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(passed(), ["plan-and-approve entrance", "plan-and-approve exit"]);
    stand.engine.make_move(&stand.by(&rita()), "dep-1".into(), LifecycleMove::Replan, "another priority").unwrap();
    assert_eq!(passed(), ["plan-and-approve entrance"]);
}

#[test]
fn a_replan_voids_the_approvals_of_the_former_plan_and_lists_them() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    stand.approved("dep-1");
    let given = stand.view("dep-1").approvals[0].approval.approval.id.clone();
    let replanned =
        stand.engine.make_move(&stand.by(&rita()), "dep-1".into(), LifecycleMove::Replan, "another day").unwrap().value;
    assert_eq!(replanned.approvals[0].void, Some(ApprovalInvalid::Replanned));
    let events = serde_json::to_value(stand.engine.events(&rita(), "dep-1".into(), 0, 100).unwrap()).unwrap();
    assert_eq!(events.as_array().unwrap().last().unwrap()["voids"], json!([given]));
    // Although nothing has changed, the plan is approved anew.
    assert!(!stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap().passed);
    let answer = stand.answer("dep-1", "change-authority");
    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &answer).unwrap();
    assert!(stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap().passed);
}

#[test]
fn a_deployment_that_was_rejected_or_given_up_is_still_explained() {
    for (actor, ending) in [(ben(), LifecycleMove::Reject), (rita(), LifecycleMove::Abort)] {
        let stand = Stand::new();
        stand.request(|document| document["change"]["approval"] = json!("rejected")).unwrap();
        stand.engine.make_move(&stand.by(&actor), "dep-1".into(), ending, "not now").unwrap();
        assert_eq!(stand.view("dep-1").model.unwrap().id, "shop");
        let gate = gate(Stage::PlanAndApprove, Phase::Entrance);
        let decision = ask_gate(&stand.engine, &rita(), "dep-1", gate, stand.now()).unwrap();
        let codes: Vec<&str> = decision.reasons.iter().map(|reason| reason.code.as_str()).collect();
        assert!(codes.contains(&"change-refused"), "{codes:?}");
        assert!(stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).is_err());
    }
}

#[test]
fn an_exit_needs_the_activities_that_shall_be_done_and_notes_what_was_skipped() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    stand.approved("dep-1");
    stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap();
    let Err(ServiceError::Illegal(illegal)) = stand.pass("dep-1", Stage::Fulfill, Phase::Exit) else { panic!() };
    assert!(illegal.why.contains("`derive-topology`"), "{}", illegal.why);
    stand.activities("dep-1", Stage::Fulfill);
    stand.pass("dep-1", Stage::Fulfill, Phase::Exit).unwrap();
    let events = serde_json::to_value(stand.engine.events(&rita(), "dep-1".into(), 0, 100).unwrap()).unwrap();
    let passed = events.as_array().unwrap().last().unwrap();
    assert_eq!(passed["skipped"], json!(["warn-service-desk", "suppress-events", "start-instance"]));
}

#[test]
fn before_anything_is_changed_it_is_aborted_and_after_that_rolled_back() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    stand.approved("dep-1");
    let to = |what| stand.engine.make_move(&stand.by(&rita()), "dep-1".into(), what, "the disk is full");
    assert!(matches!(to(LifecycleMove::RollBack), Err(ServiceError::Illegal(_))));
    stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap();
    stand.activities("dep-1", Stage::Fulfill);
    stand.pass("dep-1", Stage::Fulfill, Phase::Exit).unwrap();
    assert!(matches!(to(LifecycleMove::Abort), Err(ServiceError::Illegal(_))));
    assert_eq!(
        to(LifecycleMove::RollBack).unwrap().value.summary.position,
        StagePosition::RollingBack { stage: Stage::Validate }
    );
    // The inventory has nothing of the last known good, and a word does not change that.
    let Err(ServiceError::RuleBroken(found)) = to(LifecycleMove::CompleteRollback) else { panic!() };
    assert!(found.iter().all(|finding| finding.code == "rollback-incomplete"), "{found:?}");
    assert!(found[0].message.contains("`shop-1`"), "{}", found[0].message);
    let instance = |release: &str| json!({"actual_instances": [{"id": "live-1", "environment": "live", "status": "running", "release": release}]});
    let tell = |release: &str| stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &instance(release)).map(drop);
    tell("shop-2").unwrap();
    let Err(ServiceError::RuleBroken(found)) = to(LifecycleMove::CompleteRollback) else { panic!() };
    assert_eq!(found[0].about.as_deref(), Some("live-1"));
    tell("shop-1").unwrap();
    assert_eq!(
        to(LifecycleMove::CompleteRollback).unwrap().value.summary.position,
        StagePosition::RolledBack { stage: Stage::Validate }
    );
}

#[test]
fn a_rollout_is_carried_out_step_by_step_and_after_the_point_of_no_return_there_is_only_forward() {
    let stand = Stand::with(
        r#"
        [strategy]
        plugin = "canary"
        settings.steps = [{ weight = 10, hold = "10m" }]
        "#,
    );
    stand.request(|_| {}).unwrap();
    assert_eq!(stand.view("dep-1").progress, None);
    for (stage, phase) in [
        (Stage::PlanAndApprove, Phase::Entrance),
        (Stage::PlanAndApprove, Phase::Exit),
        (Stage::Fulfill, Phase::Entrance),
    ] {
        assert!(stand.pass("dep-1", stage, phase).unwrap().passed);
    }
    // The rollout and the activities that shall be done: both stand at the move, and both are named at once.
    let needs = || {
        let view = stand.engine.deployment(&rita(), "dep-1".into(), stand.now()).unwrap();
        let pass = view.legal_moves.into_iter().find(|legal| legal.name == "pass").unwrap();
        (pass.needs_activities.contains(&"deploy-packages".to_owned()), pass.needs_step)
    };
    assert_eq!(needs(), (true, Some("canary-1-deploy".to_owned())));
    let passed = pass(&stand.engine, &stand.by(&rita()), "dep-1", gate(Stage::Fulfill, Phase::Exit));
    let Err(ServiceError::Illegal(illegal)) = passed else { panic!("{passed:?}") };
    let said = illegal.to_string();
    for words in
        ["`deploy-packages`", "`POST …/rollout/next`", "`pass fulfill exit` (first activities and the rollout)"]
    {
        assert!(said.contains(words), "{said}");
    }
    let done = StepReport { outcome: StepOutcome::Succeeded, why: None };
    let mut steps = Vec::new();
    for _ in 0..20 {
        match stand.engine.next_step(&stand.by(&rita()), "dep-1".into()).unwrap().value {
            NextStep::Perform { step, .. } => {
                // Asking again names the same step.
                let again = stand.engine.next_step(&stand.by(&rita()), "dep-1".into()).unwrap().value;
                assert!(matches!(again, NextStep::Perform { step: same, attempt: 1, .. } if same == step));
                stand.engine.report_step(&stand.by(&rita()), "dep-1".into(), &step.id, &done).unwrap();
                steps.push(step.id);
            }
            NextStep::Wait { .. } => stand.later(11),
            NextStep::Complete { .. } => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(steps.contains(&"replace-stable".to_owned()), "{steps:?}");
    let back = stand.engine.make_move(&stand.by(&rita()), "dep-1".into(), LifecycleMove::RollBack, "slow");
    let Err(ServiceError::RuleBroken(found)) = back else { panic!("{back:?}") };
    assert_eq!(found[0].code, "rollback-after-point-of-no-return");
    assert_eq!(needs(), (true, None));
    stand.activities("dep-1", Stage::Fulfill);
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Exit).unwrap().passed);
}

#[test]
fn other_teams_see_nothing_of_it() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let mut stranger = ben();
    stranger.teams = lockgate_domain::Teams::Named(["billing".parse().unwrap()].into());
    assert!(matches!(
        stand.engine.deployment(&stranger, "dep-1".into(), stand.now()),
        Err(ServiceError::NotFound { what: "deployment", .. })
    ));
    assert_eq!(stand.engine.deployments(&stranger, PAGE, &|_| true).unwrap().items, []);
    assert_eq!(stand.engine.deployments(&ben(), PAGE, &|_| true).unwrap().items.len(), 1);
}

#[test]
fn what_the_host_says_is_not_handed_in() {
    let stand = Stand::new();
    let forged = stand.request(|document| {
        document["approvals"] = json!([{
            "id": "a", "person": {"id": "ben", "roles": ["change-authority"]}, "role": "change-authority",
            "answer": "approved", "at": "2026-11-24T12:00:00Z", "subject": lockgate_domain::Digest::of(b"")
        }]);
        document["id"] = json!("a/b");
        document["requester"]["id"] = json!("rob");
    });
    let Err(ServiceError::Invalid(mistakes)) = forged else { panic!("{forged:?}") };
    let places: Vec<&str> = mistakes.iter().map(|mistake| mistake.pointer.as_str()).collect();
    assert_eq!(places, ["/deployment/id", "/deployment/approvals"]);
    // A developer asks for nobody else.
    let mut developer = rita();
    developer.person.roles = vec!["developer".to_owned()];
    let mut other = crate::gate_support::deployment();
    other["requester"]["id"] = json!("rob");
    let new = lockgate_service::NewDeployment { team: None, deployment: serde_json::from_value(other).unwrap() };
    let Err(ServiceError::Invalid(mistakes)) = stand.engine.request(&stand.by(&developer), &new) else { panic!() };
    assert_eq!(mistakes[0].pointer, "/deployment/requester/id");
}

#[test]
fn deployments_of_the_same_product_are_fulfilled_one_after_the_other() {
    let stand = Stand::new();
    for id in ["dep-1", "dep-2"] {
        stand.request(|document| document["id"] = json!(id)).unwrap();
        stand.approved(id);
    }
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    let second = stand.pass("dep-2", Stage::Fulfill, Phase::Entrance).unwrap();
    assert!(!second.passed);
    let blocking = second.decision.reasons.iter().filter(|reason| reason.blocking);
    assert_eq!(blocking.map(|reason| reason.code.as_str()).collect::<Vec<_>>(), ["overlapping-deployment"]);
    assert_eq!(stand.engine.overlaps(&rita(), "dep-2".into()).unwrap()[0].deployment.as_deref(), Some("dep-1"));
    stand.engine.make_move(&stand.by(&rita()), "dep-1".into(), LifecycleMove::Abort, "dep-2 is more urgent").unwrap();
    assert!(stand.pass("dep-2", Stage::Fulfill, Phase::Entrance).unwrap().passed);
}

#[test]
fn only_who_may_drive_passes_gates() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let reader = person("sam", &["service-desk"]);
    let entrance = gate(Stage::PlanAndApprove, Phase::Entrance);
    let refused = pass(&stand.engine, &stand.by(&reader), "dep-1", entrance);
    assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{refused:?}");
}

/// The clock of the tests begins at 2026-11-24T20:00:00Z, and the request is made in the first seconds.
#[test]
fn an_activity_is_reported_with_a_time_at_which_it_can_have_been_done() {
    let source = Source::new(
        "model.toml",
        format!("id = \"shop\"\nversion = \"1.0.0\"\ntitle = \"Shop\"\n{}", lockgate_tests::TOLD_FACTS),
    );
    let folder = tempfile::tempdir().unwrap();
    let model = LoadedModel::load(&lockgate_tests::runtime(), &source, folder.path()).unwrap().model;
    let stand = Stand::of(open(&folder, vec![model]), folder);
    stand.request(|_| {}).unwrap();
    stand.later(60);
    let report = |activity: &str, at: &str| {
        let report = json!([{"activity": activity, "outcome": "done", "at": at}]);
        let report: Vec<ActivityReport> = serde_json::from_value(report).unwrap();
        match stand.engine.report_activities(&stand.by(&rita()), "dep-1".into(), &report) {
            Ok(_) => None,
            Err(ServiceError::Invalid(mistakes)) => {
                let [mistake] = mistakes.as_slice() else { panic!("{mistakes:?}") };
                assert_eq!(mistake.pointer, "/0/at");
                Some(mistake.message.clone())
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert!(stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
    assert_eq!(report("book-slot", "2026-11-24T20:30:00Z"), None);
    assert_eq!(report("book-slot", "2026-03-01T09:00:00Z"), None, "slots are booked before a deployment is asked for");
    let message = report("book-slot", "1970-01-01T00:00:00Z").unwrap();
    assert!(message.contains("is done at most a year before that: `1970-01-01T00:00:00Z` is too early"), "{message}");
    let message = report("book-slot", "2026-11-24T23:00:00Z").unwrap();
    assert!(message.contains("`2026-11-24T23:00:00Z` is later than now"), "{message}");

    assert!(stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap().passed);
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    assert_eq!(report("deploy-packages", "2026-11-24T20:30:00Z"), None);
    for early in ["1970-01-01T00:00:00Z", "2026-11-24T19:59:59Z"] {
        let message = report("deploy-packages", early).unwrap();
        assert!(message.contains("what is done in fulfill is not done before that"), "{message}");
    }
}
