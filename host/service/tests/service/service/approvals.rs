//! Whose approvals count, for what, and until when.

use lockgate_domain::{Phase, Stage};
use lockgate_service::lifecycle::{ApprovalInvalid, LifecycleMove};
use lockgate_service::{NewDelegation, NewEvidence, RuleRefusal, ServiceError};
use serde_json::json;

use crate::service::stand::{Stand, ben, id, person, rita};

#[test]
fn who_asks_and_who_contributed_cannot_approve() {
    let stand = Stand::new();
    stand.request(|document| document["contributors"] = json!([{"id": "kim"}])).unwrap();
    let answer = stand.answer("dep-1", "change-authority");
    for id in ["rita", "kim"] {
        let actor = person(id, &["change-authority"]);
        let refused = stand.engine.approve(&stand.by(&actor), "dep-1".into(), &answer);
        assert!(matches!(refused, Err(ServiceError::Refused(RuleRefusal::SeparationOfDuties { .. }))), "{refused:?}");
    }
}

#[test]
fn whoever_revises_the_document_cannot_approve_it_any_more() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let editor = person("eve", &["change-authority", "product-manager"]);
    let answer = stand.answer("dep-1", "change-authority");
    stand.engine.approve(&stand.by(&editor), "dep-1".into(), &answer).unwrap();
    stand.engine.revise(&stand.by(&editor), "dep-1".into(), &json!({"labels": {"wave": "1"}})).unwrap();
    let approvals = stand.view("dep-1").approvals;
    assert_eq!(approvals[0].void, Some(ApprovalInvalid::NotIndependent { person: id("eve") }));
    assert!(!stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap().decision.id.is_empty());
    assert!(!stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap().passed);
}

#[test]
fn an_approval_is_void_when_what_was_approved_changes_and_says_which_part() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let answer = stand.answer("dep-1", "change-authority");
    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &answer).unwrap();
    assert_eq!(stand.view("dep-1").approvals[0].void, None);
    // What only tells how far something has come is not approved.
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &json!({"release": {"status": "accepted"}})).unwrap();
    assert_eq!(stand.view("dep-1").approvals[0].void, None);
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &json!({"plan": {"priority": "high"}})).unwrap();
    stand
        .engine
        .attach(&stand.by(&rita()), "dep-1".into(), NewEvidence::new("sbom", "application/json", b"{}"))
        .unwrap();
    assert_eq!(
        stand.view("dep-1").approvals[0].void,
        Some(ApprovalInvalid::Changed { parts: vec!["plan".to_owned(), "evidence".to_owned()] })
    );
    // Policies see it with its old subject, and people read what has changed.
    let shown = &stand.view("dep-1").deployment.approvals[0];
    assert_eq!((&shown.changed, shown.subject), (&vec!["plan".to_owned(), "evidence".to_owned()], answer.subject));
    stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap();
    let passed = stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap();
    let said = |code: &str| passed.decision.reasons.iter().find(|reason| reason.code == code).unwrap().message.clone();
    assert!(!passed.passed);
    assert!(
        said("approval-void").ends_with(
            "of `ben` as `change-authority` does not count: this has changed since it was given: `plan`, `evidence`"
        ),
        "{}",
        said("approval-void")
    );
    assert!(said("approval-of-something-else").contains("`ben`"), "{}", said("approval-of-something-else"));
    let old = stand.engine.approve(&stand.by(&person("bob", &["change-authority"])), "dep-1".into(), &answer);
    assert!(matches!(old, Err(ServiceError::Refused(RuleRefusal::SubjectDiffers { .. }))), "{old:?}");
}

#[test]
fn what_was_approved_cannot_be_replaced_and_more_can_be_handed_in() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let attach = |name: &str, bytes: &[u8]| {
        stand.engine.attach(&stand.by(&rita()), "dep-1".into(), NewEvidence::new(name, "application/json", bytes))
    };
    attach("sbom", b"{}").unwrap();
    stand.approved("dep-1");
    assert!(matches!(attach("sbom", b"[]"), Err(ServiceError::Refused(RuleRefusal::EvidenceApproved { .. }))));
    // The same bytes with another word about them are something else.
    let made = Some("2026-11-24T00:00:00Z".parse().unwrap());
    let new = NewEvidence { made, ..NewEvidence::new("sbom", "application/json", b"{}") };
    let refused = stand.engine.attach(&stand.by(&rita()), "dep-1".into(), new);
    assert!(matches!(refused, Err(ServiceError::Refused(RuleRefusal::EvidenceApproved { .. }))), "{refused:?}");
    attach("sbom", b"{}").unwrap();
    attach("smoke-test", b"{}").unwrap();
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
}

