//! What durability, the tree and the signature cost: appends to the ledger against rows in a bare SQLite table, one by
//! one and in sixteens, taking turns in the same run. Only the ratios mean something from one machine to another.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a bench")]

use std::hint::black_box;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lockgate_domain::Timestamp;
use lockgate_ledger::note::SigningKey;
use lockgate_ledger::{Append, Appended, Error, NewEntry, SqliteOptions, SqliteStorage, Storage as _};
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
    let entry = NewEntry::new(&stream, "decision", Timestamp::from_millis(0), &body()).unwrap();
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

    /// So many appends, of which some are in flight at any time: from as many callers, as far as the ledger can tell.
    fn at_once(&mut self, all: u64, in_flight: u64) {
        let (answer, answers) = mpsc::channel::<Result<Appended, Error>>();
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

criterion_group!(benches, appends);
criterion_main!(benches);
