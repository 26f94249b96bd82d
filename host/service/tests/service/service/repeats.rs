//! What was answered under an idempotency key is answered again only to who would be permitted as for a first request.

use std::sync::Arc;

use lockgate_domain::{Phase, Stage, Teams};
use lockgate_service::authority::{Actor, CredentialCheck, CredentialEnded};
use lockgate_service::lifecycle::{ActivityOutcome, ActivityReport, LifecycleMove, activities_of};
use lockgate_service::{
    DeploymentRef, DeploymentService, NewApproval, NewDelegation, NewDeployment, NewEvidence, NewOverride, NewReview,
    NewWaiver, NextStep, Recordings, RuleRefusal, ServiceError, StepOutcome, StepReport, WriteAnswer, WriteContext,
};
use serde_json::json;

use crate::gate_support::{deployment, load};
use crate::service::stand::{MODEL, Stand, ben, gate, id, open_recording, pass_with, person, rita};

/// A credential that is or is not accepted any more.
#[derive(Debug)]
struct Credential(bool);

impl CredentialCheck for Credential {
    fn still_accepted(&self) -> Result<(), CredentialEnded> {
        if self.0 { Ok(()) } else { Err(CredentialEnded("it was revoked".into())) }
    }
}

/// A write of some kind: who does it, what has to be there before, and the write itself, which is told the id that the
/// preparation came to. It says whether it was answered before.
struct Kind {
    what: &'static str,
    actor: Actor,
    prepare: fn(&Stand) -> String,
    writing: fn(&DeploymentService, &WriteContext<'_>, &str) -> Result<bool, ServiceError>,
}

fn repeated<T>(written: Result<WriteAnswer<T>, ServiceError>) -> Result<bool, ServiceError> {
    written.map(|written| written.repeated)
}

fn at() -> DeploymentRef<'static> {
    "dep-1".into()
}

fn nothing(_: &Stand) -> String {
    String::new()
}

fn waiver() -> NewWaiver {
    let new = json!({"reason": "r", "ticket": "T-1", "scope": {"bindings": ["people"], "product": "shop"},
        "expires": "2026-11-25T00:00:00Z"});
    serde_json::from_value(new).unwrap()
}

fn delegation() -> NewDelegation {
    let new = json!({"to": "dora", "role": "change-authority", "expires": "2026-11-25T00:00:00Z", "reason": "r"});
    serde_json::from_value(new).unwrap()
}

fn manager() -> Actor {
    person("mo", &["release-manager"])
}

fn taken(stand: &Stand) -> String {
    let new = json!({"gate": {"stage": "plan-and-approve", "phase": "exit"}, "binding": "people", "reason": "r"});
    let new: NewOverride = serde_json::from_value(new).unwrap();
    stand.engine.take_override(&stand.by(&manager()), at(), &new).unwrap().value.taken.id
}

fn lent(stand: &Stand) -> String {
    stand.engine.delegate(&stand.by(&ben()), &delegation()).unwrap().value.delegation.id
}