#[test]
fn an_approval_of_evidence_is_void_once_somebody_says_something_else_of_it() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap();
    let attach = |made: Option<&str>| {
        let made = made.map(|made| made.parse().unwrap());
        let new = NewEvidence { made, ..NewEvidence::new("scan", "application/json", b"{}") };
        stand.engine.attach(&stand.by(&rita()), "dep-1".into(), new).unwrap();
    };
    attach(None);
    let answer = stand.answer("dep-1", "change-authority");
    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &answer).unwrap();
    attach(Some("2026-11-24T00:00:00Z"));
    let exit = stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap();
    let void = exit.decision.reasons.iter().find(|reason| reason.code == "approval-void").unwrap();
    assert!(!exit.passed && void.message.ends_with("`evidence`"), "{}", void.message);
}

#[test]
fn a_changed_plan_stops_at_fulfill_until_it_is_planned_and_approved_anew() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    stand.approved("dep-1");
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &json!({"plan": {"priority": "high"}})).unwrap();
    let stopped = stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap();
    let codes: Vec<&str> = stopped.decision.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert!(!stopped.passed && codes.contains(&"plan-differs-from-approved"), "{codes:?}");
    stand.engine.make_move(&stand.by(&rita()), "dep-1".into(), LifecycleMove::Replan, "another priority").unwrap();
    let answer = stand.answer("dep-1", "change-authority");
    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &answer).unwrap();
    assert!(stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap().passed);
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
}

#[test]
fn a_role_is_lent_for_a_while_and_counts_as_one_voice() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let deputy = person("dora", &["operations-manager"]);
    let mut answer = stand.answer("dep-1", "change-authority");
    answer.on_behalf_of = Some(id("ben"));
    let refused = stand.engine.approve(&stand.by(&deputy), "dep-1".into(), &answer);
    assert!(matches!(refused, Err(ServiceError::Refused(RuleRefusal::RoleNotHeld { .. }))), "{refused:?}");

    let lent: NewDelegation = serde_json::from_value(json!({
        "to": "dora", "role": "change-authority", "expires": "2026-11-24T21:00:00Z", "reason": "holidays"
    }))
    .unwrap();
    let delegation = stand.engine.delegate(&stand.by(&ben()), &lent).unwrap().value;
    stand.engine.approve(&stand.by(&deputy), "dep-1".into(), &answer).unwrap();
    let mut own = answer.clone();
    own.on_behalf_of = None;
    let twice = stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &own);
    assert!(matches!(twice, Err(ServiceError::Refused(RuleRefusal::VoiceGiven { .. }))), "{twice:?}");

    stand.engine.end_delegation(&stand.by(&ben()), &delegation.delegation.id).unwrap();
    let after = stand.engine.approve(&stand.by(&deputy), "dep-1".into(), &answer);
    assert!(matches!(after, Err(ServiceError::Refused(RuleRefusal::RoleNotHeld { .. }))), "{after:?}");
}

#[test]
fn an_approval_can_be_taken_back_by_who_gave_it() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let answer = stand.answer("dep-1", "change-authority");
    let given = stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &answer).unwrap().value.approval.approval.id;
    let other = person("bob", &["change-authority"]);
    assert!(stand.engine.revoke_approval(&stand.by(&other), "dep-1".into(), &given, "no").is_err());
    stand.engine.revoke_approval(&stand.by(&ben()), "dep-1".into(), &given, "I misread it").unwrap();
    assert_eq!(stand.view("dep-1").approvals[0].void, Some(ApprovalInvalid::Revoked));
    assert_eq!(stand.view("dep-1").deployment.approvals, []);
}
