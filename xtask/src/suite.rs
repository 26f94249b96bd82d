//! Every test there is, and one line that counts them.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};

use crate::dist::{self, Guests};
use crate::languages;
use crate::steps::{self, Steps};
use crate::tally::Tally;
use crate::tools;
use crate::wasm_c;
use crate::workspace::Workspace;

/// The version of cargo-nextest.
pub(crate) const NEXTEST: &str = "0.9.143";
/// What stands in the names of the tests that need a C compiler for WebAssembly, and in no others.
const IN_C: &str = "written_in_c";

/// Builds everything, runs every test, and prints the sum as the last line.
///
/// # Errors
/// Something cannot be built or started. Tests that fail are no error here: they are counted, and told by the code.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let mut steps = Steps::new(dist::STEPS + 8);
    // The network is slow, and needs no core. Where something cannot be built, nobody waits for it.
    let everywhere = workspace.clone();
    let fetching = thread::spawn(move || tools::fetch_for_tests(&everywhere));
    dist::assemble(workspace, &mut steps, Guests::WithHostile)?;
    steps.begin("waiting for the tools that make plugins of C, JavaScript and Python");
    let compiler = fetching.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    steps.begin("building the example policy in Rust, JavaScript and Python");
    let languages = languages::build(workspace)?;

    let mut runner = Runner::new(workspace)?;
    runner.found(wasm_c::VARIABLE, compiler, IN_C);
    for language in languages {
        runner.found(language.variable, language.component, language.in_names);
    }

    let mut tally = Tally::default();
    steps.begin("building the tests of the host");
    runner.build(workspace.cargo())?;
    steps.begin("testing the host");
    tally += runner.tests(workspace.cargo(), &[])?;
    steps.begin("testing the host's documentation");
    tally += runner.doctests(workspace.cargo())?;
    steps.begin("building the tests of the plugins");
    runner.build(workspace.plugins_cargo())?;
    steps.begin("testing the plugins, natively");
    tally += runner.tests(workspace.plugins_cargo(), &[])?;
    steps.begin("testing the plugins' documentation");
    tally += runner.doctests(workspace.plugins_cargo())?;
    steps.finish();

    let on_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let skipped_on_ci = on_ci && !runner.skipped.is_empty();
    if skipped_on_ci {
        eprintln!("error: a skipped test is a failure where CI=true");
    }
    println!("{tally}");
    Ok(if tally.failed > 0 || skipped_on_ci { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What runs the tests.
pub(crate) struct Runner {
    /// The folder of nextest before everything else on the path. None: `cargo test` runs the tests.
    nextest: Option<OsString>,
    /// What tests need from outside.
    environment: Vec<(&'static str, OsString)>,
    /// What stands in the names of the tests that cannot run here.
    skipped: Vec<&'static str>,
}

impl Runner {
    /// Runs tests by nextest, where that is installed.
    ///
    /// # Errors
    /// The folder of the tools cannot be written.
    pub(crate) fn new(workspace: &Workspace) -> Result<Self> {
        let nextest = tools::installed(workspace, "cargo-nextest", NEXTEST)?;
        if nextest.is_none() {
            eprintln!(
                "cargo-nextest is not here, so `cargo test` runs the tests, without limits on time and without a JUnit file: \
                 `cargo install --locked cargo-nextest` brings it"
            );
        }
        let nextest = nextest.map(|program| tools::path_with(&program));
        Ok(Self { nextest, environment: Vec::new(), skipped: Vec::new() })
    }

    /// Hands on what tests need, or leaves those tests out.
    fn found(&mut self, variable: &'static str, value: Option<impl Into<OsString>>, in_names: &'static str) {
        match value {
            Some(value) => self.environment.push((variable, value.into())),
            None => self.skipped.push(in_names),
        }
    }

    /// The command that runs the unit and integration tests of a workspace.
    fn command(&self, mut cargo: Command) -> Command {
        match &self.nextest {
            Some(path) => cargo.args(["nextest", "run"]).env("PATH", path),
            None => cargo.arg("test"),
        };
        cargo.args(["--workspace", "--lib", "--bins", "--tests"]);
        cargo
    }

    /// Builds the tests of one workspace, apart from running them, because cargo shows its progress only to a terminal.
    ///
    /// # Errors
    /// They cannot be built.
    pub(crate) fn build(&self, cargo: Command) -> Result<()> {
        steps::run(self.command(cargo).args(["--no-run", "--timings"]))
    }

    /// Runs the unit and integration tests of one workspace; of nextest's filters, all of `filters` have to hold.
    ///
    /// # Errors
    /// They cannot be run, or nextest is not here and there are filters.
    pub(crate) fn tests(&self, cargo: Command, filters: &[String]) -> Result<Tally> {
        let mut command = self.command(cargo);
        command.arg("--no-fail-fast").envs(self.environment.iter().map(|(variable, value)| (variable, value)));
        if self.nextest.is_none() {
            ensure!(filters.is_empty(), "tests are chosen by cargo-nextest, which is not installed");
            command.arg("--").args(self.skipped.iter().flat_map(|part| ["--skip", part]));
            return count(&mut command, Tally::of_cargo_test);
        }
        command.arg("--no-tests=pass");
        let others = self.skipped.iter().map(|part| format!("not test({part})"));
        let filters: Vec<String> = filters.iter().cloned().chain(others).collect();
        if !filters.is_empty() {
            command.args(["-E", &filters.join(" and ")]);
        }
        count(&mut command, Tally::of_nextest)
    }

    /// The examples in the documentation of one workspace.
    fn doctests(&self, mut cargo: Command) -> Result<Tally> {
        count(cargo.args(["test", "--workspace", "--doc", "--no-fail-fast"]), Tally::of_cargo_test)
    }
}

/// Reads the tally off a line that closes a run.
type Closing = fn(&str) -> Option<Tally>;

/// Runs `command`, shows what it prints, and counts.
fn count(command: &mut Command, closing: Closing) -> Result<Tally> {
    if steps::in_colour() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", steps::line(command)))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (printed, told) = thread::scope(|scope| {
        let printed = scope.spawn(|| pass_on(stdout, std::io::stdout(), closing));
        let told = pass_on(stderr, std::io::stderr(), closing);
        (printed.join().unwrap_or_default(), told)
    });
    let status = child.wait().with_context(|| format!("cannot wait for `{}`", steps::line(command)))?;

    let mut tally = printed;
    tally += told;
    if !status.success() && tally.failed == 0 {
        bail!("`{}` failed, though no test did: {status}", steps::line(command));
    }
    Ok(tally)
}

/// Copies each line, and adds up those that count.
fn pass_on(from: Option<impl Read>, mut to: impl Write, closing: Closing) -> Tally {
    let mut tally = Tally::default();
    let Some(from) = from else { return tally };
    for line in BufReader::new(from).split(b'\n').map_while(std::io::Result::ok) {
        // A closed terminal must not end the count.
        let _ = to.write_all(&line).and_then(|()| to.write_all(b"\n"));
        if let Some(counted) = closing(&String::from_utf8_lossy(&line)) {
            tally += counted;
        }
    }
    tally
}
