//! What durability, the tree and the signature cost: appends to the ledger against rows in a bare SQLite table, one by
//! one and in sixteens, taking turns in the same run. Only the ratios mean something from one machine to another.
//!
//! `--decisions` prints instead what a decision costs: the CPU of each thread that has to do with it, and the room that it
//! takes. `--against <bench>` has the same bench of another build take turns, and prints the ratios.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a bench")]

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/ledger/decisions.rs"]
mod decisions;

use std::hint::black_box;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group};
use lockgate_domain::Timestamp;
use lockgate_ledger::note::SigningKey;
use lockgate_ledger::{Append, CommittedAppend, EntryDraft, Error, SqliteOptions, SqliteStorage, Storage as _};
use rusqlite::{Connection, TransactionBehavior, params};
use serde_json::{Value, json};

/// About what a decision of one plugin is: 1 KiB.
fn body() -> Value {
    let digest = format!("sha256:{}", "0".repeat(64));
    let receipt = json!({ "component": digest, "settings": digest, "function": "decide", "fuel": 12_345 });
    json!({ "verdict": "allow", "snapshot": digest, "subject": digest, "receipts": [receipt, "x".repeat(450)] })
}

fn append(n: u64) -> Append {
    let stream = format!("deployment/{}", n % 1000);
    let entry = EntryDraft::new(&stream, "decision", Timestamp::from_millis(0), &body()).unwrap();
    let entry = entry.with_id(&format!("decision-{n}")).unwrap();
    Append { entries: vec![entry], ..Append::default() }
}

/// A table with a number and the bytes, as durable as the ledger.
struct Bare(Connection);

impl Bare {
    fn open(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
                 CREATE TABLE rows (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);",
            )
            .unwrap();
        Self(connection)
    }

    fn insert(&mut self, many: u64) {
        let bytes = serde_json::to_vec(&body()).unwrap();
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        for _ in 0..many {
            let mut statement = transaction.prepare_cached("INSERT INTO rows (bytes) VALUES (?1)").unwrap();
            statement.execute(params![bytes]).unwrap();
        }
        transaction.commit().unwrap();
    }
}

struct Ledger(SqliteStorage, u64);

impl Ledger {
    fn open(path: &Path) -> Self {
        let key = SigningKey::generate("bench.example/ledger").unwrap();
        Self(SqliteStorage::open(path, key, SqliteOptions::default()).unwrap(), 0)
    }

    fn one(&mut self) {
        self.1 += 1;
        black_box(self.0.append(append(self.1)).unwrap());
    }

    /// This many appends, some of them in flight at any time: from as many callers, as far as the ledger can tell.
    fn at_once(&mut self, all: u64, in_flight: u64) {
        let (answer, answers) = mpsc::channel::<Result<CommittedAppend, Error>>();
        let answered = || drop(black_box(answers.recv().unwrap().unwrap()));
        for n in 0..all {
            if n >= in_flight {
                answered();
            }
            self.1 += 1;
            let answer = answer.clone();
            self.0.submit(append(self.1), Box::new(move |outcome| answer.send(outcome).unwrap()));
        }
        (0..all.min(in_flight)).for_each(|_| answered());
    }
}

/// How many rows and entries a second, of six things that take turns: bare rows and entries, in groups of 1, 16, 256.
fn rates(folder: &Path) -> [f64; 6] {
    let (mut bare, mut ledger) = (Bare::open(&folder.join("turns.db")), Ledger::open(&folder.join("turns-ledger.db")));
    let mut taken = [Duration::ZERO; 6];
    let mut counts = [0_u32; 6];
    for _ in 0..20 {
        for (which, (taken, count)) in taken.iter_mut().zip(&mut counts).enumerate() {
            let begun = Instant::now();
            let many = [1, 16, 256][which / 2];
            match which {
                1 => (0..10).for_each(|_| ledger.one()),
                0 | 2 | 4 => (0..10).for_each(|_| bare.insert(many)),
                _ => ledger.at_once(10 * many, many),
            }
            *count += 10 * many as u32;
            *taken += begun.elapsed();
        }
    }
    let mut rates = [0.0; 6];
    for ((rate, count), taken) in rates.iter_mut().zip(counts).zip(taken) {
        *rate = f64::from(count) / taken.as_secs_f64();
    }
    rates
}

fn appends(criterion: &mut Criterion) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (mut bare, mut ledger) =
        (Bare::open(&folder.path().join("bare.db")), Ledger::open(&folder.path().join("ledger.db")));
    let mut group = criterion.benchmark_group("append");
    group.sample_size(20).measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_millis(500));
    group.throughput(Throughput::Elements(1));
    group.bench_function("one/bare", |bencher| bencher.iter(|| bare.insert(1)));
    group.bench_function("one/ledger", |bencher| bencher.iter(|| ledger.one()));
    group.throughput(Throughput::Elements(16));
    group.bench_function("sixteen/bare", |bencher| bencher.iter(|| bare.insert(16)));
    group.bench_function("sixteen/ledger", |bencher| bencher.iter(|| ledger.at_once(16, 16)));
    group.finish();
    for (pair, many) in rates(folder.path()).chunks(2).zip([1, 16, 256]) {
        println!(
            "{many} in flight: {:.0} entries/s, {:.2} of {:.0} bare rows/s in transactions of {many}",
            pair[1],
            pair[1] / pair[0],
            pair[0]
        );
    }
}

