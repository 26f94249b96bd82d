//! Handing what was deployed over to those who operate it, and the exposure that this opens.

use lockgate_domain::{CredentialKind, Phase, RegisterKind, Stage};
use lockgate_service::lifecycle::{ActivityOutcome, LifecycleMove};
use lockgate_service::{InputError, NewHandOver, PageRequest, RuleRefusal, ServiceError};
use serde_json::{Value, json};

use crate::service::registers::{about_shop, olga};
use crate::service::stand::{Stand, ben, open, otto, person, rita};

const PAGE: PageRequest = PageRequest { before: None, limit: 10 };

fn proposal(value: Value) -> NewHandOver {
    serde_json::from_value(value).unwrap()
}

fn to_team() -> NewHandOver {
    proposal(json!({"receiver": {"team": "checkout"}, "knowledge_items": ["K-1"], "note": "mind the night"}))
}

/// A deployment in observe, where everything is done but the hand-over.
fn observed(edit: impl FnOnce(&mut Value)) -> Stand {
    let stand = Stand::new();
    stand.request(edit).unwrap();
    stand.approved("dep-1");
    for stage in [Stage::Fulfill, Stage::Validate, Stage::Observe] {
        assert!(stand.pass("dep-1", stage, Phase::Entrance).unwrap().passed);
        if stage != Stage::Validate {
            stand.activities("dep-1", stage);
        }
        if stage != Stage::Observe {
            assert!(stand.pass("dep-1", stage, Phase::Exit).unwrap().passed);
        }
    }
    stand
}

/// What the exit of observe says about the hand-over, and whether it was passed.
fn leave(stand: &Stand) -> (bool, Vec<String>) {
    let passed = stand.pass("dep-1", Stage::Observe, Phase::Exit).unwrap();
    let codes = passed.decision.reasons.iter().map(|reason| reason.code.clone());
    (passed.passed, codes.filter(|code| code.starts_with("hand-over")).collect())
}

#[test]
fn a_live_deployment_is_operational_only_when_the_hand_over_is_accepted_and_then_opens_the_exposure() {
    let stand = observed(|_| {});
    assert_eq!(leave(&stand), (false, vec!["hand-over-missing".to_owned()]));
    let proposed = stand.engine.propose_hand_over(&stand.by(&rita()), "dep-1".into(), &to_team()).unwrap().value;
    assert_eq!(proposed.hand_over.as_ref().unwrap().accepted_by, None);
    assert_eq!(leave(&stand), (false, vec!["hand-over-not-accepted".to_owned()]));
    assert_eq!(stand.engine.exposures(&rita(), PAGE).unwrap().items, []);

    let accepted = stand.engine.accept_hand_over(&stand.by(&otto()), "dep-1".into()).unwrap().value;
    let hand_over = accepted.hand_over.clone().unwrap();
    assert_eq!((hand_over.accepted_by.unwrap().normal(), hand_over.note.as_deref()), ("otto", Some("mind the night")));
    assert_eq!(accepted.deployment.hand_over, accepted.hand_over, "policies see it");
    let activity = accepted.activities.iter().find(|activity| activity.id == "hand-over").unwrap();
    assert_eq!(activity.report.as_ref().unwrap().outcome, ActivityOutcome::Done);
    assert_eq!(leave(&stand), (true, Vec::new()));

    let view = stand.view("dep-1");
    let exposure = view.exposure.clone().unwrap();
    assert_eq!(exposure.opened_by.normal(), "rita");
    let [open_exposure] = stand.engine.exposures(&rita(), PAGE).unwrap().items.try_into().unwrap();
    assert_eq!((open_exposure.deployment.as_str(), open_exposure.environment.as_str()), ("dep-1", "live"));
    assert_eq!((open_exposure.product.as_str(), open_exposure.release.as_str()), ("shop", "shop-2"));
    assert_eq!(open_exposure.exposure, exposure);
    // What its events say, another process says too; and another team sees none of it.
    let again = open(&stand.folder, vec![]);
    let again = again.deployment(&rita(), "dep-1".into(), stand.now()).unwrap();
    assert_eq!((again.hand_over, again.exposure, again.summary), (view.hand_over, view.exposure, view.summary));
    let mut elsewhere = rita();
    elsewhere.teams = lockgate_domain::Teams::Named(["billing".parse().unwrap()].into());
    assert_eq!(stand.engine.exposures(&elsewhere, PAGE).unwrap().items, []);
}

#[test]
fn an_environment_that_is_not_live_needs_no_hand_over_and_opens_no_exposure() {
    let stand =
        observed(|document| document["environment"] = json!({"name": "test", "kind": "test", "control": "full"}));
    assert_eq!(leave(&stand), (true, Vec::new()));
    assert_eq!(stand.view("dep-1").exposure, None);
    assert_eq!(stand.engine.exposures(&rita(), PAGE).unwrap().items, []);
}

