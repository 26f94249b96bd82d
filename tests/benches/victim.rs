//! A well-behaved plugin beside each hostile guest: how much slower its decisions become, and that they stay the same.
//!
//! `cargo xtask bench-hostile`, with names of guests to measure only those. The victim, the bundled four-eyes policy,
//! decides again and again on one thread; the guest is let loose again and again on another, in the same runtime.
//! Quiet windows and loud ones take turns, so that a machine that is busy is busy for both, and what counts is the
//! median over the windows. The bench fails if a guest makes the 99th percentile of the victim more than twice what it
//! is without it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a benchmark")]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use lockgate_domain::{Answer, Snapshot};
use lockgate_runtime::{Evaluation, Grants, Limits, LoadRequest, Plugin, Runtime, RuntimeConfig};
use lockgate_tests::hostile::{Loud, corpus};
use lockgate_tests::{bundled, snapshot};
use serde_json::json;

/// How often the victim decides in a window.
const DECISIONS: usize = 1000;
/// How many windows of each kind.
const WINDOWS: usize = 11;
/// How often more is looked, and with how many windows, when a look says that the goal is missed: what was noise goes,
/// what was not stays.
const MORE_LOOKS: usize = 3;
const MORE_WINDOWS: usize = 41;
/// How many times slower the victim may become.
const GOAL: f64 = 2.0;

fn main() -> ExitCode {
    let only: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    // The guests that never get in do so within limits as small as those in the tests.
    let setup = Limits { fuel: 50_000_000, memory: 64 << 20, ..Limits::default() };
    let runtime = Runtime::new(RuntimeConfig { setup, ..RuntimeConfig::default() }).expect("a runtime");
    let victim = Victim::new(&runtime);
    let directory = tempfile::tempdir().expect("a directory");
    println!("{:<38} {:>9} {:>9} {:>9} {:>9} {:>6} {:>6}", "µs", "p50", "beside", "p99", "beside", "p50 ×", "p99 ×");
    let mut missed = Vec::new();
    let honest = Honest { runtime: runtime.clone(), request: four_eyes() };
    if only.is_empty() {
        missed.extend(victim.beside("(a load after the other)", &|| honest.load()));
    }
    for guest in corpus(|_| true).expect("the corpus") {
        if only.is_empty() || only.contains(&guest.name) {
            let loud: Loud = guest.loud(&runtime, directory.path()).expect("what it needs");
            missed.extend(victim.beside(&guest.name, &|| loud.run(&victim.snapshot)));
        }
    }
    if missed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("more than {GOAL} times slower beside: {}", missed.join(", "));
    ExitCode::FAILURE
}

/// Somebody who loads the victim's plugin anew again and again: nothing hostile, and as much to compile as there is.
struct Honest {
    runtime: Runtime,
    request: LoadRequest,
}

impl Honest {
    fn load(&self) {
        self.runtime.load(self.request.clone()).expect("it loads");
    }
}

struct Victim {
    plugin: Plugin,
    snapshot: Arc<Snapshot>,
    always: Evaluation<Answer>,
}

/// The median over some windows of a window's 50th and 99th percentile.
#[derive(Clone, Copy)]
struct Percentiles {
    p50: Duration,
    p99: Duration,
}

impl Victim {
    fn new(runtime: &Runtime) -> Self {
        let plugin = runtime.load(four_eyes()).expect("four-eyes loads");
        let snapshot = Arc::new(snapshot());
        let always = plugin.decide(&snapshot);
        assert!(always.outcome.is_ok(), "{always:?}");
        Self { plugin, snapshot, always }
    }

    /// Measures it alone and beside that work, and prints both. The name, if the goal is missed.
    fn beside(&self, name: &str, work: &(dyn Fn() + Sync)) -> Option<String> {
        let mut measured = self.measure(WINDOWS, work);
        for _ in 0..MORE_LOOKS {
            if ratio(measured.1.p99, measured.0.p99) > GOAL {
                measured = self.measure(MORE_WINDOWS, work);
            }
        }
        let (quiet, loud) = measured;
        let times = ratio(loud.p99, quiet.p99);
        println!(
            "{name:<38} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {:>6.2} {times:>6.2}",
            micros(quiet.p50),
            micros(loud.p50),
            micros(quiet.p99),
            micros(loud.p99),
            ratio(loud.p50, quiet.p50),
        );
        (times > GOAL).then(|| name.to_owned())
    }

    fn measure(&self, windows: usize, work: &(dyn Fn() + Sync)) -> (Percentiles, Percentiles) {
        let (loud, ended, runs) = (AtomicBool::new(false), AtomicBool::new(false), AtomicU64::new(0));
        thread::scope(|scope| {
            let worker = scope.spawn(|| {
                while !ended.load(SeqCst) {
                    if loud.load(SeqCst) {
                        runs.fetch_add(1, SeqCst);
                        work();
                        runs.fetch_add(1, SeqCst);
                    } else {
                        thread::park();
                    }
                }
            });
            let (mut alone, mut beside) = (Vec::new(), Vec::new());
            for _ in 0..windows {
                alone.push(self.window());
                let before = runs.load(SeqCst);
                loud.store(true, SeqCst);
                worker.thread().unpark();
                while runs.load(SeqCst) == before {
                    thread::yield_now();
                }
                beside.push(self.window());
                loud.store(false, SeqCst);
                // The run under way has to end before it is quiet.
                while runs.load(SeqCst) % 2 == 1 {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            ended.store(true, SeqCst);
            worker.thread().unpark();
            (median(&alone), median(&beside))
        })
    }

    /// Decides so many times, and demands the same answer each time.
    fn window(&self) -> Percentiles {
        let mut took: Vec<Duration> = (0..DECISIONS)
            .map(|_| {
                let began = Instant::now();
                let now = self.plugin.decide(&self.snapshot);
                let took = began.elapsed();
                assert_eq!(now.outcome, self.always.outcome, "the victim answers as always");
                assert_eq!(now.receipt.fuel, self.always.receipt.fuel, "with the same fuel");
                took
            })
            .collect();
        took.sort_unstable();
        Percentiles { p50: took[DECISIONS / 2], p99: took[DECISIONS * 99 / 100] }
    }
}

fn median(windows: &[Percentiles]) -> Percentiles {
    let middle = |of: fn(&Percentiles) -> Duration| {
        let mut all: Vec<Duration> = windows.iter().map(of).collect();
        all.sort_unstable();
        all[all.len() / 2]
    };
    Percentiles { p50: middle(|window| window.p50), p99: middle(|window| window.p99) }
}

fn four_eyes() -> LoadRequest {
    LoadRequest {
        component: bundled("four-eyes").into(),
        settings: json!({ "required": [{ "role": "change-authority" }] }),
        grants: Grants::default(),
        limits: Limits::default(),
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}
