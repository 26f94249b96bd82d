//! Waivers and overrides: what they do, for how long, and who may.

use lockgate_domain::{Phase, Stage};
use lockgate_service::{NewOverride, NewReview, NewWaiver, PageRequest, RuleRefusal, ServiceError};
use serde_json::json;

use crate::service::stand::{Stand, ben, id, person, rita};

fn waiver(expires: &str) -> NewWaiver {
    serde_json::from_value(json!({
        "reason": "the change authority is being set up", "ticket": "RISK-7", "expires": expires,
        "scope": {"bindings": ["people"], "product": "shop"}
    }))
    .unwrap()
}

fn at_the_exit(stand: &Stand) -> Vec<String> {
    let passed = stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap();
    let codes = passed.decision.reasons.iter().map(|reason| reason.code.clone());
    [passed.passed.to_string()].into_iter().chain(codes).collect()
}

#[test]
fn a_waiver_takes_the_weight_from_an_answer_until_it_expires() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap();
    stand.engine.waive(&stand.by(&ben()), &waiver("2026-11-24T20:10:00Z")).unwrap();
    stand.later(15);
    let late = at_the_exit(&stand);
    assert_eq!(late[0], "false");
    assert!(late.contains(&"waiver-expired".to_owned()), "{late:?}");

    let granted = stand.engine.waive(&stand.by(&ben()), &waiver("2026-11-25T20:00:00Z")).unwrap().value;
    let waived = at_the_exit(&stand);
    assert_eq!(waived[0], "true");
    assert!(waived.contains(&"waived".to_owned()), "{waived:?}");
    assert_eq!(granted.state.waiver.owner, id("ben"));
}

/// The places of the mistakes in a waiver that is refused, and what they say.
fn refused(stand: &Stand, scope: serde_json::Value) -> Vec<(String, String)> {
    let new = NewWaiver { scope: serde_json::from_value(scope).unwrap(), ..waiver("2026-11-25T20:00:00Z") };
    match stand.engine.waive(&stand.by(&ben()), &new) {
        Err(ServiceError::Invalid(mistakes)) => {
            mistakes.into_iter().map(|mistake| (mistake.pointer, mistake.message)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_waiver_of_what_no_model_has_is_refused() {
    let stand = Stand::new();
    let exit = json!({"stage": "plan-and-approve", "phase": "exit"});
    let elsewhere = json!({"stage": "observe", "phase": "exit"});
    for (scope, pointer, says) in [
        (json!({"bindings": ["people", "peeple"], "product": "shop"}), "/scope/bindings/1", "did you mean `people`?"),
        (json!({"bindings": ["People"], "product": "shop"}), "/scope/bindings/0", "did you mean `people`?"),
        (json!({"bindings": ["windows-update"], "product": "shop"}), "/scope/bindings/0", "there are `"),
        (json!({"bindings": ["people"], "model": "modle"}), "/scope/model", "no loaded model is named `modle`"),
        (
            json!({"bindings": ["people"], "product": "shop", "gate": elsewhere}),
            "/scope/bindings/0",
            "plan-and-approve",
        ),
        (json!({"bindings": ["nobody"], "product": "shop", "gate": exit}), "/scope/bindings/0", "no loaded model has"),
        (json!({"bindings": ["nobody"], "deployment": "dep-9"}), "/scope/bindings/0", "no loaded model has"),
    ] {
        let found = refused(&stand, scope.clone());
        assert!(matches!(&found[..], [(at, why)] if at == pointer && why.contains(says)), "{scope}: {found:?}");
    }
}

#[test]
fn a_code_that_a_binding_never_gave_is_warned_of() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap();
    let warnings = |codes: &[&str]| {
        let mut new = waiver("2026-11-25T20:00:00Z");
        new.scope.codes = codes.iter().map(|&code| code.to_owned()).collect();
        stand.engine.waive(&stand.by(&ben()), &new).unwrap().value.warnings
    };
    assert_eq!(
        warnings(&["approvals-missing"]),
        ["`people` did not give the code `approvals-missing` in any of the newest decisions (1 searched)"]
    );
    stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap();
    assert_eq!(warnings(&["approvals-missing"]), [""; 0]);
    let misspelt = warnings(&["approvals-missing", "approvals-mising"]);
    assert!(matches!(&misspelt[..], [one] if one.contains("did you mean `approvals-missing`?")), "{misspelt:?}");
    assert_eq!(warnings(&[]), [""; 0]);
}

#[test]
fn nobody_waives_for_what_they_asked_for_and_an_ended_waiver_does_not_count() {
    let stand = Stand::new();
    stand.request(|document| document["requester"]["id"] = json!("ben")).unwrap();
    stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap();
    stand.engine.waive(&stand.by(&ben()), &waiver("2026-11-25T20:00:00Z")).unwrap();
    assert_eq!(at_the_exit(&stand)[0], "false");
    let other = person("bob", &["change-authority"]);
    let granted = stand.engine.waive(&stand.by(&other), &waiver("2026-11-25T20:00:00Z")).unwrap().value;
    stand.engine.end_waiver(&stand.by(&ben()), &granted.state.waiver.id).unwrap();
    assert_eq!(at_the_exit(&stand)[0], "false");
}

#[test]
fn an_override_counts_once_a_second_person_confirmed_it_and_waits_for_its_review() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap();
    let glass = NewOverride {
        gate: crate::service::stand::gate(Stage::PlanAndApprove, Phase::Exit),
        binding: "people".to_owned(),
        reason: "the shop is down".to_owned(),
    };
    let own = stand.engine.take_override(&stand.by(&person("rita", &["release-manager"])), "dep-1".into(), &glass);
    assert!(matches!(own, Err(ServiceError::Refused(RuleRefusal::SeparationOfDuties { .. }))), "{own:?}");
    let manager = person("mo", &["release-manager"]);
    let taken = stand.engine.take_override(&stand.by(&manager), "dep-1".into(), &glass).unwrap().value.taken;
    assert!(at_the_exit(&stand).contains(&"override-unconfirmed".to_owned()));
    let alone = stand.engine.confirm_override(&stand.by(&manager), "dep-1".into(), &taken.id);
    assert!(matches!(alone, Err(ServiceError::Refused(RuleRefusal::SecondPerson { .. }))), "{alone:?}");
    stand.engine.confirm_override(&stand.by(&ben()), "dep-1".into(), &taken.id).unwrap();
    let overridden = at_the_exit(&stand);
    assert_eq!(overridden[0], "true");
    assert!(overridden.contains(&"overridden".to_owned()), "{overridden:?}");

    let queue = || {
        let page = PageRequest { before: None, limit: 10 };
        stand.engine.overrides(&rita(), Some(false), page).unwrap().items
    };
    assert_eq!(queue()[0].known.taken.id, taken.id);
    let review: NewReview = serde_json::from_value(json!({
        "deployment": "dep-1", "finding": "justified", "comment": "it was"
    }))
    .unwrap();
    let reviewer = person("gus", &["governance"]);
    stand.engine.review_override(&stand.by(&reviewer), &taken.id, &review).unwrap();
    assert_eq!(queue(), []);
}

#[test]
fn only_what_is_soft_mandatory_can_be_overridden() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let glass = NewOverride {
        gate: crate::service::stand::gate(Stage::PlanAndApprove, Phase::Exit),
        binding: "people-2".to_owned(),
        reason: "the shop is down".to_owned(),
    };
    let refused = stand.engine.take_override(&stand.by(&ben()), "dep-1".into(), &glass);
    assert!(matches!(refused, Err(ServiceError::Refused(RuleRefusal::NotOverridable { .. }))), "{refused:?}");
}
