//! What registers cost: decisions on a ledger with 100,000 entries of registers, into which 10,000 samples of
//! indicators a minute come in, against decisions on a ledger without any, taking turns in the same run. Also how many
//! entries a second an import writes, and how much room an entry takes.
//!
//! `cargo xtask bench-registers`. It measures the CPU of the threads that decide and of those of the ledger, per
//! decision. Samples are recorded on a thread of their own, whose CPU does not count; what they cost the ledger's
//! threads is measured in a phase with samples alone, and subtracted. The bench fails if a decision about one
//! deployment takes more than 1.3 × the CPU of one without registers. Decisions about many deployments, and decisions
//! that each find a new sample, are measured beside it. Only the ratios mean something from one machine to another.

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

mod entries;
mod side;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use lockgate_service::{ImportLine, RegisterScope};

use entries::{KPIS, PRODUCTS};
use side::{Cost, Side, own_cpu};

/// How many samples come in.
const SAMPLES_A_MINUTE: u32 = 10_000;
/// How long samples come in alone.
const ALONE: Duration = Duration::from_secs(10);
/// How many threads decide at the same time.
const DECIDERS: usize = 8;
/// How many decisions a side makes in a turn, and how many turns it has.
const DECISIONS: usize = 2_000;
const TURNS: usize = 8;
/// How many deployments there are, each of another product.
const DEPLOYMENTS: usize = 64;
/// How many decisions a side makes in a turn if each comes after a sample of its product.
const AFTER_SAMPLES: usize = 100;
/// The most lines of an import over HTTP.
const LINES: usize = 10_000;
/// How many times the CPU of a decision without registers one with them may take.
const GOAL: f64 = 1.3;

const FROM_REGISTERS: &str =
    "facts = { change.from = \"register\", environment.from = \"register\", instances.from = \"register\" }\n";

fn main() -> ExitCode {
    let runtime = side::runtime();
    let without = Side::new(&runtime, lockgate_tests::TOLD_FACTS);
    let with = Side::new(&runtime, FROM_REGISTERS);
    import(&with);
    for product in 0..DEPLOYMENTS {
        without.request(product, entries::told(product));
        with.request(product, entries::named(product));
    }
    let samples = Samples { side: &with, recorded: AtomicU64::new(0), ended: AtomicBool::new(false) };
    thread::scope(|scope| {
        scope.spawn(|| samples.come_in());
        let met = compare(&without, &with, &samples);
        samples.ended.store(true, SeqCst);
        match met {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    })
}

/// Imports the entries, and prints how fast that is and how much room they take.
fn import(with: &Side) {
    let attester = side::actor(
        "itsm",
        &[
            "change-authority",
            "operations-manager",
            "product-manager",
            "release-manager",
            "service-owner",
            "service-desk",
        ],
    );
    let (before, mut count, mut taken) = (with.bytes(), 0, Duration::ZERO);
    let (mut own, mut ledger) = (0, 0);
    for (register, team, entries) in entries::all(with.service.now()) {
        let scope = team.as_ref().map_or(RegisterScope::Shared, RegisterScope::Team);
        for lines in entries.chunks(LINES) {
            let lines = ImportLine::numbered(lines.iter().cloned());
            let (began, own_before, ledger_before) = (Instant::now(), own_cpu(), with.ledger_cpu());
            let report = with.service.import_entries(&with.write(&attester), register, scope, &lines).unwrap().value;
            taken += began.elapsed();
            own += own_cpu() - own_before;
            ledger += with.ledger_cpu() - ledger_before;
            assert_eq!(report.written, lines.len(), "{register}");
            count += lines.len();
        }
    }
    let (bytes, entries) = (with.bytes() - before, count as f64);
    println!(
        "import: {count} entries about {PRODUCTS} products, {:.0} a second; each takes {:.0} µs of CPU of the importing thread, {:.0} \
         of the ledger's,\nand {:.0} bytes of the ledger\n",
        entries / taken.as_secs_f64(),
        own as f64 / 1e3 / entries,
        ledger as f64 / 1e3 / entries,
        bytes as f64 / entries
    );
}

/// The samples that come in all the time.
struct Samples<'a> {
    side: &'a Side,
    recorded: AtomicU64,
    ended: AtomicBool,
}

