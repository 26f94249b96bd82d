//! One decision of the bundled four-eyes policy, with every limit on, against wasmtime alone in the same run.
//!
//! `cargo xtask dist && cargo bench --profile dev -p lockgate-runtime` (the profile in which dependencies are compiled
//! once for everything, with optimisation). What counts are the ratios in the summary at the end: there the two sides
//! take turns, so that a machine that is busy is busy for both.

#![allow(missing_docs, unreachable_pub, clippy::expect_used, clippy::panic, reason = "a benchmark")]

mod floor;
mod methods;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::Criterion;
use floor::Floor;
use lockgate_domain::{Digest, PolicyVerdict, Snapshot};
use lockgate_runtime::{Grants, Limits, LoadRequest, Plugin, Runtime, RuntimeConfig};
use serde_json::json;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let subjects = Subjects::new();
    one_decision(&mut criterion, &subjects);
    loading(&mut criterion, &subjects);
    criterion.final_summary();
    // A profiler wants to see the one function that it was started for.
    if !std::env::args().any(|argument| argument == "--profile-time") {
        summary(&subjects);
        methods::compare(&subjects.runtime);
    }
}

/// What is measured.
struct Subjects {
    request: LoadRequest,
    runtime: Runtime,
    plugin: Plugin,
    per_call: Plugin,
    floor: Floor,
    snapshot: Arc<Snapshot>,
}

impl Subjects {
    fn new() -> Self {
        let request = LoadRequest {
            component: four_eyes().into(),
            settings: json!({ "required": [{ "role": "change-authority" }, { "role": "operations-manager" }] }),
            grants: Grants::default(),
            limits: Limits::default(),
        };
        let snapshot = Arc::new(snapshot());
        let runtime = Runtime::new(RuntimeConfig::default()).expect("a runtime");
        let plugin = runtime.load(request.clone()).expect("four-eyes loads");
        let unfrozen = Runtime::new(RuntimeConfig { freeze: false, ..RuntimeConfig::default() }).expect("a runtime");
        let per_call = unfrozen.load(request.clone()).expect("four-eyes loads");
        let frozen = runtime.freeze(&request).expect("four-eyes freezes").expect("it is frozen");
        let floor = Floor::new(&frozen, floor::answers(&snapshot)).expect("the floor");
        let answer = plugin.decide(&snapshot).outcome.expect("it decides");
        assert!(matches!(answer.verdict, PolicyVerdict::Allow), "{answer:?}");
        floor.start().expect("it starts").decide().expect("it decides");
        Self { request, runtime, plugin, per_call, floor, snapshot }
    }

    fn raw(&self) {
        black_box(self.floor.start().expect("it starts").decide().expect("it decides"));
    }

    fn lockgate(&self) {
        black_box(self.plugin.decide(&self.snapshot).outcome.expect("it decides"));
    }
}

fn one_decision(criterion: &mut Criterion, subjects: &Subjects) {
    let mut group = criterion.benchmark_group("decide");
    group.bench_function("floor: wasmtime alone, fresh instance", |bench| bench.iter(|| subjects.raw()));
    group.bench_function("lockgate: fresh sandbox, every limit", |bench| bench.iter(|| subjects.lockgate()));
    group.bench_function("lockgate: configured per call", |bench| {
        bench.iter(|| black_box(subjects.per_call.decide(&subjects.snapshot).outcome.expect("it decides")));
    });
    let mut reused = subjects.floor.start().expect("it starts");
    group.bench_function("wasmtime alone, reused instance", |bench| {
        bench.iter(|| black_box(reused.decide().expect("it decides")));
    });
    group.finish();
}

fn loading(criterion: &mut Criterion, subjects: &Subjects) {
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    group.bench_function("cold: instrument, configure, freeze, compile", |bench| {
        bench.iter(|| black_box(subjects.runtime.load(subjects.request.clone()).expect("it loads")));
    });
    let directory = tempfile::Builder::new().prefix("lockgate-bench").tempdir().expect("a directory");
    let cache = Some(directory.path().join("cache"));
    let cached = Runtime::new(RuntimeConfig { cache, ..RuntimeConfig::default() }).expect("a runtime");
    cached.load(subjects.request.clone()).expect("it loads");
    group.bench_function("from the sealed cache", |bench| {
        bench.iter(|| black_box(cached.load(subjects.request.clone()).expect("it loads")));
    });
    group.finish();
}

