//! What a team sees of others, and what others can do to it: nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use lockgate_domain::{Phase, Stage, Teams, Verdict};
use lockgate_service::authority::Actor;
use lockgate_service::lifecycle::LifecycleMove;
use lockgate_service::{
    DeploymentRef, DeploymentService, GatePurpose, GateRequest, NewDeployment, NewWaiver, PageRequest, RuleRefusal,
    ServiceError, WaiverState, WriteContext,
};
use serde_json::{Value, json};

use crate::gate_support::deployment;
use crate::service::stand::{Meanwhile, Stand, ben, decided, gate, gate_request, pass, person, rita};

const PAGE: PageRequest = PageRequest { before: None, limit: 50 };

fn of(actor: Actor, teams: &[&str]) -> Actor {
    Actor { teams: Teams::Named(teams.iter().map(|team| team.parse().unwrap()).collect()), ..actor }
}

fn everybody(actor: Actor) -> Actor {
    Actor { teams: Teams::All, ..actor }
}

/// Asks for `dep-1` in a team.
fn request(stand: &Stand, team: &str, edit: impl FnOnce(&mut Value)) -> Result<(), ServiceError> {
    let mut document = deployment();
    edit(&mut document);
    let new =
        NewDeployment { team: Some(team.parse().unwrap()), deployment: serde_json::from_value(document).unwrap() };
    stand.engine.request(&stand.by(&of(rita(), &[team])), &new).map(drop)
}

fn waiver(scope: Value) -> NewWaiver {
    serde_json::from_value(json!({
        "reason": "r", "ticket": "T-1", "expires": "2026-12-01T00:00:00Z", "scope": scope
    }))
    .unwrap()
}

#[test]
fn two_teams_may_use_the_same_id_and_neither_learns_of_the_other() {
    let stand = Stand::new();
    request(&stand, "checkout", |_| {}).unwrap();
    request(&stand, "billing", |document| document["release"]["id"] = json!("bills-7")).unwrap_or_else(|_| {
        // The release of the change has to be the same: rule 6.
        panic!("the other team's id was in the way")
    });
    let twice = request(&stand, "checkout", |_| {});
    assert!(matches!(twice, Err(ServiceError::Exists { .. })), "{twice:?}");
    let release = |actor: &Actor, at: DeploymentRef<'_>| {
        stand.engine.deployment(actor, at, stand.now()).map(|view| view.summary.release)
    };
    assert_eq!(release(&of(rita(), &["checkout"]), "dep-1".into()).unwrap(), "shop-2");
    assert_eq!(release(&of(rita(), &["billing"]), "dep-1".into()).unwrap(), "bills-7");
    let billing = "billing".parse().unwrap();
    let stranger = release(&of(rita(), &["checkout"]), DeploymentRef { id: "dep-1", team: Some(&billing) });
    assert!(matches!(stranger, Err(ServiceError::NotFound { .. })), "{stranger:?}");
}

#[test]
fn who_is_in_several_teams_says_which_one_is_meant() {
    let stand = Stand::new();
    for team in ["checkout", "billing", "search"] {
        request(&stand, team, |_| {}).unwrap();
    }
    for (actor, expected) in [
        (of(rita(), &["billing", "checkout", "nobody"]), vec!["billing", "checkout"]),
        (everybody(rita()), vec!["billing", "checkout", "search"]),
    ] {
        let asked = stand.engine.deployment(&actor, "dep-1".into(), stand.now());
        let Err(ServiceError::SeveralTeams { teams, .. }) = asked else { panic!("{asked:?}") };
        assert_eq!(teams, expected);
        let billing = "billing".parse().unwrap();
        let named = DeploymentRef { id: "dep-1", team: Some(&billing) };
        assert_eq!(stand.engine.deployment(&actor, named, stand.now()).unwrap().summary.team, "billing");
    }
    let one = of(rita(), &["checkout", "nobody"]);
    assert_eq!(stand.engine.deployment(&one, "dep-1".into(), stand.now()).unwrap().summary.team, "checkout");
}