impl Samples<'_> {
    /// Records samples of every indicator in turn, one in each request, until it has ended.
    fn come_in(&self) {
        let began = Instant::now();
        for n in 0.. {
            let due = began + Duration::from_mins(1) / SAMPLES_A_MINUTE * n;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if self.ended.load(SeqCst) {
                return;
            }
            let n = n as usize;
            self.side.record_sample(n % PRODUCTS, n / PRODUCTS % KPIS, n as f64);
            self.recorded.fetch_add(1, SeqCst);
        }
    }

    /// The CPU that a sample takes of the ledger's threads while nothing else is written, in nanoseconds.
    fn ledger_cpu_alone(&self) -> u64 {
        let (cpu, recorded) = (self.side.ledger_cpu(), self.recorded.load(SeqCst));
        thread::sleep(ALONE);
        (self.side.ledger_cpu() - cpu) / (self.recorded.load(SeqCst) - recorded)
    }
}

/// What decisions on both sides took, and what of it the samples took.
#[derive(Default)]
struct Compared {
    without: Cost,
    with: Cost,
    /// How many samples were recorded while the side with registers decided.
    samples: u64,
}

impl Compared {
    /// Has both sides take turns.
    fn measure(turns: usize, samples: &Samples<'_>, without: impl Fn() -> Cost, with: impl Fn() -> Cost) -> Self {
        // What has to be read for the first time.
        let _ = (without(), with());
        let mut compared = Self::default();
        for _ in 0..turns {
            compared.without.add(without());
            let before = samples.recorded.load(SeqCst);
            compared.with.add(with());
            compared.samples += samples.recorded.load(SeqCst) - before;
        }
        compared
    }

    /// Prints a line of the table. Returns the ratio that the goal is about. A sample takes `of_sample` of the ledger's
    /// threads.
    fn print(&self, what: &str, of_sample: u64) -> f64 {
        let each = |cost: Cost, cpu: u64| cpu as f64 / 1e3 / cost.decisions as f64;
        let (without, with) = (self.without, self.with);
        let alone = each(without, without.deciding + without.ledger);
        let whole = each(with, with.deciding + with.ledger);
        let net = whole - each(with, self.samples * of_sample);
        let speed = |cost: Cost| cost.decisions as f64 / cost.elapsed.as_secs_f64();
        println!(
            "| {what} | {:.0} + {:.0} = {alone:.0} | {:.0} + {:.0} = {net:.0} | {:.2} | {:.2} | {:.0} | {:.0} |",
            each(without, without.deciding),
            each(without, without.ledger),
            each(with, with.deciding),
            net - each(with, with.deciding),
            net / alone,
            whole / alone,
            speed(without),
            speed(with),
        );
        net / alone
    }
}

/// Prints what decisions cost on both sides. Says whether the goal is met.
fn compare(without: &Side, with: &Side, samples: &Samples<'_>) -> bool {
    let of_sample = samples.ledger_cpu_alone();
    println!(
        "CPU of a decision in µs, on the deciding thread + in the ledger. Meanwhile {SAMPLES_A_MINUTE} samples a minute come in; \
         recording one takes\n{:.0} µs in the ledger, measured alone, which `÷` subtracts and `÷ with samples` does not.\n",
        of_sample as f64 / 1e3
    );
    println!("| decisions | without registers | with | ÷ | ÷ with samples | a second without | with |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let decide = |side: &Side, deployments| side.decide(DECISIONS, DECIDERS, deployments);
    let one = Compared::measure(TURNS, samples, || decide(without, 1), || decide(with, 1));
    let one = one.print("about one deployment", of_sample);
    let many = Compared::measure(TURNS, samples, || decide(without, DEPLOYMENTS), || decide(with, DEPLOYMENTS));
    many.print(&format!("about {DEPLOYMENTS} deployments in turn"), of_sample);
    let sample = |n: usize| {
        with.record_sample(0, n % KPIS, n as f64);
        samples.recorded.fetch_add(1, SeqCst);
    };
    let after = Compared::measure(
        TURNS,
        samples,
        || without.decide_each_after(AFTER_SAMPLES, 0, |_| ()),
        || with.decide_each_after(AFTER_SAMPLES, 0, sample),
    );
    let deciding = |cost: Cost| cost.deciding as f64 / 1e3 / cost.decisions as f64;
    let (alone, taken) = (deciding(after.without), deciding(after.with));
    println!(
        "\nA decision before which a sample of its product has come in takes {taken:.0} µs of the deciding thread, where one \
         without registers\ntakes {alone:.0}: {:.2}",
        taken / alone
    );
    if one > GOAL {
        println!(
            "\nthe goal is missed: a decision about one deployment takes more than {GOAL} × the CPU of one without registers"
        );
    }
    one <= GOAL
}
