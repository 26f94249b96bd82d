//! Real plugins, real models, one deployment to change.

pub(crate) mod guests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use lockgate_domain::{Decision, Deployment, Digest, Gate, Phase, Snapshot, Stage};
use lockgate_engine::LoadedModel;
use lockgate_engine::model::{self, ModelFindings, Source};
use lockgate_runtime::{Runtime, RuntimeConfig};
use lockgate_tests::TOLD_FACTS;
use serde_json::{Value, json};

pub(crate) const EXIT: Gate = Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit };
pub(crate) const FULFILL: Gate = Gate { stage: Stage::Fulfill, phase: Phase::Entrance };

/// The tests share what they compile: each test is a process of its own, and compiling takes longer than deciding.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins");
    Runtime::new(RuntimeConfig { cache: Some(cache), ..RuntimeConfig::default() }).unwrap()
});

/// Where `cargo xtask dist` puts the bundled plugins.
pub(crate) fn plugins() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lockgate/plugins");
    assert!(folder.join("four-eyes.wasm").exists(), "the bundled plugins are not built: run `cargo xtask dist` first");
    folder.canonicalize().unwrap()
}

/// A model that declares these plugins, pinned, and goes on as given.
pub(crate) fn model_text(names: &[&str], rest: &str) -> String {
    let mut text = "id = \"shop\"\nversion = \"1.0.0\"\ntitle = \"Shop\"\n".to_owned();
    // What comes before the first table belongs to the model itself.
    let mut lines = rest.split_inclusive('\n');
    let head_lines = lines.by_ref().take_while(|line| !line.trim_start().starts_with('['));
    let (head, tables) = rest.split_at(head_lines.map(str::len).sum());
    text.push_str(head);
    // The deployment is for a live environment, and nobody keeps registers here.
    if !rest.contains("facts") {
        text.push_str(TOLD_FACTS);
    }
    for name in names {
        let digest = Digest::of(&std::fs::read(plugins().join(format!("{name}.wasm"))).unwrap());
        text.push_str(&format!("[plugins.{name}]\ncomponent = \"{name}.wasm\"\ndigest = \"{digest}\"\n"));
    }
    text.push_str(tables);
    text
}

pub(crate) fn try_load(text: &str) -> Result<LoadedModel, (Source, ModelFindings)> {
    let source = Source::new("model.toml", text);
    LoadedModel::load(&RUNTIME, &source, &plugins()).map(|ready| ready.model).map_err(|findings| (source, findings))
}

pub(crate) fn load(names: &[&str], rest: &str) -> LoadedModel {
    try_load(&model_text(names, rest))
        .unwrap_or_else(|(source, findings)| panic!("{}", findings.render(&source, false)))
}

/// What is wrong with a model: code, line, message.
pub(crate) fn wrong(text: &str) -> Vec<(&'static str, usize, String)> {
    match try_load(text) {
        Ok(_) => Vec::new(),
        Err((source, findings)) => {
            let errors =
                findings.located(&source).into_iter().filter(|found| found.severity == model::FindingSeverity::Error);
            errors.map(|found| (found.code, found.line, found.message)).collect()
        }
    }
}

pub(crate) fn deployment() -> Value {
    json!({
        "id": "dep-1",
        "scenario": "new-version",
        "requester": {"id": "rita", "roles": ["developer"]},
        "product": {"id": "shop"},
        "release": {
            "id": "shop-2", "name": "Shop 2", "version": "2.0.0", "status": "published",
            "components": [{"name": "shop", "kind": "software", "version": "2.0.0", "digest": Digest::of(b"shop 2")}],
            "knowledge_items": [{"id": "K-1", "title": "How to run it", "status": "published", "author": "rita"}]
        },
        "environment": {"name": "live", "kind": "live", "control": "full"},
        "change": {
            "id": "CHG-1", "title": "Shop 2", "category": "normal", "approval": "approved", "risk": "low",
            "releases": ["shop-2"]
        },
        "plan": {
            "id": "plan-1", "point_of_no_return": "replace-stable",
            "way_back": {"kind": "last-known-good", "release": "shop-1"}
        }
    })
}

/// An approval of what the model would have approved.
pub(crate) fn approve(model: &LoadedModel, deployment: &mut Value, person: &str, role: &str) {
    let subject = snapshot(model, EXIT, deployment.clone()).subject;
    if deployment.get("approvals").is_none() {
        deployment["approvals"] = json!([]);
    }
    let approvals = deployment["approvals"].as_array_mut().unwrap();
    approvals.push(json!({
        "id": format!("a-{}", approvals.len()), "person": {"id": person, "roles": [role]}, "role": role,
        "answer": "approved", "at": "2026-11-24T12:00:00Z", "subject": subject
    }));
}

pub(crate) fn snapshot(model: &LoadedModel, gate: Gate, deployment: Value) -> Arc<Snapshot> {
    let deployment: Deployment = serde_json::from_value(deployment).unwrap();
    let now = "2026-11-24T20:30:00Z".parse().unwrap();
    Arc::new(model.snapshot(deployment, gate, now, BTreeMap::new()).unwrap())
}

pub(crate) fn decide(model: &LoadedModel, gate: Gate, deployment: Value) -> Decision {
    model.evaluate(&snapshot(model, gate, deployment), "it is the only one").unwrap()
}

/// The codes of the reasons that stand in the way.
pub(crate) fn blocking(decision: &Decision) -> Vec<&str> {
    decision.reasons.iter().filter(|reason| reason.blocking).map(|reason| reason.code.as_str()).collect()
}