/// In planning, with a rollout that can be approved.
fn planned(stand: &Stand) {
    assert!(stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
}

fn in_fulfill(stand: &Stand) -> String {
    stand.approved("dep-1");
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    String::new()
}

/// The step that is under way.
fn begun(stand: &Stand) -> String {
    in_fulfill(stand);
    match stand.engine.next_step(&stand.by(&rita()), at()).unwrap().value {
        NextStep::Perform { step, .. } => step.id,
        other => panic!("{other:?}"),
    }
}

/// The hold that waits for a person.
fn held(stand: &Stand) -> String {
    let mut step = begun(stand);
    loop {
        let done = StepReport { outcome: StepOutcome::Succeeded, why: None };
        stand.engine.report_step(&stand.by(&rita()), at(), &step, &done).unwrap();
        match stand.engine.next_step(&stand.by(&rita()), at()).unwrap().value {
            NextStep::Perform { step: next, .. } => step = next.id,
            NextStep::Wait { .. } => return "canary-1-confirm".to_owned(),
            other => panic!("{other:?}"),
        }
    }
}

fn kinds() -> Vec<Kind> {
    let kind = |what, actor, prepare, writing| Kind { what, actor, prepare, writing };
    vec![
        kind("request", rita(), nothing, |engine, write, _| {
            let mut document = deployment();
            document["id"] = json!("dep-2");
            let new = NewDeployment { team: None, deployment: serde_json::from_value(document).unwrap() };
            repeated(engine.request(write, &new))
        }),
        kind("revise", rita(), nothing, |engine, write, _| {
            repeated(engine.revise(write, at(), &json!({"labels": {"wave": "1"}})))
        }),
        kind("attach", rita(), nothing, |engine, write, _| {
            repeated(engine.attach(write, at(), NewEvidence::new("log", "text/plain", b"42")))
        }),
        kind("pass", rita(), nothing, |engine, write, _| {
            let is_good = |credential: &dyn CredentialCheck| credential.still_accepted().is_ok();
            let credential =
                write.credential.map(|known| Arc::new(Credential(is_good(known))) as Arc<dyn CredentialCheck>);
            repeated(pass_with(engine, write, credential, "dep-1", gate(Stage::PlanAndApprove, Phase::Entrance)))
        }),
        kind("move", rita(), nothing, |engine, write, _| {
            repeated(engine.make_move(write, at(), LifecycleMove::Abort, "not needed"))
        }),
        kind("report-activities", rita(), in_fulfill, |engine, write, _| {
            let activity = activities_of(Stage::Fulfill).next().unwrap().id.to_owned();
            let report = ActivityReport { activity, outcome: ActivityOutcome::Done, note: None, at: None };
            repeated(engine.report_activities(write, at(), &[report]))
        }),
        kind("next-step", rita(), in_fulfill, |engine, write, _| repeated(engine.next_step(write, at()))),
        kind("report-step", rita(), begun, |engine, write, step| {
            let done = StepReport { outcome: StepOutcome::Succeeded, why: None };
            repeated(engine.report_step(write, at(), step, &done))
        }),
        kind("resume", manager(), held, |engine, write, step| {
            let resumed = StepReport { outcome: StepOutcome::Resumed, why: None };
            repeated(engine.report_step(write, at(), step, &resumed))
        }),
        kind(
            "approve",
            ben(),
            |stand| {
                planned(stand);
                stand.view("dep-1").subject.unwrap().to_string()
            },
            |engine, write, subject| {
                let new = json!({"role": "change-authority", "answer": "approved", "subject": subject});
                repeated(engine.approve(write, at(), &serde_json::from_value(new).unwrap()))
            },
        ),
        kind(
            "revoke-approval",
            ben(),
            |stand| {
                planned(stand);
                let answer = stand.answer("dep-1", "change-authority");
                stand.engine.approve(&stand.by(&ben()), at(), &answer).unwrap().value.approval.approval.id
            },
            |engine, write, approval| repeated(engine.revoke_approval(write, at(), approval, "a mistake")),
        ),
        kind("delegate", ben(), nothing, |engine, write, _| repeated(engine.delegate(write, &delegation()))),
        kind("end-delegation", ben(), lent, |engine, write, id| repeated(engine.end_delegation(write, id))),
        kind("end-delegations", person("ada", &["administrator"]), lent, |engine, write, _| {
            repeated(engine.end_delegations_of(write, &id("ben")))
        }),
        kind("waive", ben(), nothing, |engine, write, _| repeated(engine.waive(write, &waiver()))),
        kind(
            "end-waiver",
            ben(),
            |stand| stand.engine.waive(&stand.by(&ben()), &waiver()).unwrap().value.state.waiver.id,
            |engine, write, id| repeated(engine.end_waiver(write, id)),
        ),
        kind("override", manager(), nothing, |engine, write, _| {
            let new =
                json!({"gate": {"stage": "plan-and-approve", "phase": "exit"}, "binding": "people", "reason": "r"});
            repeated(engine.take_override(write, at(), &serde_json::from_value(new).unwrap()))
        }),
        kind("confirm-override", ben(), taken, |engine, write, id| repeated(engine.confirm_override(write, at(), id))),
        kind("review-override", ben(), taken, |engine, write, id| {
            let new = json!({"deployment": "dep-1", "finding": "justified", "comment": "c"});
            let new: NewReview = serde_json::from_value(new).unwrap();
            repeated(engine.review_override(write, id, &new))
        }),
    ]
}

/// With a strategy whose first step waits for a person, and a deployment that was asked for.
fn stand() -> Stand {
    let strategy = "[strategy]\nplugin = \"canary\"\nsettings.steps = [{ weight = 10, confirm = true }]\n";
    let folder = tempfile::tempdir().unwrap();
    let model = load(&["four-eyes", "canary"], &format!("{strategy}{MODEL}"));
    let stand = Stand::of(open_recording(&folder, vec![model], Recordings::Needed), folder);
    stand.request(|_| {}).unwrap();
    stand
}

#[test]
fn a_repeat_with_a_credential_that_has_ended_is_not_answered() {
    let (good, ended) = (Credential(true), Credential(false));
    for Kind { what, actor, prepare, writing } in kinds() {
        let stand = stand();
        let id = prepare(&stand);
        let write = |credential| WriteContext { key: Some("key"), credential: Some(credential), ..stand.by(&actor) };
        assert!(!writing(&stand.engine, &write(&good), &id).unwrap(), "{what}");
        let refused = writing(&stand.engine, &write(&ended), &id);
        assert!(matches!(refused, Err(ServiceError::CredentialEnded(_))), "{what}: {refused:?}");
        assert!(writing(&stand.engine, &write(&good), &id).unwrap(), "{what}");
    }
}

#[test]
fn a_repeat_by_who_has_lost_the_role_or_the_team_is_not_answered() {
    for Kind { what, actor, prepare, writing } in kinds() {
        let stand = stand();
        let id = prepare(&stand);
        let write = |actor| WriteContext { key: Some("key"), ..stand.by(actor) };
        assert!(!writing(&stand.engine, &write(&actor), &id).unwrap(), "{what}");
        let mut without_role = actor.clone();
        without_role.person.roles = vec!["service-desk".to_owned()];
        let refused = writing(&stand.engine, &write(&without_role), &id);
        assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{what}: {refused:?}");
        let elsewhere = Actor { teams: Teams::Named(["billing".parse().unwrap()].into()), ..actor.clone() };
        let outcome = writing(&stand.engine, &write(&elsewhere), &id);
        assert!(!outcome.is_ok_and(|repeated| repeated), "{what}: the kept answer is of another team");
    }
}

/// Dora approves in Ben's place, under a key.
fn approve_for_ben(stand: &Stand, new: &NewApproval) -> Result<bool, ServiceError> {
    let dora = person("dora", &["operations-manager"]);
    let new = NewApproval { on_behalf_of: Some(id("ben")), ..new.clone() };
    repeated(stand.engine.approve(&WriteContext { key: Some("key"), ..stand.by(&dora) }, at(), &new))
}

#[test]
fn a_repeat_in_a_role_that_is_lent_no_more_is_not_answered() {
    let ends: [fn(&Stand, &str); 2] =
        [|stand, id| drop(stand.engine.end_delegation(&stand.by(&ben()), id).unwrap()), |stand, _| stand.later(5 * 60)];
    for end in ends {
        let stand = stand();
        planned(&stand);
        let delegation = lent(&stand);
        let new = stand.answer("dep-1", "change-authority");
        assert!(!approve_for_ben(&stand, &new).unwrap());
        assert!(approve_for_ben(&stand, &new).unwrap());
        end(&stand, &delegation);
        let refused = approve_for_ben(&stand, &new);
        assert!(matches!(refused, Err(ServiceError::Refused(RuleRefusal::RoleNotHeld { .. }))), "{refused:?}");
    }
}

#[test]
fn a_repeat_by_who_has_become_involved_in_the_deployment_is_not_answered() {
    let ids = ["approve", "override", "confirm-override", "review-override"];
    for Kind { what, actor, prepare, writing } in kinds().into_iter().filter(|kind| ids.contains(&kind.what)) {
        let stand = stand();
        let id = prepare(&stand);
        let write = || WriteContext { key: Some("key"), ..stand.by(&actor) };
        assert!(!writing(&stand.engine, &write(), &id).unwrap(), "{what}");
        let contributed = json!({"contributors": [{"id": actor.person.id.written(), "roles": ["developer"]}]});
        stand.engine.revise(&stand.by(&rita()), at(), &contributed).unwrap();
        let refused = writing(&stand.engine, &write(), &id);
        assert!(
            matches!(refused, Err(ServiceError::Refused(RuleRefusal::SeparationOfDuties { .. }))),
            "{what}: {refused:?}"
        );
    }
}

#[test]
fn a_repeat_is_answered_after_its_moment_has_passed() {
    let stand = stand();
    planned(&stand);
    let ben = ben();
    let write = || WriteContext { key: Some("approve"), ..stand.by(&ben) };
    let expires = Some("2026-11-24T21:00:00Z".parse().unwrap());
    let new = NewApproval { expires, ..stand.answer("dep-1", "change-authority") };
    assert!(!repeated(stand.engine.approve(&write(), at(), &new)).unwrap());
    let waive = || repeated(stand.engine.waive(&WriteContext { key: Some("waive"), ..stand.by(&ben) }, &waiver()));
    let delegate =
        || repeated(stand.engine.delegate(&WriteContext { key: Some("lend"), ..stand.by(&ben) }, &delegation()));
    assert!(!waive().unwrap());
    assert!(!delegate().unwrap());
    stand.later(24 * 60);
    assert!(repeated(stand.engine.approve(&write(), at(), &new)).unwrap());
    assert!(waive().unwrap());
    assert!(delegate().unwrap());
}

#[test]
fn a_repeat_is_answered_when_another_of_the_actors_teams_has_a_deployment_of_that_id_by_now() {
    let stand = stand();
    let both = Teams::Named(["billing".parse().unwrap(), "checkout".parse().unwrap()].into());
    let actor = Actor { teams: both, ..rita() };
    let attach = || {
        let write = WriteContext { key: Some("key"), ..stand.by(&actor) };
        repeated(stand.engine.attach(&write, at(), NewEvidence::new("log", "text/plain", b"42")))
    };
    assert!(!attach().unwrap());
    let deployment = serde_json::from_value(deployment()).unwrap();
    let new = NewDeployment { team: Some("billing".parse().unwrap()), deployment };
    stand.engine.request(&stand.by(&actor), &new).unwrap();
    assert!(attach().unwrap());
}