#[test]
fn only_those_who_take_over_accept_in_person_and_never_the_proposer() {
    let stand = observed(|_| {});
    let refused = |actor: &lockgate_service::authority::Actor| {
        stand.engine.accept_hand_over(&stand.by(actor), "dep-1".into()).map(drop).unwrap_err()
    };
    assert!(matches!(refused(&otto()), ServiceError::Refused(RuleRefusal::NoHandOver { .. })));
    let dora = person("dora", &["deployment-manager", "operations-manager"]);
    let to_otto = proposal(json!({"receiver": {"person": "Otto"}, "knowledge_items": ["K-1"]}));
    stand.engine.propose_hand_over(&stand.by(&dora), "dep-1".into(), &to_otto).unwrap();
    let other = refused(&person("olaf", &["operations-manager"]));
    assert_eq!(
        other.to_string(),
        "the hand-over is to `Otto`, and `olaf` is not: have it accepted there, or propose another one"
    );
    assert!(matches!(refused(&ben()), ServiceError::Forbidden(_)), "a change authority does not take over");
    let mut program = otto();
    program.kind = CredentialKind::Agent;
    assert!(matches!(refused(&program), ServiceError::Refused(RuleRefusal::PersonTakesOver { .. })));

    stand.engine.propose_hand_over(&stand.by(&dora), "dep-1".into(), &to_team()).unwrap();
    assert!(matches!(refused(&dora), ServiceError::Refused(RuleRefusal::OwnHandOver { .. })));
    stand.engine.accept_hand_over(&stand.by(&otto()), "dep-1".into()).unwrap();
    assert!(matches!(refused(&otto()), ServiceError::Refused(RuleRefusal::HandOverAccepted { .. })));

    // What is proposed anew has to be accepted anew.
    stand.engine.propose_hand_over(&stand.by(&dora), "dep-1".into(), &to_otto).unwrap();
    assert_eq!(leave(&stand).1, ["hand-over-not-accepted"]);
    let reason = stand.pass("dep-1", Stage::Observe, Phase::Exit).unwrap().decision.requirements[0].clone();
    assert_eq!(reason.requirement.owner.as_deref(), Some("person:otto"));
}

#[test]
fn a_proposal_names_what_there_is_and_at_least_one_thing() {
    let stand = observed(|_| {});
    let refused = |value: Value| -> Vec<InputError> {
        match stand.engine.propose_hand_over(&stand.by(&rita()), "dep-1".into(), &proposal(value)) {
            Err(ServiceError::Invalid(mistakes)) => mistakes,
            other => panic!("{other:?}"),
        }
    };
    let receiver = json!({"team": "checkout"});
    let [nothing] = refused(json!({"receiver": receiver})).try_into().unwrap();
    assert_eq!(nothing.pointer, "");
    for nobody in [json!({}), json!({"team": "checkout", "person": "otto"})] {
        assert_eq!(refused(json!({"receiver": nobody, "knowledge_items": ["K-1"]}))[0].pointer, "/receiver");
    }
    let [not_kept] = refused(json!({"receiver": receiver, "runbooks": ["R-1"]})).try_into().unwrap();
    assert_eq!(not_kept.pointer, "/runbooks/0");
    assert_eq!(not_kept.message, "nobody keeps the register `runbooks`, so nobody knows `R-1`: have it attested first");
    let [unknown, twice] =
        refused(json!({"receiver": receiver, "knowledge_items": ["K-2", "K-1", "K-1"]})).try_into().unwrap();
    assert_eq!(unknown.message, "the release has no `K-2` for this deployment: it has `K-1`");
    assert_eq!(
        (twice.pointer.as_str(), twice.message.as_str()),
        ("/knowledge_items/2", "`K-1` is in the list twice: remove one")
    );

    let runbook = json!({"id": "R-1", "title": "Restart", "kind": "restart", "deployed": true});
    stand.attest(&olga(), RegisterKind::Runbooks, &about_shop(runbook)).unwrap();
    let whole = proposal(json!({"receiver": {"team": "checkout"}, "runbooks": ["R-1"], "knowledge_items": ["K-1"]}));
    let view = stand.engine.propose_hand_over(&stand.by(&rita()), "dep-1".into(), &whole).unwrap().value;
    assert_eq!(view.hand_over.unwrap().runbooks, ["R-1"]);
}

#[test]
fn nothing_is_handed_over_before_it_is_deployed_and_the_way_back_ends_a_hand_over() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let propose = || stand.engine.propose_hand_over(&stand.by(&rita()), "dep-1".into(), &to_team());
    let refused = |answer: Result<_, ServiceError>| {
        matches!(
            answer.map(|_: lockgate_service::WriteAnswer<lockgate_service::DeploymentView>| ()),
            Err(ServiceError::Refused(RuleRefusal::NothingToHandOver { .. }))
        )
    };
    assert!(refused(propose()));
    stand.approved("dep-1");
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    stand.activities("dep-1", Stage::Fulfill);
    assert!(refused(propose()), "it is not deployed yet");
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Exit).unwrap().passed);
    stand.hand_over("dep-1");

    let back = |asked, reason| stand.engine.make_move(&stand.by(&rita()), "dep-1".into(), asked, reason).unwrap().value;
    let view = back(LifecycleMove::RollBack, "it is slow");
    assert_eq!((view.hand_over, view.deployment.hand_over.clone()), (None, None));
    assert!(view.activities.iter().all(|activity| activity.report.is_none()));
    assert!(refused(propose()), "it is on the way back");
    assert_eq!(stand.view("dep-1").exposure, None);
}
