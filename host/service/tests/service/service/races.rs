//! Two who want the same at the same time, and one who asks twice.

use std::sync::Barrier;
use std::thread;

use lockgate_domain::{Phase, Stage};
use lockgate_service::{IfMatch, ServiceError, WriteContext};
use serde_json::json;

use crate::service::stand::{Stand, gate, open, pass, rita};

#[test]
fn of_two_pipelines_that_race_for_a_gate_one_passes() {
    let stand = Stand::new();
    let model = || crate::gate_support::load(&["four-eyes", "canary"], crate::service::stand::MODEL);
    let engines = [open(&stand.folder, vec![model()]), open(&stand.folder, vec![model()])];
    for round in 0..20 {
        let id = format!("dep-{round}");
        stand.request(|document| document["id"] = json!(id)).unwrap();
        let barrier = Barrier::new(2);
        let now = stand.now();
        let passed: Vec<bool> = thread::scope(|scope| {
            let racers = engines.each_ref().map(|engine| {
                scope.spawn(|| {
                    let actor = rita();
                    barrier.wait();
                    let write = WriteContext { actor: &actor, now, key: None, if_match: None, credential: None };
                    let entrance = gate(Stage::PlanAndApprove, Phase::Entrance);
                    match pass(engine, &write, id.as_str(), entrance) {
                        Ok(written) => written.value.passed,
                        Err(ServiceError::Illegal(_)) => false,
                        Err(other) => panic!("{other}"),
                    }
                })
            });
            racers.map(|racer| racer.join().unwrap()).to_vec()
        });
        assert_eq!(passed.iter().filter(|passed| **passed).count(), 1, "{passed:?}");
        assert_eq!(stand.view(&id).passed.len(), 1);
    }
}

#[test]
fn the_same_request_under_the_same_key_is_done_once_and_answered_twice() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let actor = rita();
    let entrance = gate(Stage::PlanAndApprove, Phase::Entrance);
    let pass = |gate| {
        let write = WriteContext { key: Some("run-7"), ..stand.by(&actor) };
        pass(&stand.engine, &write, "dep-1", gate)
    };
    let first = pass(entrance).unwrap();
    let second = pass(entrance).unwrap();
    assert_eq!((first.repeated, second.repeated), (false, true));
    assert_eq!((second.value, second.version), (first.value, 2));
    let other = pass(gate(Stage::PlanAndApprove, Phase::Exit));
    assert!(
        matches!(other, Err(ServiceError::Ledger(lockgate_ledger::Error::KeyReused { .. }))),
        "another request under the same key: {other:?}"
    );
}

#[test]
fn a_write_that_rests_on_an_old_version_is_refused() {
    let stand = Stand::new();
    let version = stand.request(|_| {}).unwrap().version;
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &json!({"labels": {"wave": "1"}})).unwrap();
    let actor = rita();
    let write = WriteContext { if_match: Some(IfMatch::Version(version)), ..stand.by(&actor) };
    let stale = stand.engine.revise(&write, "dep-1".into(), &json!({"labels": {"wave": "2"}}));
    assert!(matches!(stale, Err(ServiceError::VersionDiffers { expected: 1, actual: 2, .. })), "{stale:?}");
}