/// What a decision costs.
#[derive(Clone, Copy, Default)]
struct Cost {
    /// CPU of those who hand decisions in, of the thread that writes, and of the one that empties the write-ahead file, in
    /// nanoseconds.
    submitting: u64,
    writing: u64,
    emptying: u64,
    /// Bytes of the file.
    bytes: u64,
}

/// How many decisions are counted in a turn.
const COUNTED: u64 = 10_000;

impl Cost {
    /// Writes decisions into a new ledger, with some in flight at any time.
    fn measure(in_flight: usize) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let path = folder.path().join("ledger.db");
        let mut ledger = Ledger::open(&path);
        let size = || {
            Connection::open(&path).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
            std::fs::metadata(&path).unwrap().len()
        };
        let decisions = |numbers: Range<u64>| numbers.map(decisions::decision).collect();
        ledger.decide(decisions(0..2000), in_flight);
        let counted = decisions(2000..2000 + COUNTED);
        let (bytes, before) = (size(), threads());
        ledger.decide(counted, in_flight);
        let after = threads();
        let each = |name: &str| {
            let cpu = |threads: &[(String, u64)]| -> u64 {
                threads.iter().filter(|(of, _)| of == name).map(|(_, cpu)| cpu).sum()
            };
            (cpu(&after) - cpu(&before)) / COUNTED
        };
        Self {
            submitting: each(&own_name()),
            writing: each("ledger"),
            emptying: each("ledger-wal"),
            bytes: (size() - bytes) / COUNTED,
        }
    }

    /// What another build of this bench measures.
    fn of_other(bench: &str, in_flight: usize) -> Self {
        let output = Command::new(bench).args(["--decisions", "--once", &in_flight.to_string()]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let mut numbers = text.split_whitespace().map(|number| number.parse().unwrap());
        let [submitting, writing, emptying, bytes] = std::array::from_fn(|_| numbers.next().unwrap());
        Self { submitting, writing, emptying, bytes }
    }

    fn columns(self) -> [u64; 5] {
        let Self { submitting, writing, emptying, bytes } = self;
        [submitting, writing, emptying, submitting + writing + emptying, bytes]
    }
}

impl Ledger {
    fn decide(&mut self, decisions: Vec<Append>, in_flight: usize) {
        let (answer, answers) = mpsc::channel::<Result<CommittedAppend, Error>>();
        let all = decisions.len();
        for (n, decision) in decisions.into_iter().enumerate() {
            if n >= in_flight {
                drop(black_box(answers.recv().unwrap().unwrap()));
            }
            let answer = answer.clone();
            self.0.submit(decision, Box::new(move |outcome| answer.send(outcome).unwrap()));
        }
        (0..all.min(in_flight)).for_each(|_| drop(black_box(answers.recv().unwrap().unwrap())));
    }
}

/// The threads of this process by name, and how long each has run, in nanoseconds.
fn threads() -> Vec<(String, u64)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).ok();
    let thread = |task: std::path::PathBuf| {
        let (name, times) = (read(task.join("comm"))?, read(task.join("schedstat"))?);
        Some((name.trim().to_owned(), times.split(' ').next()?.parse().ok()?))
    };
    tasks.filter_map(thread).collect()
}

fn own_name() -> String {
    std::fs::read_to_string("/proc/thread-self/comm").unwrap().trim().to_owned()
}

/// Prints what a decision costs, at several numbers in flight.
fn costs(arguments: &[String]) {
    if let Some(place) = arguments.iter().position(|argument| argument == "--once") {
        let columns = Cost::measure(arguments[place + 1].parse().unwrap()).columns();
        return println!("{} {} {} {}", columns[0], columns[1], columns[2], columns[4]);
    }
    let other =
        arguments.iter().position(|argument| argument == "--against").map(|place| arguments[place + 1].as_str());
    println!("| in flight | build | submitting ns | writing ns | emptying ns | together ns | bytes |");
    println!("|---:|---|---:|---:|---:|---:|---:|");
    for in_flight in [1, 4, 16, 64] {
        let turns = (0..5).map(|_| (Cost::measure(in_flight), other.map(|other| Cost::of_other(other, in_flight))));
        let turns: Vec<(Cost, Option<Cost>)> = turns.collect();
        let median = |costs: Vec<Cost>| -> [u64; 5] {
            std::array::from_fn(|column| {
                let mut values: Vec<u64> = costs.iter().map(|cost| cost.columns()[column]).collect();
                values.sort_unstable();
                values[values.len() / 2]
            })
        };
        let this = median(turns.iter().map(|(this, _)| *this).collect());
        let line = |build: &str, columns: [String; 5]| println!("| {in_flight} | {build} | {} |", columns.join(" | "));
        line("this", this.map(|value| value.to_string()));
        if other.is_some() {
            let other = median(turns.iter().filter_map(|(_, other)| *other).collect());
            line("other", other.map(|value| value.to_string()));
            let ratio = |column: usize| format!("{:.2}", this[column] as f64 / other[column] as f64);
            line("this ÷ other", std::array::from_fn(ratio));
        }
    }
}

criterion_group!(benches, appends);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--decisions") {
        return costs(&arguments);
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
