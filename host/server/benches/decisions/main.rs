//! Decisions over HTTP: how many, how fast, and what they are held against.
//!
//! A server as it is shipped (tokens, limits, metrics, a durable and signed ledger on the disk) runs in a process of its
//! own, and `oha` asks it over sockets: a gate with one plugin, a gate with three, and, for comparison, a handler that
//! reads JSON and answers JSON and does nothing: once behind the same layers and credentials, and once on axum alone. All
//! of it runs on the same machine at the same time, the generator too, so only ratios mean something elsewhere.
//!
//! `cargo xtask bench-http` builds what it needs and runs it; `--seconds`, `--connections` and `--soak` are handed on.
//! `--hostile` measures what attackers do to a good client. `--cost` measures what one decision costs: CPU, disk and
//! memory; with `--against FILE` beside the program that another commit builds from this bench.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a bench"
)]

mod against;
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../../tests/server/decision_support/mod.rs"]
mod decision_support;
mod grouped;
mod hostile;
mod load;
mod process;
mod serve;
mod ways;

use std::path::PathBuf;
use std::time::Duration;

use load::{Case, Load, Measured};
use process::Served;

/// As in the command `lockgate`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is asked for.
struct Options {
    seconds: u64,
    connections: Vec<u32>,
    soak: Option<u64>,
    profile: Option<u64>,
    ways: bool,
    hostile: bool,
    cost: bool,
    /// The program of another build, to compare with.
    against: Option<PathBuf>,
    /// What `--profile` and `--cost` ask.
    case: Case,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            seconds: 10,
            connections: vec![1, 16, 256],
            soak: None,
            profile: None,
            ways: false,
            hostile: false,
            cost: false,
            against: None,
            case: Case::OnePlugin,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number = || arguments.next().and_then(|text| text.parse().ok()).expect("a number after the flag");
            match argument.as_str() {
                "--seconds" => options.seconds = number(),
                "--connections" => options.connections = vec![u32::try_from(number()).unwrap()],
                "--soak" => options.soak = Some(number()),
                // Load alone, for a profiler: it prints the process to look at.
                "--profile" => options.profile = Some(number()),
                "--ways" => options.ways = true,
                "--hostile" => options.hostile = true,
                "--cost" => options.cost = true,
                "--against" => {
                    options.cost = true;
                    options.against = Some(arguments.next().expect("a program after the flag").into());
                }
                "--case" => {
                    options.case = arguments.next().and_then(|name| Case::named(&name)).expect("a case after the flag")
                }
                // What `cargo bench` says to every bench.
                "--bench" => {}
                unknown => {
                    panic!(
                        "there is no flag `{unknown}`: there are --seconds, --connections, --soak, --profile, --ways, --hostile, --cost, --against, --case"
                    )
                }
            }
        }
        options
    }
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return serve::run();
    }
    let options = Options::read();
    if options.cost {
        let connections = options.connections.last().copied().filter(|_| options.connections.len() == 1).unwrap_or(16);
        let time = Duration::from_secs(options.seconds);
        return against::run(options.against.as_deref(), options.case, connections, time);
    }
    let served = Served::start();
    let load = Load::new(&served.place);
    if options.hostile {
        return hostile::run(&load, Duration::from_secs(options.seconds));
    }
    if options.ways {
        return ways(&load, &options);
    }
    match (options.soak, options.profile) {
        (Some(seconds), _) => soak(&served, &load, seconds),
        (None, Some(seconds)) => {
            println!("process {}", served.id());
            let connections = options.connections.last().copied().unwrap_or(16);
            let measured = load.run(options.case, connections, Duration::from_secs(seconds));
            println!("{:.0}/s, p99 {:.2} ms", measured.rate, measured.p99);
        }
        (None, None) => table(&served, &load, &options),
    }
}

/// Every case at every number of connections.
fn table(served: &Served, load: &Load, options: &Options) {
    let time = Duration::from_secs(options.seconds);
    println!("each {} s; the generator runs on the same cores", options.seconds);
    println!();
    println!(
        "| connections | what | answers/s | p50 ms | p99 ms | of the no-op | of the no-op behind the layers | server µs each | entries per commit | resident MiB |"
    );
    println!("|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for &connections in &options.connections {
        let mut rates = Vec::new();
        for case in Case::ALL {
            load.run(case, connections, Duration::from_secs(2.min(options.seconds)));
            let (before, computed) = (served.counts(), served.computed_us());
            let Measured { rate, p50, p99, failed } = load.run(case, connections, time);
            let groups = served.counts().since(before);
            let each = (served.computed_us() - computed) / (rate * time.as_secs_f64());
            rates.push(rate);
            let of = |place: usize| format!("{:.0} %", 100.0 * rate / rates[place]);
            let (bare, layered) = (of(0), if rates.len() > 1 { of(1) } else { "".to_owned() });
            println!(
                "| {connections} | {case} | {rate:.0} | {p50:.2} | {p99:.2} | {bare} | {layered} | {each:.0} | {} | {:.0} |",
                groups.map_or_else(String::new, |mean| format!("{mean:.1}")),
                served.resident_mib()
            );
            if case == Case::OnePlugin {
                println!("{}", at_half(load, connections, time, rate));
            }
            if failed > 0 {
                println!("{failed} requests were not answered with 200");
            }
            if let Some(phases) = served.phases().filter(|_| case.decides()) {
                println!("<!-- mean since the start, in microseconds: {phases} -->");
            }
        }
    }
}

/// A row: how long a decision takes where the server has time to spare, at half of the rate that it reaches.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
fn at_half(load: &Load, connections: u32, time: Duration, rate: f64) -> String {
    let half = (rate / 2.0).max(1.0) as u64;
    let Measured { rate, p50, p99, .. } = load.run_at(Case::OnePlugin, connections, time, Some(half));
    format!("| {connections} | one plugin, at half of that | {rate:.0} | {p50:.2} | {p99:.2} | | | | | |")
}

/// The same decision, computed on three kinds of thread.
fn ways(load: &Load, options: &Options) {
    println!("| connections | plugins | computed on | answers/s | p50 ms | p99 ms |");
    println!("|---:|---|---|---:|---:|---:|");
    for &connections in &options.connections {
        for plugins in ["one", "three"] {
            for way in ["inline", "blocking", "pool"] {
                let time = Duration::from_secs(options.seconds);
                let Measured { rate, p50, p99, .. } = load.run(Case::Way(way, plugins), connections, time);
                println!("| {connections} | {plugins} | {way} | {rate:.0} | {p50:.2} | {p99:.2} |");
            }
        }
    }
}

/// One case for long, and what is resident meanwhile.
fn soak(served: &Served, load: &Load, seconds: u64) {
    const EACH: u64 = 30;
    println!("| after s | answers/s | p99 ms | resident MiB |");
    println!("|---:|---:|---:|---:|");
    println!("| 0 | | | {:.0} |", served.resident_mib());
    for round in 1..=seconds.div_ceil(EACH) {
        let Measured { rate, p99, .. } = load.run(Case::OnePlugin, 16, Duration::from_secs(EACH));
        println!("| {} | {rate:.0} | {p99:.2} | {:.0} |", round * EACH, served.resident_mib());
    }
}
