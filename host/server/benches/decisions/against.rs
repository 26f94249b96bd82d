//! What a decision costs, beside what it costs in another build of this bench.
//!
//! Both servers run at once and are asked in turns, a short while each, so that what else happens on the machine hits both.
//! What is compared is the time that each computed for an answer, on all its threads, which a busy machine changes least.

use std::path::Path;
use std::time::Duration;

use crate::load::{Case, Load, Measured};
use crate::process::Served;

/// How long each server is asked in a turn.
const TURN: Duration = Duration::from_secs(5);

/// A server, and what was measured of it in each turn.
struct Contender {
    name: &'static str,
    served: Served,
    load: Load,
    computed_us: Vec<f64>,
    decisions: f64,
    ledger_bytes: u64,
}

impl Contender {
    fn new(name: &'static str, served: Served, load: Load) -> Self {
        let ledger_bytes = served.ledger_bytes();
        Self { name, served, load, computed_us: Vec::new(), decisions: 0.0, ledger_bytes }
    }

    fn turn(&mut self, case: Case, connections: u32) {
        let before = self.served.computed_us();
        let Measured { rate, failed, .. } = self.load.run(case, connections, TURN);
        assert_eq!(failed, 0, "{}: {failed} requests were not answered with 200", self.name);
        let decisions = rate * TURN.as_secs_f64();
        self.computed_us.push((self.served.computed_us() - before) / decisions);
        self.decisions += decisions;
    }

    fn row(&self) -> String {
        let bytes = (self.served.ledger_bytes() - self.ledger_bytes) as f64 / self.decisions;
        let (us, resident) = (median(&self.computed_us), self.served.resident_mib());
        format!("| {} | {us:.0} | {bytes:.0} | {resident:.0} | {:.0} |", self.name, self.decisions)
    }
}

/// Measures this build and, if there is one, another program for about that long.
pub(crate) fn run(other: Option<&Path>, case: Case, connections: u32, time: Duration) {
    let served = Served::start();
    let load = Load::new(&served.place);
    let mut contenders = Vec::new();
    if let Some(other) = other {
        let served = Served::start_program(other);
        let load = load.at(&served.place);
        contenders.push(Contender::new("the other build", served, load));
    }
    contenders.push(Contender::new("this build", served, load));
    let turns = (time.as_secs() / (TURN.as_secs() * contenders.len() as u64)).max(1);
    for contender in &mut contenders {
        // What is made once, for the first requests, is not measured.
        contender.turn(case, connections);
        contender.computed_us.clear();
    }
    for _ in 0..turns {
        for contender in &mut contenders {
            contender.turn(case, connections);
        }
    }
    println!("{case}, {connections} connections, {turns} turns of {} s each", TURN.as_secs());
    println!();
    println!(
        "| server | µs of CPU for an answer (median of the turns) | bytes of ledger for a decision | resident MiB | decisions |"
    );
    println!("|---|---:|---:|---:|---:|");
    contenders.iter().for_each(|contender| println!("{}", contender.row()));
    if let [other, this] = contenders.as_slice() {
        let ratios: Vec<f64> =
            this.computed_us.iter().zip(&other.computed_us).map(|(this, other)| this / other).collect();
        let bounds =
            ratios.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), ratio| (low.min(*ratio), high.max(*ratio)));
        println!();
        println!(
            "CPU for an answer, this build / the other: {:.2} ({:.2} to {:.2})",
            median(&ratios),
            bounds.0,
            bounds.1
        );
    }
}

/// The middle one; the greater of two.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
