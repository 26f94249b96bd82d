//! Every test there is, and one line that counts them.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::dist;
use crate::languages;
use crate::steps::{self, Steps};
use crate::tally::Tally;
use crate::wasm_c;
use crate::workspace::Workspace;

/// What stands in the names of the tests that need a C compiler for WebAssembly, and in no others.
const IN_C: &str = "written_in_c";

/// Builds everything, runs every test, and prints the sum as the last line.
///
/// # Errors
/// Something cannot be built or started. Tests that fail are no error here: they are counted, and told by the code.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let mut steps = Steps::new(dist::STEPS + 6);
    dist::assemble(workspace, &mut steps)?;

    steps.begin("looking for a C compiler for WebAssembly");
    let compiler = wasm_c::find(workspace)?;
    steps.begin("building the example policy in Rust, JavaScript and Python");
    let languages = languages::build(workspace)?;

    let mut runner = Runner {
        nextest: steps::succeeds(workspace.cargo().args(["nextest", "--version"])),
        environment: Vec::new(),
        skipped: Vec::new(),
    };
    runner.found(wasm_c::VARIABLE, compiler, IN_C);
    for language in languages {
        runner.found(language.variable, language.component, language.in_names);
    }

    let mut tally = Tally::default();
    steps.begin("testing the host");
    tally += runner.tests(|| workspace.cargo())?;
    steps.begin("testing the host's documentation");
    tally += runner.doctests(|| workspace.cargo())?;
    steps.begin("testing the plugins, natively");
    tally += runner.tests(|| workspace.plugins_cargo())?;
    steps.begin("testing the plugins' documentation");
    tally += runner.doctests(|| workspace.plugins_cargo())?;

    let on_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let skipped_on_ci = on_ci && !runner.skipped.is_empty();
    if skipped_on_ci {
        eprintln!("error: a skipped test is a failure where CI=true");
    }
    println!("{tally}");
    Ok(if tally.failed > 0 || skipped_on_ci { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

struct Runner {
    nextest: bool,
    /// What tests need from outside.
    environment: Vec<(&'static str, OsString)>,
    /// What stands in the names of the tests that cannot run here.
    skipped: Vec<&'static str>,
}

impl Runner {
    /// Hands on what tests need, or leaves those tests out.
    fn found(&mut self, variable: &'static str, value: Option<impl Into<OsString>>, in_names: &'static str) {
        match value {
            Some(value) => self.environment.push((variable, value.into())),
            None => self.skipped.push(in_names),
        }
    }

    /// Unit and integration tests of one workspace.
    fn tests(&self, cargo: impl Fn() -> Command) -> Result<Tally> {
        let targets = ["--workspace", "--lib", "--bins", "--tests"];
        let mut command = cargo();
        if self.nextest {
            command.args(["nextest", "run"]);
        } else {
            command.arg("test");
        }
        // Built first and apart, because cargo shows its progress only to a terminal.
        let mut build = cargo();
        build.args(if self.nextest { ["nextest", "run"].as_slice() } else { &["test"] }).args(targets).arg("--no-run");
        steps::run(&mut build)?;

        command.args(targets).arg("--no-fail-fast");
        if self.nextest {
            command.arg("--no-tests=pass");
        }
        command.envs(self.environment.iter().map(|(variable, value)| (variable, value)));
        if self.nextest && !self.skipped.is_empty() {
            let others: Vec<String> = self.skipped.iter().map(|part| format!("not test({part})")).collect();
            command.args(["-E", &others.join(" and ")]);
        } else if !self.nextest {
            command.arg("--").args(self.skipped.iter().flat_map(|part| ["--skip", part]));
        }
        count(&mut command, if self.nextest { Tally::of_nextest } else { Tally::of_cargo_test })
    }

    /// The examples in the documentation of one workspace.
    fn doctests(&self, cargo: impl Fn() -> Command) -> Result<Tally> {
        count(cargo().args(["test", "--workspace", "--doc", "--no-fail-fast"]), Tally::of_cargo_test)
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