#[test]
fn an_overlap_with_another_team_shows_environment_and_times_alone() {
    let stand = Stand::new();
    let slot = json!({"start": "2026-11-25T20:00:00Z", "end": "2026-11-25T22:00:00Z"});
    request(&stand, "billing", |document| {
        document["product"]["id"] = json!("secret-product");
        document["id"] = json!("secret-id");
        document["plan"]["slot"] = slot.clone();
    })
    .unwrap();
    let theirs = of(ben(), &["billing"]);
    let pass = |stage, phase| {
        let write = stand.by(&theirs);
        let driver = of(rita(), &["billing"]);
        let write = WriteContext { actor: &driver, ..write };
        pass(&stand.engine, &write, "secret-id", gate(stage, phase)).unwrap().value.passed
    };
    assert!(pass(Stage::PlanAndApprove, Phase::Entrance));
    let view = stand.engine.deployment(&theirs, "secret-id".into(), stand.now()).unwrap();
    let answer = serde_json::from_value(
        json!({"role": "change-authority", "answer": "approved", "subject": view.subject.unwrap()}),
    );
    stand.engine.approve(&stand.by(&theirs), "secret-id".into(), &answer.unwrap()).unwrap();
    assert!(pass(Stage::PlanAndApprove, Phase::Exit));

    request(&stand, "checkout", |document| document["plan"]["slot"] = slot.clone()).unwrap();
    let overlaps = stand.engine.overlaps(&rita(), "dep-1".into()).unwrap();
    assert_eq!(
        json!(overlaps),
        json!([{"environment": "live", "window": slot, "relation": "same-environment", "under_way": false}])
    );
    // A product that depends on the other team's: that the two conflict is all that is told.
    let depends = json!({"product": {"depends_on": ["secret-product", "other"]}});
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &depends).unwrap();
    let overlaps = json!(stand.engine.overlaps(&rita(), "dep-1".into()).unwrap());
    assert_eq!(overlaps[0]["relation"], "conflicting");
    let independent = json!({"product": {"depends_on": null}});
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &independent).unwrap();
    let seen = serde_json::to_string(&stand.view("dep-1")).unwrap();
    assert!(!seen.contains("secret") && seen.contains("same-environment"), "{seen}");
}

