//! How far a long build is, and about how long it still takes.
//!
//! cargo counts crates, of which one takes a minute and a half and most take less than a second. Here each counts for
//! about as long as it takes to compile.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::built_twice;
use crate::steps;
use crate::workspace::Workspace;

/// About how many seconds of one core a crate takes, where that is more than [`OTHERS`]. Only their ratios matter.
const SECONDS: [(&str, f64); 19] = [
    ("cel", 21.0),
    ("cranelift-assembler-x64", 10.0),
    ("cranelift-codegen", 94.0),
    ("jiff", 7.0),
    ("jsonschema", 9.0),
    ("libsqlite3-sys", 36.0),
    ("lockgate", 10.0),
    ("lockgate-domain", 14.0),
    ("lockgate-engine", 45.0),
    ("lockgate-ledger", 12.0),
    ("lockgate-runtime", 40.0),
    ("lockgate-server", 34.0),
    ("lockgate-service", 22.0),
    ("rustls", 11.0),
    ("wasmparser", 21.0),
    ("wasmtime", 34.0),
    ("wasmtime-environ", 20.0),
    ("wasmtime-internal-cranelift", 18.0),
    ("zstd-sys", 16.0),
];
/// What every other crate counts for.
const OTHERS: f64 = 0.7;
/// How often a line is printed where there is no terminal.
const EVERY: Duration = Duration::from_secs(30);

/// The crates that one build selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// The command `lockgate`.
    Command,
    /// The fuzz targets.
    FuzzTargets,
    /// All crates of the host, with tests and benches.
    Everything,
}

impl Selection {
    pub(crate) const ALL: [Self; 3] = [Self::Command, Self::FuzzTargets, Self::Everything];

    /// What `cargo tree` and `cargo build` call it.
    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Command => &["-p", "lockgate"],
            Self::FuzzTargets => &["-p", "lockgate-fuzz", "-p", "lockgate", "--features", "lockgate-fuzz/libfuzzer"],
            Self::Everything => &["--workspace", "--features", "lockgate-fuzz/libfuzzer"],
        }
    }
}

/// Builds the selection by `cargo`, which is a `cargo build` of it, and shows how far it is. `afterwards` is about how many
/// seconds of one core are built after it. What was built of others' crates is noted for [`built_twice`].
///
/// # Errors
/// It cannot be started, or it fails.
pub(crate) fn build(workspace: &Workspace, selection: Selection, afterwards: f64, cargo: &mut Command) -> Result<()> {
    let mut build =
        BuildProgress::new(packages(workspace, selection)?.iter().map(|name| weight(name)).sum(), afterwards);
    cargo.args(selection.arguments()).args(["--quiet", "--message-format=json-render-diagnostics"]);
    let mut child =
        cargo.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start `{}`", steps::line(cargo)))?;
    let terminal = std::io::stderr().is_terminal();
    let (began, mut told) = (Instant::now(), Instant::now());
    let mut units = Vec::new();
    for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufReader::lines) {
        let line = line.context("cannot read what cargo says")?;
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        units.extend(built_twice::unit(&message));
        let Some(name) = build.finished(&message) else { continue };
        if terminal {
            eprint!("\r\x1b[2K      {} ({name})", build.told(began.elapsed()));
        } else if told.elapsed() >= EVERY {
            told = Instant::now();
            eprintln!("      {} ({name})", build.told(began.elapsed()));
        }
    }
    if terminal {
        eprint!("\r\x1b[2K");
    }
    let status = child.wait().with_context(|| format!("cannot wait for `{}`", steps::line(cargo)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", steps::line(cargo));
    }
    built_twice::note(workspace, selection, &units)
}

