//! The project's own build commands: `cargo xtask <command>`.
//!
//! What a contributor types, CI types too. Everything here calls `cargo` or the `lockgate` binary that was just
//! built; nothing about deployments is known here.

mod bench_http;
mod built_twice;
mod cache;
mod check;
mod compiler;
mod demo;
mod dictionary;
mod digest;
mod dist;
mod fuzz;
mod languages;
mod links;
mod lints;
mod long;
mod openapi;
mod parallel;
mod progress;
mod sbom;
mod steps;
mod suite;
mod tally;
mod tools;
mod tree;
mod wasm_c;
mod wasm_target;
mod workspace;

use std::process::ExitCode;

use dist::Guests;
use steps::Steps;
use workspace::Workspace;

const HELP: &str = "\
Usage: cargo xtask <command>

Commands:
  demo      Build everything, then take Lockgate's own release through the four stages
  test      Build everything, then run every test; the last line counts them
  check     All that has to hold besides the tests: formatting, lints, licences, advisories, fuzzing
  lint      The lints alone, of the host and of the plugins
  long      The tests that repeat, with their full counts; `long NAME` for one group of them
  fuzz      Fuzz each target of tests/fuzz, two minutes together; also `fuzz [--seconds N] [target…]`
  dist      Build everything and lay it out under target/lockgate, as a release archive holds it
  plugins   Build the bundled plugins into target/lockgate/plugins
  bench     Build everything, then run the benches of the runtime; what follows is handed to Criterion
  bench-http  Build everything, then put load on a server, and print a table. Options:
              --seconds N      How long each measurement takes (default 10)
              --connections N  One number of connections instead of 1, 16 and 256
              --soak N         Put load on the server for N seconds, and watch its memory
              --profile N      Only put load on it for N seconds, and print its process id, for a profiler
              --ways           Compare the kinds of thread that a decision may be computed on
              --hostile        Measure what attackers do to a good client
              --cost           Measure the CPU, the disk and the memory that one decision costs
              --against FILE   The same as --cost, beside FILE: this bench as another commit builds it
              --case NAME      What --profile and --cost ask: `one` (default), `each-time`, `three` or `sixteen`
  bench-ledger  Measure appends to a ledger; `--decisions` for the CPU and the disk of a decision, `--against <bench>` to compare
  bench-registers  Build the plugins, then measure what a decision costs with 100,000 entries of registers, and how fast an import is
  bench-hostile  Build everything, then measure a plugin beside each hostile guest; what follows names guests
  dictionary  Build everything, then train the dictionary of the ledger on generated traffic; `--replace` replaces the newest one
  schemas   Write the JSON Schemas of what `lockgate` reads and prints into docs/schemas
  openapi   Write the description of the endpoint and its tables of rights into docs; `--check <url>` checks a server against its own
  help      Print this

CONTRIBUTING.md says how long each takes.
";

fn main() -> ExitCode {
    if let Some(code) = compiler::compile() {
        return code;
    }
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    match execute(&command, &rest) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: &str, rest: &[String]) -> anyhow::Result<ExitCode> {
    if let ("check" | "demo" | "lint" | "test" | "dist" | "plugins" | "schemas", Some(extra)) = (command, rest.first())
    {
        anyhow::bail!("`cargo xtask {command}` takes no arguments, but was given `{extra}`");
    }
    let workspace = Workspace::here();
    match command {
        "demo" => demo::run(&workspace)?,
        "check" => return check::run(&workspace),
        "test" => return suite::run(&workspace),
        "dist" => {
            let mut steps = Steps::new(dist::STEPS);
            dist::assemble(&workspace, &mut steps, Guests::WithHostile)?;
            steps.finish();
        }
        "plugins" => dist::plugins(&workspace, &mut Steps::new(dist::PLUGIN_STEPS), Guests::Bundled)?,
        "lint" => {
            let mut steps = Steps::new(lints::STEPS);
            lints::run(&workspace, &mut steps)?;
            steps.finish();
        }
        "long" => return long::run(&workspace, rest),
        "fuzz" => return fuzz::run(&workspace, rest),
        "bench" => bench(&workspace, "lockgate-runtime", "evaluate", rest)?,
        "bench-http" => bench_http::run(&workspace, rest)?,
        "bench-ledger" => run_bench(&workspace, "lockgate-ledger", "append", rest)?,
        "bench-registers" => bench_registers(&workspace, rest)?,
        "bench-hostile" => bench(&workspace, "lockgate-tests", "victim", rest)?,
        "dictionary" => dictionary::run(&workspace, rest)?,
        "schemas" => dist::schemas(&workspace)?,
        "openapi" => openapi::run(&workspace, rest)?,
        "" | "help" | "--help" | "-h" => print!("{HELP}\n{}", long::help()),
        unknown => anyhow::bail!("there is no command `{unknown}`\n\n{HELP}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// The benches run in the profile that everything else is built in: there the dependencies, where the time goes, are
/// optimised, and the floor that they are held against is compiled alike.
fn bench(workspace: &Workspace, package: &str, bench: &str, arguments: &[String]) -> anyhow::Result<()> {
    let mut steps = Steps::new(dist::PLUGIN_STEPS + 1);
    dist::plugins(workspace, &mut steps, Guests::WithHostile)?;
    steps.begin("running the benches");
    run_bench(workspace, package, bench, arguments)
}

fn bench_registers(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    let mut steps = Steps::new(dist::PLUGIN_STEPS + 1);
    dist::plugins(workspace, &mut steps, Guests::Bundled)?;
    steps.begin("running the bench");
    steps::run(optimized_bench(workspace, "lockgate-service", "registers").args(arguments))
}

/// The command that runs a bench with our crates optimised as for a release. What they stand on is so already, and is
/// not built again.
fn optimized_bench(workspace: &Workspace, package: &str, bench: &str) -> std::process::Command {
    let mut command = workspace.cargo();
    command.args(["bench", "--profile", "dev"]);
    for library in ["domain", "engine", "ledger", "server", "service"] {
        command.arg("--config").arg(format!("profile.dev.package.lockgate-{library}.opt-level=3"));
    }
    command.args(["-p", package, "--bench", bench, "--"]);
    command
}

fn run_bench(workspace: &Workspace, package: &str, bench: &str, arguments: &[String]) -> anyhow::Result<()> {
    let mut command = workspace.cargo();
    command.args(["bench", "--profile", "dev", "-p", package, "--bench", bench, "--"]);
    steps::run(command.args(arguments))
}
