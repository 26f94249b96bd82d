//! Separation of duties: who was ever involved in a deployment decides nothing about it, however they write their id.

use lockgate_domain::{Phase, Stage};
use lockgate_service::lifecycle::ApprovalInvalid;
use lockgate_service::{NewApproval, NewOverride, NewReview, NewWaiver, RuleRefusal, ServiceError};
use serde_json::json;

use crate::service::stand::{Stand, ben, gate, id, person, rita};

/// Spellings of `rita`, who asks, and of `kim`, who contributes.
const RITAS: [&str; 3] = ["Rita", "RITA", " rita "];
const KIMS: [&str; 3] = ["Kim", "KIM", "kIM"];

fn glass() -> NewOverride {
    let gate = gate(Stage::PlanAndApprove, Phase::Exit);
    NewOverride { gate, binding: "people".to_owned(), reason: "the shop is down".to_owned() }
}

fn waiver() -> NewWaiver {
    serde_json::from_value(json!({
        "reason": "the change authority is being set up", "ticket": "RISK-7", "expires": "2026-12-01T00:00:00Z",
        "scope": {"bindings": ["people"], "deployment": "dep-1"}
    }))
    .unwrap()
}

fn review() -> NewReview {
    serde_json::from_value(json!({"deployment": "dep-1", "finding": "justified", "comment": "it was"})).unwrap()
}

/// A deployment that `rita` asks for and `kim` contributes to, in its plan.
fn stand() -> Stand {
    let stand = Stand::new();
    stand.request(|document| document["contributors"] = json!([{"id": "kim"}])).unwrap();
    stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap();
    stand
}

fn not_independent<T>(outcome: &Result<T, ServiceError>) -> bool {
    matches!(outcome, Err(ServiceError::Refused(RuleRefusal::SeparationOfDuties { .. })))
}

/// The codes of the reasons at the exit of plan-and-approve, and whether it was passed.
fn exit(stand: &Stand) -> (bool, Vec<String>) {
    let passed = stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap();
    (passed.passed, passed.decision.reasons.iter().map(|reason| reason.code.clone()).collect())
}

#[test]
fn another_spelling_of_who_asked_or_contributed_approves_and_overrides_nothing() {
    let stand = stand();
    let answer = stand.answer("dep-1", "change-authority");
    let taken = stand.engine.take_override(&stand.by(&ben()), "dep-1".into(), &glass()).unwrap().value.taken;
    for name in RITAS.into_iter().chain(KIMS) {
        let actor = person(name, &["change-authority"]);
        assert!(not_independent(&stand.engine.approve(&stand.by(&actor), "dep-1".into(), &answer)), "{name}");
        assert!(not_independent(&stand.engine.take_override(&stand.by(&actor), "dep-1".into(), &glass())), "{name}");
        assert!(
            not_independent(&stand.engine.confirm_override(&stand.by(&actor), "dep-1".into(), &taken.id)),
            "{name}"
        );
        assert!(not_independent(&stand.engine.review_override(&stand.by(&actor), &taken.id, &review())), "{name}");
    }
}

#[test]
fn who_took_an_override_confirms_and_reviews_it_under_no_spelling() {
    let stand = stand();
    let taken = stand.engine.take_override(&stand.by(&ben()), "dep-1".into(), &glass()).unwrap().value.taken;
    for name in ["ben", "Ben", "BEN"] {
        let actor = person(name, &["change-authority"]);
        let confirmed = stand.engine.confirm_override(&stand.by(&actor), "dep-1".into(), &taken.id);
        assert!(matches!(confirmed, Err(ServiceError::Refused(RuleRefusal::SecondPerson { .. }))), "{confirmed:?}");
        let reviewed = stand.engine.review_override(&stand.by(&actor), &taken.id, &review());
        assert!(matches!(reviewed, Err(ServiceError::Refused(RuleRefusal::SecondPerson { .. }))), "{reviewed:?}");
    }
}

#[test]
fn a_waiver_of_somebody_involved_does_not_count_and_the_decision_says_so() {
    for name in RITAS.into_iter().chain(KIMS) {
        let stand = stand();
        stand.engine.waive(&stand.by(&person(name, &["change-authority"])), &waiver()).unwrap();
        let (passed, codes) = exit(&stand);
        assert!(!passed && codes.contains(&"waiver-not-applicable".to_owned()), "{name}: {codes:?}");
    }
}

#[test]
fn who_asks_in_the_name_of_somebody_else_stays_involved() {
    let stand = Stand::new();
    stand.request(|document| document["requester"]["id"] = json!("bot@ci")).unwrap();
    stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap();
    let answer = stand.answer("dep-1", "change-authority");
    for name in RITAS {
        let actor = person(name, &["change-authority"]);
        assert!(not_independent(&stand.engine.approve(&stand.by(&actor), "dep-1".into(), &answer)), "{name}");
    }
    stand.engine.waive(&stand.by(&person("RITA", &["change-authority"])), &waiver()).unwrap();
    assert!(!exit(&stand).0);
}

