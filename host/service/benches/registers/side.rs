//! One side of the comparison: a ledger in a temporary folder, a service on it, and what its decisions cost.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use lockgate_domain::{
    CredentialKind, Digest, Gate, PersonId, Phase, Principal, RegisterKind, Sample, Stage, Teams, Verdict,
};
use lockgate_engine::LoadedModel;
use lockgate_engine::model::Source;
use lockgate_ledger::{KeyFile, SqliteOptions};
use lockgate_runtime::{Runtime, RuntimeConfig};
use lockgate_service::authority::Actor;
use lockgate_service::{
    DecisionOrigin, DeploymentRef, DeploymentService, GateAnswer, GatePurpose, GateRequest, Models, NewDeployment,
    Recordings, RegisterRef, WriteContext,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::entries::{deployment_id, kpi_id, team_of};

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

/// The model of `decide.rs`, with these demands of facts.
fn model(runtime: &Runtime, facts: &str) -> LoadedModel {
    let plugins = lockgate_tests::repository("target/lockgate/plugins");
    let digest = Digest::of(&std::fs::read(plugins.join("four-eyes.wasm")).expect("run `cargo xtask plugins` first"));
    let text = format!(
        "id = \"bench\"\nversion = \"1.0.0\"\ntitle = \"One plugin\"\n{facts}\
         [plugins.four-eyes]\n\
         component = \"four-eyes.wasm\"\ndigest = \"{digest}\"\n[[gates]]\nstage = \"plan-and-approve\"\n\
         phase = \"exit\"\n[[gates.bindings]]\nid = \"people\"\nplugin = \"four-eyes\"\n\
         enforcement = \"hard-mandatory\"\nsettings.required = [{{ role = \"change-authority\" }}]\n",
    );
    LoadedModel::load(runtime, &Source::new("model.toml", &text), &plugins).map(|ready| ready.model).unwrap()
}

pub(crate) fn runtime() -> Runtime {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins");
    Runtime::new(RuntimeConfig { cache: Some(cache), ..RuntimeConfig::default() }).unwrap()
}

/// Somebody for all teams.
pub(crate) fn actor(id: &str, roles: &[&str]) -> Actor {
    Actor {
        person: Principal {
            id: PersonId::new(id).unwrap(),
            name: String::new(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        },
        teams: Teams::All,
        scopes: None,
        credential: format!("token:{id}"),
        kind: CredentialKind::usual_for(roles),
    }
}

/// What some decisions took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) decisions: u64,
    /// CPU of the threads that decide, and of the ledger's threads, in nanoseconds.
    pub(crate) deciding: u64,
    pub(crate) ledger: u64,
    pub(crate) elapsed: Duration,
}

impl Cost {
    pub(crate) fn add(&mut self, other: Self) {
        self.decisions += other.decisions;
        self.deciding += other.deciding;
        self.ledger += other.ledger;
        self.elapsed += other.elapsed;
    }
}

pub(crate) struct Side {
    pub(crate) service: DeploymentService,
    folder: TempDir,
    decider: Arc<Actor>,
    monitoring: Actor,
    /// The numbers of the ledger's threads.
    threads: Vec<String>,
}

impl Side {
    /// An empty ledger, and a model with these demands of facts.
    pub(crate) fn new(runtime: &Runtime, facts: &str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let before = ledger_threads();
        let key = KeyFile::new(folder.path().join("ledger.key"));
        let ledger = key.open(&folder.path().join("ledger.db"), "bench", SqliteOptions::default()).unwrap();
        // Threads give themselves their names.
        thread::sleep(Duration::from_millis(100));
        let threads = ledger_threads().difference(&before).cloned().collect();
        let service =
            DeploymentService::new(Arc::new(ledger), Arc::new(One([model(runtime, facts)].into())), Recordings::Needed);
        let decider = Arc::new(actor("ci", &["pipeline"]));
        let monitoring = actor("monitoring", &["operations-manager"]);
        Self { service, folder, decider, monitoring, threads }
    }

    pub(crate) fn write<'a>(&self, actor: &'a Actor) -> WriteContext<'a> {
        WriteContext { actor, now: self.service.now(), key: None, if_match: None, credential: None }
    }

    /// Requests a deployment of a product, and approves it.
    pub(crate) fn request(&self, product: usize, deployment: Value) {
        let team = team_of(product);
        let new = NewDeployment { team: Some(team.clone()), deployment };
        let requester = actor("ada@example.org", &["release-manager", "pipeline"]);
        let view = self.service.request(&self.write(&requester), &new).unwrap().value;
        let authority = actor("bo@example.org", &["change-authority"]);
        let approval = json!({"role": "change-authority", "answer": "approved", "subject": view.subject});
        let id = deployment_id(product);
        let at = DeploymentRef { id: &id, team: Some(&team) };
        self.service.approve(&self.write(&authority), at, &serde_json::from_value(approval).unwrap()).unwrap();
    }

    fn ask(&self, product: usize) -> GateRequest {
        GateRequest {
            actor: Arc::clone(&self.decider),
            deployment: deployment_id(product),
            team: Some(team_of(product)),
            gate: EXIT,
            purpose: GatePurpose::Ask,
            asked: DecisionOrigin { path: "bench".to_owned(), ..DecisionOrigin::default() },
            now: None,
            credential: None,
        }
    }

    fn decide_once(&self, request: GateRequest) {
        match self.service.gate_blocking(request).unwrap().answer {
            GateAnswer::Decision(decision) => assert_eq!(decision.verdict, Verdict::Allow, "{decision:?}"),
            other => panic!("{other:?}"),
        }
    }

    /// Makes that many decisions on threads, about that many deployments in turn.
    pub(crate) fn decide(&self, decisions: usize, threads: usize, deployments: usize) -> Cost {
        let (ready, each) = (Barrier::new(threads), decisions / threads);
        let requests: Vec<GateRequest> = (0..deployments).map(|product| self.ask(product)).collect();
        let (began, ledger) = (Instant::now(), self.ledger_cpu());
        let deciding = thread::scope(|scope| {
            let decide = |first: usize| {
                ready.wait();
                let before = own_cpu();
                for n in 0..each {
                    self.decide_once(requests[(first + n * threads) % deployments].clone());
                }
                own_cpu() - before
            };
            let workers: Vec<_> = (0..threads).map(|first| scope.spawn(move || decide(first))).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        let ledger = self.ledger_cpu() - ledger;
        Cost { decisions: (each * threads) as u64, deciding, ledger, elapsed: began.elapsed() }
    }

    /// Makes that many decisions about one product on this thread, each after `before`, whose CPU on this thread is not
    /// counted.
    pub(crate) fn decide_each_after(&self, decisions: usize, product: usize, before: impl Fn(usize)) -> Cost {
        let (began, ledger, request) = (Instant::now(), self.ledger_cpu(), self.ask(product));
        let mut deciding = 0;
        for n in 0..decisions {
            before(n);
            let cpu = own_cpu();
            self.decide_once(request.clone());
            deciding += own_cpu() - cpu;
        }
        Cost { decisions: decisions as u64, deciding, ledger: self.ledger_cpu() - ledger, elapsed: began.elapsed() }
    }

    /// Records a sample of an indicator of a product.
    pub(crate) fn record_sample(&self, product: usize, number: usize, value: f64) {
        let (id, team) = (kpi_id(product, number), team_of(product));
        let at = RegisterRef { register: RegisterKind::Kpis, id: &id, team: Some(&team), shared: false };
        let write = self.write(&self.monitoring);
        let new = lockgate_domain::NewSamples { samples: vec![Sample { at: write.now, value }] };
        self.service.record_samples(&write, &at, &new).unwrap();
    }

    /// The CPU that the ledger's threads have taken, in nanoseconds.
    pub(crate) fn ledger_cpu(&self) -> u64 {
        self.threads.iter().map(|thread| cpu_of(&format!("/proc/self/task/{thread}"))).sum()
    }

    /// The bytes of the ledger's file, with everything that was written ahead.
    pub(crate) fn bytes(&self) -> i64 {
        let connection = rusqlite::Connection::open(self.folder.path().join("ledger.db")).unwrap();
        let size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        connection.query_row(size, [], |row| row.get(0)).unwrap()
    }
}

/// The numbers of the threads of all ledgers in this process.
fn ledger_threads() -> BTreeSet<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap());
    let is_ledgers = |task: &std::fs::DirEntry| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("ledger"))
    };
    tasks.filter(is_ledgers).map(|task| task.file_name().into_string().unwrap()).collect()
}

/// How long a thread has run, in nanoseconds.
fn cpu_of(task: &str) -> u64 {
    let times = std::fs::read_to_string(format!("{task}/schedstat")).unwrap();
    times.split(' ').next().unwrap().parse().unwrap()
}

pub(crate) fn own_cpu() -> u64 {
    cpu_of("/proc/thread-self")
}
