//! Waivers and overrides: what they do, for how long, and who may.

use lockgate_domain::{Phase, Stage};
use lockgate_engine::service::{EngineError, NewOverride, NewReview, NewWaiver, Page, Refused};
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
    assert_eq!(granted.waiver.owner, id("ben"));
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
    stand.engine.end_waiver(&stand.by(&ben()), &granted.waiver.id).unwrap();
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
    assert!(matches!(own, Err(EngineError::Refused(Refused::SeparationOfDuties { .. }))), "{own:?}");
    let manager = person("mo", &["release-manager"]);
    let taken = stand.engine.take_override(&stand.by(&manager), "dep-1".into(), &glass).unwrap().value.taken;
    assert!(at_the_exit(&stand).contains(&"override-unconfirmed".to_owned()));
    let alone = stand.engine.confirm_override(&stand.by(&manager), "dep-1".into(), &taken.id);
    assert!(matches!(alone, Err(EngineError::Refused(Refused::SecondPerson { .. }))), "{alone:?}");
    stand.engine.confirm_override(&stand.by(&ben()), "dep-1".into(), &taken.id).unwrap();
    let overridden = at_the_exit(&stand);
    assert_eq!(overridden[0], "true");
    assert!(overridden.contains(&"overridden".to_owned()), "{overridden:?}");

    let queue = || {
        let page = Page { before: None, limit: 10 };
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
    assert!(matches!(refused, Err(EngineError::Refused(Refused::NotOverridable { .. }))), "{refused:?}");
}
