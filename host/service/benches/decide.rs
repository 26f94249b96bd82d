//! What one decision costs, part by part, on a deployment as large as those of the examples. Run with
//! `cargo bench -p lockgate-service --profile dev`, after `cargo xtask dist`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a benchmark"
)]
#![allow(missing_docs, reason = "criterion's macros")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use lockgate_domain::{
    CredentialKind, Deployment, Digest, Gate, Phase, Principal, Snapshot, Stage, Teams, Timestamp, canonical_json,
};
use lockgate_engine::LoadedModel;
use lockgate_engine::model::Source;
use lockgate_ledger::{EntryDraft, KeyFile, SqliteOptions};
use lockgate_runtime::{Runtime, RuntimeConfig};
use lockgate_service::authority::Actor;
use lockgate_service::{
    DecisionOrigin, DeploymentService, GatePurpose, GateRequest, Models, NewDeployment, Recordings, WriteContext,
};

const EXIT: Gate = Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit };

/// One model. It is always the same list: a snapshot is taken again when the models have changed.
struct One(Arc<[LoadedModel]>);

impl Models for One {
    fn current(&self) -> Arc<[LoadedModel]> {
        Arc::clone(&self.0)
    }

    fn by_digest(&self, digest: Digest) -> Option<LoadedModel> {
        self.0.iter().find(|model| model.digest() == digest).cloned()
    }
}

fn model() -> LoadedModel {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let plugins = root.join("target/lockgate/plugins");
    let digest = Digest::of(&std::fs::read(plugins.join("four-eyes.wasm")).expect("run `cargo xtask dist` first"));
    let text = format!(
        "id = \"bench\"\nversion = \"1.0.0\"\ntitle = \"One plugin\"\n{}\
         [plugins.four-eyes]\n\
         component = \"four-eyes.wasm\"\ndigest = \"{digest}\"\n[[gates]]\nstage = \"plan-and-approve\"\n\
         phase = \"exit\"\n[[gates.bindings]]\nid = \"people\"\nplugin = \"four-eyes\"\n\
         enforcement = \"hard-mandatory\"\nsettings.required = [{{ role = \"change-authority\" }}]\n",
        lockgate_tests::TOLD_FACTS
    );
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins");
    let runtime = Runtime::new(RuntimeConfig { cache: Some(cache), ..RuntimeConfig::default() }).unwrap();
    LoadedModel::load(&runtime, &Source::new("model.toml", &text), &plugins).map(|ready| ready.model).unwrap()
}

fn decide(criterion: &mut Criterion) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("examples/new-version/deployment.json")).unwrap();
    let mut deployment: Deployment = serde_json::from_str(&text).unwrap();
    deployment.approvals.clear();
    let model = model();
    let folder = tempfile::tempdir().unwrap();
    let key = KeyFile::new(folder.path().join("ledger.key"));
    let ledger = key.open(&folder.path().join("ledger.db"), "bench", SqliteOptions::default()).unwrap();
    let engine = DeploymentService::new(Arc::new(ledger), Arc::new(One([model.clone()].into())), Recordings::Needed);
    let actor = Actor {
        person: Principal {
            id: lockgate_domain::PersonId::new("ci").unwrap(),
            name: String::new(),
            roles: vec!["pipeline".to_owned()],
        },
        teams: Teams::Named(BTreeSet::from(["checkout".parse().unwrap()])),
        scopes: None,
        credential: "token:bench".to_owned(),
        kind: CredentialKind::Service,
    };
    let write = WriteContext { actor: &actor, now: Timestamp::now(), key: None, if_match: None, credential: None };
    let id = deployment.id.clone();
    engine.request(&write, &NewDeployment { team: None, deployment: serde_json::json!(deployment) }).unwrap();
    let request = GateRequest {
        actor: Arc::new(actor.clone()),
        deployment: id,
        team: None,
        gate: EXIT,
        purpose: GatePurpose::Look { passing: false },
        asked: DecisionOrigin { path: "bench".to_owned(), ..DecisionOrigin::default() },
        now: None,
        credential: None,
    };

    let mut group = criterion.benchmark_group("decide");
    group.bench_function("look: all but writing", |bencher| {
        bencher.iter(|| engine.gate_blocking(request.clone()).unwrap());
    });
    let snapshot =
        |deployment: Deployment| model.snapshot(deployment, EXIT, Timestamp::now(), BTreeMap::new()).unwrap();
    group.bench_function("take the snapshot", |bencher| bencher.iter(|| snapshot(deployment.clone())));
    let taken: Arc<Snapshot> = Arc::new(snapshot(deployment.clone()));
    group.bench_function("evaluate", |bencher| bencher.iter(|| model.evaluate(&taken, "it is the only one").unwrap()));
    group.bench_function("digest of the snapshot", |bencher| bencher.iter(|| taken.digest().unwrap()));
    group.bench_function("canonical JSON of the deployment", |bencher| {
        bencher.iter(|| canonical_json(&taken.deployment).unwrap());
    });
    let decision = model.evaluate(&taken, "it is the only one").unwrap();
    group.bench_function("entry of the decision", |bencher| {
        bencher.iter(|| EntryDraft::new("decisions/d", "decision", taken.now, &decision).unwrap());
    });
    group.bench_function("id of the decision", |bencher| {
        bencher.iter(|| lockgate_engine::decision_id(&decision).unwrap())
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default();
    targets = decide
}
criterion_main!(benches);