/// The crates that the selection is made of, by name and version.
fn packages(workspace: &Workspace, selection: Selection) -> Result<BTreeSet<String>> {
    let mut tree = workspace.cargo();
    tree.args(["tree", "--prefix", "none", "--no-dedupe", "--format", "{p}"]).args(selection.arguments());
    let edges = if selection == Selection::Everything { "normal,build,dev" } else { "normal,build" };
    let tree = steps::capture(tree.args(["-e", edges]))?;
    // `serde v1.0.229`, and for our own the folder behind it
    Ok(tree.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect())
}

fn weight(package: &str) -> f64 {
    let name = package.split(' ').next().unwrap_or_default();
    SECONDS.iter().find(|(known, _)| *known == name).map_or(OTHERS, |(_, seconds)| *seconds)
}

/// A build, as far as it is.
struct BuildProgress {
    /// What has to be compiled.
    all: f64,
    /// What was compiled so far.
    done: f64,
    /// The crates that count as done already: a crate with tests is compiled several times.
    counted: BTreeSet<String>,
    /// What is built after it.
    afterwards: f64,
}

impl BuildProgress {
    fn new(all: f64, afterwards: f64) -> Self {
        Self { all, done: 0.0, counted: BTreeSet::new(), afterwards }
    }

    /// Takes what cargo says of a crate. The name of the crate that was compiled, if one was.
    fn finished<'a>(&mut self, message: &'a Value) -> Option<&'a str> {
        let kind = message.pointer("/target/kind/0").and_then(Value::as_str);
        if message["reason"] != "compiler-artifact" || kind == Some("custom-build") {
            return None;
        }
        let name = package_name(message["package_id"].as_str()?);
        let weight = if self.counted.insert(name.to_owned()) { weight(name) } else { 0.0 };
        if message["fresh"] == true {
            self.all -= weight;
            return None;
        }
        self.done += weight;
        Some(name)
    }

    /// How far it is after that time.
    fn told(&self, elapsed: Duration) -> String {
        let all = self.all.max(self.done) + self.afterwards;
        let share = (self.done / all).clamp(0.0, 1.0);
        let left = elapsed.as_secs_f64() * (1.0 - share) / share;
        let left = if left >= 90.0 { format!("{:.0} min", left / 60.0) } else { format!("{left:.0} s") };
        format!("{:.0} %, about {left} left", share * 100.0)
    }
}

/// The name in a package id, such as `registry+https://…#serde@1.0.229` or `path+file:///…/host/cli#lockgate@0.1.0`.
fn package_name(id: &str) -> &str {
    let (source, name) = id.rsplit_once('#').unwrap_or(("", id));
    match name.split_once('@') {
        Some((name, _)) => name,
        // Where the folder is called as the crate, only the version stands behind it.
        None => source.rsplit('/').next().unwrap_or(name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn artifact(id: &str, kind: &str, fresh: bool) -> Value {
        json!({"reason": "compiler-artifact", "package_id": id, "target": {"kind": [kind]}, "fresh": fresh})
    }

    #[test]
    fn a_crate_counts_for_as_long_as_it_takes() {
        let mut build = BuildProgress::new(80.0, 20.0);
        assert_eq!(build.finished(&artifact("registry+x#cel@0.15.0", "lib", false)), Some("cel"));
        assert_eq!(build.finished(&artifact("registry+x#cel@0.15.0", "custom-build", false)), None);
        assert_eq!(build.told(Duration::from_secs(42)), "21 %, about 3 min left");
    }

    #[test]
    fn what_was_there_before_does_not_count() {
        let mut build = BuildProgress::new(46.0, 0.0);
        assert_eq!(build.finished(&artifact("registry+x#cel@0.15.0", "lib", true)), None);
        build.finished(&artifact("path+file:///here/host/engine#lockgate-engine@0.1.0", "lib", false));
        assert_eq!(build.told(Duration::from_secs(10)), "100 %, about 0 s left");
    }

    #[test]
    fn the_name_of_a_crate_is_in_its_id() {
        assert_eq!(package_name("registry+https://example.org/index#serde@1.0.229"), "serde");
        assert_eq!(package_name("path+file:///here/xtask#0.1.0"), "xtask");
    }
}
