//! The same component, settings and snapshot give the same answer, log and fuel, byte for byte: on an engine that pools
//! its memory and on one that does not, with another clock, from many threads at once, and from a recording.

use std::sync::Arc;
use std::time::Duration;

use lockgate_domain::{Kind, Progress, Snapshot};
use lockgate_runtime::{
    Allocation, Grants, Limits, LoadRequest, Plugin, PluginFunction, PluginOutput, RecordedOutcome, Recording, Runtime,
    RuntimeConfig,
};
use lockgate_tests::{bundled, generate};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// Two runtimes that have nothing in common but what decides an answer.
fn runtimes() -> [Runtime; 2] {
    let pooled = RuntimeConfig { pool_size: 4, ..RuntimeConfig::default() };
    let other = RuntimeConfig {
        allocation: Allocation::OnDemand,
        tick: Duration::from_millis(1),
        compile_threads: 1,
        max_memory: 96 << 20,
        pool_size: 16,
        ..RuntimeConfig::default()
    };
    [pooled, other].map(|config| Runtime::new(config).unwrap())
}

fn load(runtime: &Runtime, name: &str, settings: &Value) -> Plugin {
    let all = || vec!["*".to_owned()];
    let grants = Grants { evidence: all(), facts: all(), ..Grants::default() };
    let request =
        LoadRequest { component: bundled(name).into(), settings: settings.clone(), grants, limits: Limits::default() };
    runtime.load(request).unwrap()
}

/// One recording of the plugin's first function; for a strategy, one of its second one as well.
fn record(plugin: &Plugin, snapshot: &Arc<Snapshot>) -> Vec<Recording> {
    let take = |call: PluginFunction, snapshot: &Arc<Snapshot>| {
        let evaluation = plugin.invocation(snapshot).ask(call);
        Recording::take(plugin, call, snapshot, &evaluation, None)
    };
    let call = match plugin.kinds() {
        [Kind::ApprovalPolicy, ..] => PluginFunction::Decide,
        [Kind::ValidationCheck, ..] => PluginFunction::Run,
        _ => PluginFunction::Plan,
    };
    let first = take(call, snapshot);
    let next = match &first.outcome {
        RecordedOutcome::Answered(PluginOutput::Rollout(rollout)) => {
            let mut begun = Snapshot::clone(snapshot);
            Arc::make_mut(&mut begun.deployment).progress = Some(Progress::new(rollout.clone()));
            Some(take(PluginFunction::Advance, &Arc::new(begun)))
        }
        _ => None,
    };
    std::iter::once(first).chain(next).collect()
}

/// Generates snapshots and demands the same everywhere.
fn is_deterministic(name: &str, settings: Value) {
    let [here, there] = runtimes().map(|runtime| load(&runtime, name, &settings));
    let mut runner = TestRunner::new(lockgate_repeat::Repeat::new(48, 2_400).property());
    let mut answers = 0_u32;
    let held = std::cell::RefCell::new(&mut answers);
    runner
        .run(&generate::snapshots(), |snapshot| {
            let snapshot = Arc::new(snapshot);
            let recorded = record(&here, &snapshot);
            let bytes: Vec<Vec<u8>> = recorded.iter().map(|recording| recording.encode().unwrap()).collect();

            let again: Vec<Vec<u8>> = record(&there, &snapshot).iter().map(|other| other.encode().unwrap()).collect();
            prop_assert_eq!(&bytes, &again, "the other engine records other bytes");

            std::thread::scope(|scope| {
                let replays = [&here, &there, &there, &here].map(|plugin| {
                    scope.spawn(|| {
                        bytes.iter().all(|bytes| {
                            let replayed = plugin.replay(&Recording::decode(bytes).unwrap()).unwrap();
                            replayed.same && replayed.same_fuel == Some(true)
                        })
                    })
                });
                replays.into_iter().all(|replay| replay.join().unwrap())
            })
            .then_some(())
            .ok_or_else(|| TestCaseError::fail("a replay differs"))?;
            **held.borrow_mut() +=
                recorded.iter().filter(|recording| matches!(recording.outcome, RecordedOutcome::Answered(_))).count()
                    as u32;
            Ok(())
        })
        .unwrap();
    assert!(answers >= 24, "only {answers} of the generated snapshots were answered at all");
}

macro_rules! deterministic {
    ($($test:ident: $plugin:literal, $settings:tt;)*) => {
        $(
            #[test]
            fn $test() {
                is_deterministic($plugin, json!($settings));
            }
        )*
    };
}

deterministic! {
    four_eyes_is_deterministic: "four-eyes", {
        "people": 2, "required": [{ "role": "change-authority" }], "by-risk": { "high": { "people": 3 } }, "max-age": "14d",
    };
    change_window_is_deterministic: "change-window", { "time-zone": "Europe/Berlin" };
    change_authorized_is_deterministic: "change-authorized", { "independent-approver": true };
    fulfillment_ready_is_deterministic: "fulfillment-ready", {
        "needed": [{ "kind": "cpu", "amount": 4, "unit": "1" }],
    };
    service_readiness_is_deterministic: "service-readiness", { "training": { "evidence": "sbom" } };
    stability_is_deterministic: "stability", {
        "stable-for": "1h", "objectives": [{ "kpi": "K", "budget": 0.1 }], "monitors": ["M"], "event-severity": "low",
        "contacts": { "most": 0 }, "advice": "back",
    };
    supplier_evidence_is_deterministic: "supplier-evidence", { "release-evidence": ["sbom"] };
    release_readiness_is_deterministic: "release-readiness", { "worst-open-defect": "low" };
    component_integrity_is_deterministic: "component-integrity", {
        "allowed-origins": ["git+https://github.com/lockgate/lockgate@*"],
    };
    instance_readiness_is_deterministic: "instance-readiness", {};
    sbom_policy_is_deterministic: "sbom-policy", {
        "denied-licences": ["AGPL-*", "GPL-*"], "require-component-match": true,
    };
    canary_is_deterministic: "canary", { "steps": [{ "weight": 10, "hold": "10m" }, { "weight": 50 }] };
    blue_green_is_deterministic: "blue-green", {};
}

#[test]
fn every_bundled_plugin_is_among_them() {
    let mut shipped: Vec<String> = std::fs::read_dir(lockgate_tests::tree("plugins"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    shipped.sort();
    let here = [
        "blue-green",
        "canary",
        "change-authorized",
        "change-window",
        "component-integrity",
        "four-eyes",
        "fulfillment-ready",
        "instance-readiness",
        "release-readiness",
        "sbom-policy",
        "service-readiness",
        "stability",
        "supplier-evidence",
    ];
    assert_eq!(shipped, here);
}
