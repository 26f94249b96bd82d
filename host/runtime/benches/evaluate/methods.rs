//! What each method of the snapshot costs the host, for a snapshot with little in it and for one with 1,000 items in each list.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_domain::Snapshot;
use lockgate_runtime::{Grants, Limits, LoadRequest, Plugin, Runtime};
use lockgate_tests::{Guest, Method, large, methods, snapshot};

/// The calls within one decision.
const CALLS: u32 = 20;

/// Prints a line for each method: nanoseconds for one call, as a multiple of what `id` takes, and fuel.
pub fn compare(runtime: &Runtime) {
    let (small, large) = (Arc::new(snapshot()), Arc::new(large()));
    let none = caller(runtime, None);
    let reference = methods().into_iter().find(|method| method.name == "id").expect("`id` is a method");
    let reference = caller(runtime, Some(&reference));
    println!("\none call of each method of the snapshot, as a multiple of what `id` takes for a small snapshot");
    println!(
        "{:<24} {:>9} {:>8} {:>9} {:>9} {:>9} {:>9}",
        "method", "small ns", "ratio", "fuel", "large ns", "ratio", "fuel"
    );
    // Once, and in more rounds: a unit that is measured wrongly makes every ratio wrong.
    let [nothing, id] = in_turns(100, [(&none, &small), (&reference, &small)]);
    let unit = id.time.saturating_sub(nothing.time).as_nanos().max(1) as f64;
    for method in methods() {
        let plugin = caller(runtime, Some(&method));
        let [nothing, few, many] = in_turns(6, [(&none, &small), (&plugin, &small), (&plugin, &large)]);
        let mut line = format!("{:<24}", method.name);
        for cost in [few, many] {
            let time = cost.time.saturating_sub(nothing.time).as_nanos() as f64;
            let fuel = cost.fuel.saturating_sub(nothing.fuel) / u64::from(CALLS);
            write!(line, " {:>9.0} {:>7.1}x {fuel:>9}", time / f64::from(CALLS), time / unit)
                .expect("a string takes it");
        }
        println!("{line}");
    }
}

/// A plugin that calls a method again and again, and forgets each time what it was told.
fn caller(runtime: &Runtime, method: Option<&Method>) -> Plugin {
    let [import, data, call] = match method {
        Some(Method { import, data, call, .. }) => [import.as_str(), data, call],
        None => [""; 3],
    };
    let decide = format!(
        "(local $n i32) (loop $on
            {call}
            (global.set $heap (i32.const 65536))
            (br_if $on (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {CALLS}))))"
    );
    let guest = Guest {
        world: "import lockgate:host/snapshot@0.2.0-rc.2; export lockgate:approval/policy@0.2.0-rc.2;",
        imports: import,
        fields: data,
        decide: &decide,
        ..Guest::default()
    };
    let all = || vec!["*".to_owned()];
    let facts = vec!["*".to_owned(), "fact:*".to_owned()];
    let grants = Grants { evidence: all(), facts, ..Grants::default() };
    // Every call is to be made, however much fuel it takes.
    let limits = Limits { fuel: u64::MAX / 2, wall_clock: Duration::from_secs(60), ..Limits::default() };
    runtime.load(LoadRequest { grants, limits, ..guest.request() }).expect("the plugin loads")
}

#[derive(Clone, Copy, Default)]
struct Cost {
    time: Duration,
    fuel: u64,
}

/// The least time of some rounds, in which all take turns, so that a machine that is busy is busy for all.
fn in_turns<const N: usize>(rounds: u32, subjects: [(&Plugin, &Arc<Snapshot>); N]) -> [Cost; N] {
    let mut least = [Cost { time: Duration::MAX, fuel: 0 }; N];
    for _ in 0..rounds {
        for ((plugin, snapshot), least) in subjects.iter().zip(&mut least) {
            let start = Instant::now();
            let evaluation = black_box(plugin.decide(snapshot));
            least.time = least.time.min(start.elapsed());
            least.fuel = evaluation.receipt.fuel;
            evaluation.outcome.expect("the plugin answers");
        }
    }
    least
}
