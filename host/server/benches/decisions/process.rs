//! The process with the server: started, looked at from outside, and ended.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::grouped::Counts;
use crate::serve::Place;

/// A server in a process of its own, until it is dropped.
pub(crate) struct Served {
    process: Child,
    pub(crate) place: Place,
}

impl Served {
    /// Starts this very program as a server.
    pub(crate) fn start() -> Self {
        Self::start_program(&std::env::current_exe().unwrap())
    }

    /// Starts this program as a server: this one, or what another commit builds from the same bench.
    pub(crate) fn start_program(program: &Path) -> Self {
        let mut command = Command::new(program);
        let mut process = command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let place = serde_json::from_str(&line).expect("the server did not start");
        Self { process, place }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// How much of it is in memory.
    pub(crate) fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
        kib.unwrap_or(f64::NAN) / 1024.0
    }

    /// How many bytes the files of its ledger take on the disk, without what is only there until it is written elsewhere
    /// (the write-ahead file).
    pub(crate) fn ledger_bytes(&self) -> u64 {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.id())).into_iter().flatten().flatten();
        let files: std::collections::BTreeSet<PathBuf> =
            open.filter_map(|file| std::fs::read_link(file.path()).ok()).collect();
        let databases = files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "db"));
        databases.filter_map(|path| std::fs::metadata(path).ok()).map(|metadata| metadata.len()).sum()
    }

    /// For how long it has computed, in microseconds, on all threads together. What others do on the machine is not in it.
    pub(crate) fn computed_us(&self) -> f64 {
        // Linux counts in hundredths of a second here, on every architecture.
        const TICK_US: f64 = 10_000.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        // What stands in parentheses is the name, and may hold blanks.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: Vec<f64> = fields.skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
        if ticks.len() == 2 { TICK_US * (ticks[0] + ticks[1]) } else { f64::NAN }
    }

    /// How much was written in how many groups.
    pub(crate) fn counts(&self) -> Counts {
        serde_json::from_str(&get(&format!("{}/counts", self.place.bare))).unwrap()
    }

    /// The mean of each phase of a decision.
    pub(crate) fn phases(&self) -> Option<String> {
        let text = get(&format!("{}/metrics", self.place.url));
        let mut found: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for line in text.lines() {
            let Some(rest) = line.strip_prefix("lockgate_decision_phase_duration_seconds_") else { continue };
            let Some((which, rest)) = rest.split_once("{phase=\"") else { continue };
            let Some((phase, value)) = rest.split_once("\"} ") else { continue };
            let value: f64 = value.split(' ').next()?.parse().ok()?;
            let entry = found.entry(phase).or_default();
            match which {
                "sum" => entry.0 = value,
                "count" => entry.1 = value,
                _ => {}
            }
        }
        let means = found.iter().map(|(phase, (sum, count))| format!("{phase} {:.0}", 1e6 * sum / count));
        Some(means.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It ends when there is nobody to talk to.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn get(address: &str) -> String {
    ureq::get(address).call().unwrap().body_mut().read_to_string().unwrap()
}
