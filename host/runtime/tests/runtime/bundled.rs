//! The bundled plugins, as they are shipped: run `cargo xtask dist` first.

use std::sync::Arc;

use crate::support::{bundled, runtime, snapshot};
use lockgate_domain::{
    Action, Answer, Approval, ApprovalAnswer, CheckOutcome, FailureKind, Kind, Need, Person, PolicyVerdict, Progress,
    Snapshot,
};
use lockgate_runtime::{Grants, Limits, LoadRequest, Plugin, Runtime, RuntimeConfig, StartUp};
use serde_json::{Value, json};

fn request(name: &str, settings: Value) -> LoadRequest {
    LoadRequest {
        component: bundled(name).into(),
        settings,
        grants: Grants { evidence: vec!["*".to_owned()], ..Grants::default() },
        limits: Limits::default(),
    }
}

fn four_eyes() -> LoadRequest {
    request("four-eyes", json!({ "required": [{ "role": "change-authority" }] }))
}

fn canary() -> LoadRequest {
    request("canary", json!({ "steps": [{ "weight": 10, "hold": "10m", "analyze": ["latency"] }] }))
}

/// Bob approves as change authority.
fn approved() -> Snapshot {
    let mut snapshot = snapshot();
    let role = "change-authority".to_owned();
    let bob = Person {
        id: lockgate_domain::PersonId::new("bob@example.com").unwrap(),
        kind: lockgate_domain::PersonKind::Person,
        roles: vec![role.clone()],
        team: None,
    };
    let at = "2026-11-21T09:00:00Z".parse().unwrap();
    let approval = Approval::new("approval-1", bob, role, ApprovalAnswer::Approved, at, snapshot.subject);
    Arc::make_mut(&mut snapshot.deployment).approvals.push(approval);
    snapshot
}

fn decided(plugin: &Plugin, snapshot: Snapshot) -> Answer {
    plugin.decide(&Arc::new(snapshot)).outcome.unwrap()
}

#[test]
fn each_is_what_it_says_and_starts_configured() {
    let plugins = [
        (four_eyes(), Kind::ApprovalPolicy),
        (request("change-window", json!({ "time-zone": "UTC" })), Kind::ApprovalPolicy),
        (request("component-integrity", json!({})), Kind::ValidationCheck),
        (request("release-readiness", json!({})), Kind::ValidationCheck),
        (request("sbom-policy", json!({ "denied-licences": ["AGPL-*"] })), Kind::ValidationCheck),
        (canary(), Kind::Strategy),
        (request("blue-green", json!({ "analyze": ["smoke"] })), Kind::Strategy),
    ];
    let runtime = runtime();
    for (request, kind) in plugins {
        let plugin = runtime.load(request).unwrap();
        let name = &plugin.description().name;
        assert_eq!(plugin.kinds(), [kind], "{name}");
        assert_eq!(plugin.start_up(), &StartUp::Frozen, "{name}");
    }
}

#[test]
fn four_eyes_asks_for_an_approval_and_takes_it() {
    let plugin = runtime().load(four_eyes()).unwrap();
    let answer = decided(&plugin, snapshot());
    assert_eq!(answer.verdict, PolicyVerdict::Require);
    let Need::Approvals(needed) = &answer.requirements[0].need else { panic!("{answer:?}") };
    assert_eq!((needed.roles.as_slice(), needed.missing), (["change-authority".to_owned()].as_slice(), 1));
    assert_eq!(needed.excluded, ["ann@example.com"]);
    assert_eq!(decided(&plugin, approved()).verdict, PolicyVerdict::Allow);
}

#[test]
fn frozen_or_configured_per_call_it_says_the_same() {
    let per_call = Runtime::new(RuntimeConfig { freeze: false, ..RuntimeConfig::default() }).unwrap();
    let (frozen, per_call) = (runtime().load(four_eyes()).unwrap(), per_call.load(four_eyes()).unwrap());
    for snapshot in [snapshot(), approved()].map(Arc::new) {
        assert_eq!(frozen.decide(&snapshot).outcome.unwrap(), per_call.decide(&snapshot).outcome.unwrap());
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_by_the_plugin_itself() {
    let error = runtime().load(request("four-eyes", json!({ "people": "two" }))).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("`/people`"), "{error}");
}

#[test]
fn asking_a_policy_for_a_report_is_a_mistake_that_is_told() {
    let plugin = runtime().load(four_eyes()).unwrap();
    let failure = plugin.check(&Arc::new(snapshot())).outcome.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ContractViolation);
    assert_eq!(failure.message, "`four-eyes` does not export `lockgate:check/check`");
}

#[test]
fn a_check_without_its_evidence_is_inconclusive() {
    let plugin = runtime().load(request("sbom-policy", json!({ "denied-licences": ["AGPL-*"] }))).unwrap();
    let evaluation = plugin.check(&Arc::new(snapshot()));
    assert_eq!(evaluation.outcome.unwrap().outcome, CheckOutcome::Inconclusive);
    assert_eq!(evaluation.receipt.function, "run");
}

#[test]
fn a_strategy_lays_out_the_way_and_takes_the_first_step() {
    let plugin = runtime().load(canary()).unwrap();
    let mut snapshot = snapshot();
    let rollout = plugin.plan(&Arc::new(snapshot.clone())).outcome.unwrap();
    let first = rollout.steps[0].id.clone();
    let failure = plugin.advance(&Arc::new(snapshot.clone())).outcome.unwrap_err();
    assert_eq!(failure.message, "no rollout is carried out, so there is no next action");
    Arc::make_mut(&mut snapshot.deployment).progress = Some(Progress::new(rollout.clone()));
    let action = plugin.advance(&Arc::new(snapshot.clone())).outcome.unwrap();
    assert_eq!(action, Action::Perform(vec![first]));
    // What is laid out does not depend on what was laid out before.
    assert_eq!(plugin.plan(&Arc::new(snapshot)).outcome.unwrap(), rollout);
}

#[test]
fn many_threads_get_the_same_answer_for_the_same_fuel() {
    // More threads than sandboxes.
    let plugin = runtime().load(four_eyes()).unwrap();
    let snapshot = Arc::new(approved());
    let alone = plugin.decide(&snapshot);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let evaluation = plugin.decide(&snapshot);
                    assert_eq!(evaluation.outcome, alone.outcome);
                    assert_eq!(evaluation.receipt.fuel, alone.receipt.fuel);
                }
            });
        }
    });
}