/// The ratios, with the sides taking turns.
fn summary(subjects: &Subjects) {
    let (raw, lockgate) = in_turns(|| subjects.raw(), || subjects.lockgate());
    println!("\none decision, median of rounds in which both sides take turns");
    println!("  wasmtime alone, fresh instance      {:>8.2} µs", micros(raw));
    println!("  lockgate, fresh sandbox, all limits {:>8.2} µs", micros(lockgate));
    println!("  ratio                               {:>8.3}   (goal: at most 1.25)", ratio(lockgate, raw));
    println!("\ndecisions per second on one thread and on two");
    let works: [(&str, &(dyn Fn() + Sync)); 2] =
        [("wasmtime alone", &|| subjects.raw()), ("lockgate", &|| subjects.lockgate())];
    for (name, work) in works {
        let (one, two) = (throughput(work, 1), throughput(work, 2));
        println!("  {name:<16} {one:>8.0} {two:>8.0}   {:.2} times as many", two / one);
    }
}

/// The median time of one call of each.
fn in_turns(mut one: impl FnMut(), mut other: impl FnMut()) -> (Duration, Duration) {
    const ROUNDS: usize = 400;
    const CALLS: u32 = 50;
    let timed = |work: &mut dyn FnMut()| {
        let began = Instant::now();
        (0..CALLS).for_each(|_| work());
        began.elapsed() / CALLS
    };
    let mut rounds: (Vec<Duration>, Vec<Duration>) = (0..ROUNDS).map(|_| (timed(&mut one), timed(&mut other))).unzip();
    (median(&mut rounds.0), median(&mut rounds.1))
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// How often per second it is done on that many threads.
fn throughput(work: &(dyn Fn() + Sync), threads: u32) -> f64 {
    const CALLS: u32 = 20_000;
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..CALLS).for_each(|_| work()));
        }
    });
    f64::from(CALLS * threads) / began.elapsed().as_secs_f64()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

/// The bundled policy, as it is shipped.
fn four_eyes() -> Vec<u8> {
    let plugins = std::env::var_os("LOCKGATE_PLUGINS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lockgate/plugins"), PathBuf::from);
    let path = plugins.join("four-eyes.wasm");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask dist` first", path.display()))
}

/// A deployment with the two approvals that four-eyes asks for.
fn snapshot() -> Snapshot {
    let subject = Digest::of(b"release, plan and model");
    let person = |id: &str, role: &str| json!({ "id": id, "roles": [role] });
    let approval = |id: &str, role: &str| {
        json!({
            "id": format!("approval-{id}"), "person": person(id, role), "role": role, "answer": "approved",
            "at": "2026-11-20T09:00:00Z", "subject": subject,
        })
    };
    let snapshot = json!({
        "id": "deployment-1",
        "scenario": "new-version",
        "requester": person("ann@example.com", "release-manager"),
        "product": { "id": "shop", "name": "Shop" },
        "release": {
            "id": "shop-2.1.0", "name": "Shop 2.1", "version": "2.1.0", "status": "published",
            "components": [{ "name": "shop", "kind": "software", "version": "2.1.0", "digest": subject }],
        },
        "environment": { "name": "production", "kind": "live", "control": "full" },
        "change": {
            "id": "CHG-1", "title": "Shop 2.1", "category": "normal", "approval": "approved", "risk": "medium",
            "window": { "start": "2026-11-24T20:00:00Z", "end": "2026-11-24T22:00:00Z" }, "releases": ["shop-2.1.0"],
        },
        "approvals": [
            approval("bob@example.com", "change-authority"), approval("eve@example.com", "operations-manager"),
        ],
        "gate": { "stage": "plan-and-approve", "phase": "exit" },
        "now": "2026-11-21T10:00:00Z",
        "subject": subject,
    });
    serde_json::from_value(snapshot).expect("a snapshot")
}