#[test]
fn a_requester_who_was_patched_away_stays_involved() {
    let stand = stand();
    let patch = json!({"requester": {"id": "bot@ci"}});
    stand.engine.revise(&stand.by(&person("pipe", &["pipeline"])), "dep-1".into(), &patch).unwrap();
    let view = stand.view("dep-1");
    assert_eq!(view.deployment.involved.iter().map(ToString::to_string).collect::<Vec<_>>(), ["pipe", "rita"]);
    let answer: NewApproval = stand.answer("dep-1", "change-authority");
    for name in ["rita", "RITA", "pipe", "Pipe", "bot@CI"] {
        let actor = person(name, &["change-authority"]);
        assert!(not_independent(&stand.engine.approve(&stand.by(&actor), "dep-1".into(), &answer)), "{name}");
    }
    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &answer).unwrap();
    assert!(exit(&stand).0);
}

#[test]
fn who_is_involved_is_said_by_the_host_alone() {
    let stand = Stand::new();
    let handed_in = stand.request(|document| document["involved"] = json!(["ben"]));
    assert!(matches!(handed_in, Err(ServiceError::Invalid(_))), "{handed_in:?}");
    stand.request(|_| {}).unwrap();
    let patch = json!({"requester": {"id": "bot@ci"}});
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &patch).unwrap();
    let cleared =
        stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &json!({"involved": null, "labels": {"a": "b"}}));
    assert_eq!(cleared.unwrap().value.deployment.involved.len(), 1);
}

#[test]
fn an_approval_is_void_once_its_giver_is_named_as_a_contributor_in_any_spelling() {
    let stand = stand();
    let answer = stand.answer("dep-1", "change-authority");
    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &answer).unwrap();
    let patch = json!({"contributors": [{"id": "kim"}, {"id": "BEN"}]});
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &patch).unwrap();
    assert_eq!(stand.view("dep-1").approvals[0].void, Some(ApprovalInvalid::NotIndependent { person: id("ben") }));
}

/// OpenID's `sub` tells cases apart: `Ben` can be another account than `ben`.
#[test]
fn only_the_id_as_it_is_written_takes_back_what_it_said() {
    let stand = stand();
    let answer = stand.answer("dep-1", "change-authority");
    let given = stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &answer).unwrap().value.approval.approval.id;
    let other = person("Ben", &["change-authority"]);
    assert!(stand.engine.revoke_approval(&stand.by(&other), "dep-1".into(), &given, "no").is_err());
    // Nor does it take the place of that answer: the voice counts once.
    let again = stand.engine.approve(&stand.by(&other), "dep-1".into(), &answer);
    assert!(matches!(again, Err(ServiceError::Refused(RuleRefusal::VoiceGiven { .. }))), "{again:?}");
    stand.engine.revoke_approval(&stand.by(&ben()), "dep-1".into(), &given, "I misread it").unwrap();
    stand.engine.approve(&stand.by(&other), "dep-1".into(), &answer).unwrap();
}

#[test]
fn what_was_rejected_is_not_lifted_by_another_account_in_another_role() {
    let stand = stand();
    let mut answer = stand.answer("dep-1", "change-authority");
    answer.answer = lockgate_domain::ApprovalAnswer::Rejected;
    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &answer).unwrap();
    for name in ["Ben", "BEN"] {
        let other = person(name, &["operations-manager"]);
        let approval = stand.answer("dep-1", "operations-manager");
        let lifted = stand.engine.approve(&stand.by(&other), "dep-1".into(), &approval);
        assert!(matches!(lifted, Err(ServiceError::Refused(RuleRefusal::VoiceGiven { .. }))), "{lifted:?}");
    }
    let own = stand.answer("dep-1", "operations-manager");
    let ben = person("ben", &["change-authority", "operations-manager"]);
    stand.engine.approve(&stand.by(&ben), "dep-1".into(), &own).unwrap();
}

/// A revision and its undoing change the subject, and back.
#[test]
fn what_was_rejected_stays_rejected_when_a_revision_is_undone() {
    let stand = stand();
    let mut rejection = stand.answer("dep-1", "change-authority");
    rejection.answer = lockgate_domain::ApprovalAnswer::Rejected;
    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &rejection).unwrap();
    let other = person("BEN", &["change-authority"]);
    let revise = |priority: Option<&str>| {
        stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &json!({"plan": {"priority": priority}})).unwrap();
    };
    revise(Some("high"));
    let answer = stand.answer("dep-1", "change-authority");
    stand.engine.approve(&stand.by(&other), "dep-1".into(), &answer).unwrap();
    revise(None);
    assert_eq!(stand.view("dep-1").approvals[0].void, None);
    let answer = stand.answer("dep-1", "change-authority");
    let lifted = stand.engine.approve(&stand.by(&other), "dep-1".into(), &answer);
    assert!(matches!(lifted, Err(ServiceError::Refused(RuleRefusal::VoiceGiven { .. }))), "{lifted:?}");
    assert!(!exit(&stand).0);
}

#[test]
fn who_may_not_ask_for_others_does_not_write_the_requester_anew() {
    let stand = stand();
    let developer = person("dev", &["developer"]);
    let patch = json!({"requester": {"id": "RITA"}});
    let refused = stand.engine.revise(&stand.by(&developer), "dep-1".into(), &patch);
    assert!(matches!(refused, Err(ServiceError::Invalid(_))), "{refused:?}");
}