#[test]
fn lists_show_what_a_team_has_and_cost_nothing_for_what_others_have() {
    let stand = Stand::new();
    for number in 0..30 {
        request(&stand, "billing", |document| document["id"] = json!(format!("b-{number}"))).unwrap();
    }
    request(&stand, "checkout", |_| {}).unwrap();
    let ids = |actor: &Actor, limit| {
        let page = stand.engine.deployments(actor, PageRequest { before: None, limit }, &|_| true).unwrap();
        (page.items.into_iter().map(|summary| summary.id).collect::<Vec<_>>(), page.next.is_some())
    };
    assert_eq!(ids(&rita(), 50), (vec!["dep-1".to_owned()], false));
    assert_eq!(ids(&of(rita(), &["nobody"]), 50), (vec![], false));
    assert_eq!(ids(&of(rita(), &["billing", "checkout"]), 2).0, ["dep-1", "b-29"]);
    assert_eq!(ids(&everybody(rita()), 50).0.len(), 31);

    // Page by page, of two teams, each once and in order.
    let (actor, mut before, mut all) = (of(rita(), &["billing", "checkout"]), None, Vec::new());
    loop {
        let page = stand.engine.deployments(&actor, PageRequest { before, limit: 7 }, &|_| true).unwrap();
        all.extend(page.items.into_iter().map(|summary| summary.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let expected: Vec<String> =
        ["dep-1".to_owned()].into_iter().chain((0..30).rev().map(|n| format!("b-{n}"))).collect();
    assert_eq!(all, expected);
    assert_eq!(stand.engine.decisions(&of(rita(), &["nobody"]), None, PAGE).unwrap().items, []);
}

#[test]
fn a_waiver_is_for_one_team_and_others_see_nothing_of_it() {
    let stand = Stand::new();
    request(&stand, "checkout", |_| {}).unwrap();
    request(&stand, "billing", |_| {}).unwrap();
    let scope = json!({"bindings": ["people"], "deployment": "dep-1"});
    let theirs = of(person("bea", &["change-authority"]), &["billing"]);
    stand.engine.waive(&stand.by(&theirs), &waiver(scope.clone())).unwrap();
    assert_eq!(stand.engine.waivers(&ben()).unwrap(), []);
    stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap();
    let passed = stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap();
    assert!(!passed.passed, "another team's waiver counted");
    assert!(passed.decision.reasons.iter().all(|reason| !reason.code.starts_with("waive")));

    // Who sees several teams says for which one it is; who sees all can also grant one for all.
    let several = of(person("sue", &["change-authority"]), &["billing", "checkout"]);
    let product = json!({"bindings": ["people"], "product": "shop"});
    for (actor, scope) in [(&several, &scope), (&several, &product), (&everybody(several.clone()), &scope)] {
        let Err(ServiceError::Invalid(mistakes)) = stand.engine.waive(&stand.by(actor), &waiver(scope.clone())) else {
            panic!("{scope}")
        };
        assert_eq!(mistakes[0].pointer, "/scope/team");
    }
    let foreign = json!({"bindings": ["people"], "product": "shop", "team": "billing"});
    assert!(matches!(stand.engine.waive(&stand.by(&ben()), &waiver(foreign)), Err(ServiceError::Invalid(_))));
    let granted = |actor: &Actor, scope| -> WaiverState {
        stand.engine.waive(&stand.by(actor), &waiver(scope)).unwrap().value.state
    };
    let for_all = granted(&everybody(several.clone()), product);
    assert_eq!(for_all.waiver.scope.team, None);
    assert_eq!(stand.engine.waivers(&ben()).unwrap(), std::slice::from_ref(&for_all));
    let refused = stand.engine.end_waiver(&stand.by(&ben()), &for_all.waiver.id);
    assert!(matches!(refused, Err(ServiceError::Refused(RuleRefusal::OfAllTeams { .. }))), "{refused:?}");
    assert!(stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap().passed);
    stand.engine.end_waiver(&stand.by(&everybody(several)), &for_all.waiver.id).unwrap();
    assert!(stand.engine.waivers(&ben()).unwrap()[0].ended.is_some());
}

#[test]
fn a_decision_rests_on_the_waivers_that_it_used_and_notices_when_one_was_ended() {
    let stand = Stand::new();
    request(&stand, "checkout", |_| {}).unwrap();
    stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap();
    let scope = json!({"bindings": ["people"], "product": "shop"});
    let granted = stand.engine.waive(&stand.by(&ben()), &waiver(scope.clone())).unwrap().value.state;
    let exit = gate(Stage::PlanAndApprove, Phase::Exit);
    // Somebody does something when the plugins have answered, and nothing is written yet; how often it was decided then.
    let decided_during = |meanwhile: Box<dyn Fn(&DeploymentService) + Send + Sync>| {
        let credential = Arc::new(Meanwhile::new(stand.engine.clone(), meanwhile));
        let checked = Arc::clone(&credential);
        let request = gate_request(&rita(), "dep-1", exit, GatePurpose::Ask, stand.now());
        let decision = decided(&stand.engine, GateRequest { credential: Some(credential), ..request }).unwrap();
        (decision.verdict, checked.decided())
    };
    let now = stand.now();
    // Another one that is granted is no conflict.
    let grants = move |engine: &DeploymentService| {
        let actor = ben();
        let write = WriteContext { actor: &actor, now, key: None, if_match: None, credential: None };
        engine.waive(&write, &waiver(scope.clone())).unwrap();
    };
    assert_eq!(decided_during(Box::new(grants)), (Verdict::Allow, 1));
    // The end of one that was used is; there still is another one.
    let ends = move |engine: &DeploymentService| {
        let actor = ben();
        let write = WriteContext { actor: &actor, now, key: None, if_match: None, credential: None };
        engine.end_waiver(&write, &granted.waiver.id).unwrap();
    };
    assert_eq!(decided_during(Box::new(ends)), (Verdict::Allow, 2));
}

/// Others write waivers, deployments and whole lives in the same environment; the passes of one team do not fail for it.
#[test]
fn what_other_teams_write_does_not_stop_the_gates_of_a_team() {
    let stand = Stand::new();
    let stop = AtomicBool::new(false);
    let engine = &stand.engine;
    let now = stand.now();
    thread::scope(|scope| {
        for writer in 0..4 {
            let stop = &stop;
            scope.spawn(move || {
                let actor = of(person("bea", &["change-authority", "deployment-manager"]), &["billing"]);
                let write = WriteContext { actor: &actor, now, key: None, if_match: None, credential: None };
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    number += 1;
                    let scope = json!({"bindings": ["people"], "environment": "live"});
                    engine.waive(&write, &waiver(scope)).unwrap();
                    let mut document = deployment();
                    document["id"] = json!(format!("b-{writer}-{number}"));
                    document["requester"]["id"] = json!("bea");
                    let deployment = serde_json::from_value(document).unwrap();
                    engine.request(&write, &NewDeployment { team: None, deployment }).unwrap();
                    let id = format!("b-{writer}-{number}");
                    for phase in [Phase::Entrance, Phase::Exit] {
                        let gate = gate(Stage::PlanAndApprove, phase);
                        pass(engine, &write, id.as_str(), gate).unwrap();
                    }
                }
            });
        }
        for number in 0..20 {
            stand.request(|document| document["id"] = json!(format!("c-{number}"))).unwrap();
            stand.approved(&format!("c-{number}"));
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// The names of streams hold the names of teams and products, which people choose.
#[test]
fn teams_with_slashes_in_their_names_share_nothing() {
    let stand = Stand::new();
    let ended = |team: &str, product: &str| {
        request(&stand, team, |document| document["product"]["id"] = json!(product)).unwrap();
        let driver = of(rita(), &[team]);
        stand.engine.make_move(&stand.by(&driver), "dep-1".into(), LifecycleMove::Abort, "r").unwrap();
    };
    ended("a", "b/shop");
    ended("a%2Fb", "shop");
    request(&stand, "a/b", |document| document["product"]["id"] = json!("shop")).unwrap();
    let seen = stand.engine.deployment(&of(rita(), &["a/b"]), "dep-1".into(), stand.now()).unwrap();
    assert_eq!((seen.summary.team.as_str(), seen.deployment.history.len()), ("a/b", 0));
    let all = stand.engine.deployment(&everybody(rita()), "dep-1".into(), stand.now());
    let Err(ServiceError::SeveralTeams { teams, .. }) = all else { panic!("{all:?}") };
    assert_eq!(teams, ["a", "a%2fb", "a/b"]);
}

#[test]
fn two_spellings_of_a_name_are_one_team() {
    let stand = Stand::new();
    request(&stand, "Caf\u{e9} Shop", |_| {}).unwrap();
    for spelling in ["caf\u{e9} shop", " CAFE\u{301} SHOP "] {
        let again = request(&stand, spelling, |_| {});
        assert!(matches!(again, Err(ServiceError::Exists { .. })), "{again:?}");
        let actor = of(rita(), &[spelling]);
        let seen = stand.engine.deployment(&actor, "dep-1".into(), stand.now()).unwrap();
        assert_eq!(seen.summary.team, "caf\u{e9} shop");
    }
}
