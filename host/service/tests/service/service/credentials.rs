//! Writing with a credential that ends before the ledger takes the write.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lockgate_domain::{Phase, Stage};
use lockgate_service::authority::{Actor, CredentialCheck, CredentialEnded};
use lockgate_service::lifecycle::LifecycleMove;
use lockgate_service::{
    DeploymentService, NewDelegation, NewDeployment, NewEvidence, NewWaiver, ServiceError, WriteContext,
};
use serde_json::json;

use crate::gate_support::deployment;
use crate::service::stand::{Stand, ben, gate, pass_with, rita};

/// A credential, and how often it was asked.
#[derive(Debug, Default)]
struct Credential {
    has_ended: bool,
    asked: AtomicUsize,
}

impl CredentialCheck for Credential {
    fn was_accepted_lately(&self) -> Result<(), CredentialEnded> {
        Ok(())
    }

    fn still_accepted(&self) -> Result<(), CredentialEnded> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.has_ended {
            true => Err(CredentialEnded("it was revoked".into())),
            false => Ok(()),
        }
    }
}

/// How something is written with a credential, which is that of the write.
type Writing = fn(&DeploymentService, &WriteContext<'_>, &Arc<Credential>) -> Result<(), ServiceError>;

/// A write of each kind, and by whom, on a deployment that was asked for.
fn writes() -> Vec<(&'static str, Actor, Writing)> {
    let request: Writing = |engine, write, _| {
        let mut document = deployment();
        document["id"] = json!("dep-2");
        let new = NewDeployment { team: None, deployment: serde_json::from_value(document).unwrap() };
        engine.request(write, &new).map(drop)
    };
    let revise: Writing =
        |engine, write, _| engine.revise(write, "dep-1".into(), &json!({"plan": {"id": "plan-2"}})).map(drop);
    let attach: Writing =
        |engine, write, _| engine.attach(write, "dep-1".into(), NewEvidence::new("log", "text/plain", b"42")).map(drop);
    let pass: Writing = |engine, write, credential| {
        let entrance = gate(Stage::PlanAndApprove, Phase::Entrance);
        pass_with(engine, write, Some(credential.clone()), "dep-1", entrance).map(drop)
    };
    let abort: Writing =
        |engine, write, _| engine.make_move(write, "dep-1".into(), LifecycleMove::Abort, "not needed").map(drop);
    let waive: Writing = |engine, write, _| {
        let new = json!({"reason": "r", "ticket": "T-1", "scope": {"bindings": ["people"], "product": "shop"}, "expires": "2999-01-01T00:00:00Z"});
        engine.waive(write, &serde_json::from_value::<NewWaiver>(new).unwrap()).map(drop)
    };
    let delegate: Writing = |engine, write, _| {
        let new = json!({"to": "mia", "role": "change-authority", "expires": "2026-11-25T00:00:00Z", "reason": "r"});
        engine.delegate(write, &serde_json::from_value::<NewDelegation>(new).unwrap()).map(drop)
    };
    vec![
        ("request", rita(), request),
        ("revise", rita(), revise),
        ("attach", rita(), attach),
        ("pass", rita(), pass),
        ("abort", rita(), abort),
        ("waive", ben(), waive),
        ("delegate", ben(), delegate),
    ]
}

#[test]
fn nothing_is_written_with_a_credential_that_ended_meanwhile() {
    for (what, actor, writing) in writes() {
        let stand = Stand::new();
        stand.request(|_| {}).unwrap();
        let size = || stand.engine.storage().head().unwrap().size;
        let before = size();
        let ended = Arc::new(Credential { has_ended: true, ..Credential::default() });
        let write = WriteContext { credential: Some(&*ended), ..stand.by(&actor) };
        match writing(&stand.engine, &write, &ended) {
            Err(ServiceError::CredentialEnded(why)) => assert_eq!(why.to_string(), "it was revoked"),
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(size(), before, "{what}");

        let good = Arc::new(Credential::default());
        writing(&stand.engine, &WriteContext { credential: Some(&*good), ..stand.by(&actor) }, &good).unwrap();
        assert!(size() > before, "{what}");
        assert_eq!(good.asked.load(Ordering::SeqCst), 1, "{what}");
    }
}

#[test]
fn a_write_that_is_refused_leaves_no_snapshot_for_the_one_that_gets_its_version() {
    let ended = Credential { has_ended: true, ..Credential::default() };
    let requested = |title: &str| {
        let mut document = deployment();
        document["change"]["title"] = json!(title);
        NewDeployment { team: None, deployment: serde_json::from_value(document).unwrap() }
    };
    let stand = Stand::new();
    let rita = rita();
    let refused = WriteContext { credential: Some(&ended), ..stand.by(&rita) };
    assert!(stand.engine.request(&refused, &requested("refused")).is_err());
    let written = stand.engine.request(&stand.by(&rita), &requested("written")).unwrap();
    assert_eq!(written.value.deployment.change.title, "written");
    assert_eq!(stand.view("dep-1").deployment.change.title, "written");

    let plan = |id: &str| json!({"plan": {"id": id}});
    let refused = WriteContext { credential: Some(&ended), ..stand.by(&rita) };
    assert!(stand.engine.revise(&refused, "dep-1".into(), &plan("refused")).is_err());
    let written = stand.engine.revise(&stand.by(&rita), "dep-1".into(), &plan("written")).unwrap();
    let plan_of = |view: &lockgate_service::DeploymentView| view.deployment.plan.as_ref().unwrap().id.clone();
    assert_eq!(plan_of(&written.value), "written");
    assert_eq!(plan_of(&stand.view("dep-1")), "written");
}
