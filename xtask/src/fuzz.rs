//! Fuzzing for a bounded time, with the compiler and the build of dependencies that everything else uses.
//!
//! Coverage is what a fuzzer steers by. Only our own crates need to report theirs, so only they are built again:
//! [`Wrapper::Coverage`] does that.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::compiler::Wrapper;
use crate::parallel;
use crate::progress::{self, Selection};
use crate::steps::{self, Steps};
use crate::workspace::{Workspace, folders_with};

/// What is fuzzed: the targets of `tests/fuzz`.
const TARGETS: [Target; 6] = [
    Target { name: "model", max_len: 8192, examples: Some("model.toml") },
    Target { name: "expression", max_len: 1024, examples: None },
    Target { name: "snapshot", max_len: 12 << 10, examples: Some("deployment.json") },
    Target { name: "admission", max_len: 16 << 10, examples: None },
    Target { name: "answers", max_len: 2048, examples: None },
    Target { name: "recording", max_len: 8192, examples: None },
];

/// How long all of them run together unless told otherwise, in seconds.
pub(crate) const SECONDS: u64 = 120;
/// How long one input may take, in seconds. A busy machine stays below it.
const TIMEOUT: u64 = 20;
/// How much memory a fuzzer may hold, in MiB, its whole corpus included.
const MEMORY: u64 = 2048;

struct Target {
    name: &'static str,
    /// The longest input that is tried, in bytes.
    max_len: usize,
    /// The files of the examples that are seeds, too.
    examples: Option<&'static str>,
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    seconds: u64,
    targets: Vec<String>,
}

/// How many steps [`all`] takes.
pub(crate) const STEPS: usize = 2;

/// Builds and runs the targets that the arguments choose, for the time that they say.
///
/// # Errors
/// The arguments are wrong, or something cannot be built or started. What the targets find is told by the code.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    let mut steps = Steps::new(STEPS);
    let found = fuzz_all(workspace, &mut steps, &Request::read(arguments)?)?;
    steps.finish();
    Ok(found)
}

/// Builds and runs all targets, for so many seconds together.
///
/// # Errors
/// As [`run`].
pub(crate) fn all(workspace: &Workspace, steps: &mut Steps, seconds: u64) -> Result<ExitCode> {
    fuzz_all(workspace, steps, &Request { seconds, targets: Vec::new() })
}

fn fuzz_all(workspace: &Workspace, steps: &mut Steps, request: &Request) -> Result<ExitCode> {
    let chosen: Vec<&Target> = TARGETS.iter().filter(|target| request.wants(target.name)).collect();
    let share = (request.seconds / chosen.len().max(1) as u64).max(1);
    steps.begin("building the fuzz targets");
    build(workspace)?;

    steps.begin(&format!("fuzzing, {share} s for each target, one on each core"));
    let found = parallel::each(&chosen, |target| {
        let report = fuzz(workspace, target, share);
        if let Ok(report) = &report {
            eprintln!("{}", report.text);
        }
        report
    });
    let mut broken = 0;
    for report in found {
        broken += usize::from(report?.broken);
    }
    if broken > 0 {
        eprintln!("error: {broken} of the fuzz targets found something");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// What came of one target.
struct Report {
    broken: bool,
    text: String,
}

impl Request {
    fn read(arguments: &[String]) -> Result<Self> {
        let mut request = Self { seconds: SECONDS, targets: Vec::new() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            if argument == "--seconds" {
                let value = arguments.next().map_or("", String::as_str);
                request.seconds = value.parse().ok().filter(|seconds| *seconds > 0).with_context(|| {
                    format!("`--seconds` takes a number above 0, for example `--seconds 3600`, and was given `{value}`")
                })?;
            } else if TARGETS.iter().any(|target| target.name == argument) {
                request.targets.push(argument.clone());
            } else {
                bail!(
                    "there is no fuzz target `{argument}`: there are {}",
                    TARGETS.map(|target| target.name).join(", ")
                );
            }
        }
        Ok(request)
    }

    fn wants(&self, target: &str) -> bool {
        self.targets.is_empty() || self.targets.iter().any(|wanted| wanted == target)
    }
}

fn build(workspace: &Workspace) -> Result<()> {
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    if !steps::succeeds(Command::new(&compiler).arg("--version")) {
        bail!(
            "`{}` cannot be run: the fuzzer is written in C++, so install a C++ compiler (`apt-get install g++`), or name \
             one in `CXX`",
            compiler.display()
        );
    }
    let mut build = workspace.cargo();
    Wrapper::Coverage.wrap(workspace, &mut build)?;
    // The command is selected, though not built, so that cargo builds shared dependencies with the same features.
    build.arg("build").args(TARGETS.iter().flat_map(|target| ["--bin", target.name]));
    progress::build(workspace, Selection::FuzzTargets, 0.0, &mut build)
}

/// Runs one target.
fn fuzz(workspace: &Workspace, target: &Target, seconds: u64) -> Result<Report> {
    let name = target.name;
    let found = workspace.target("fuzz/corpus").join(name);
    let broken = workspace.target("fuzz/broken").join(name);
    let examples = workspace.target("fuzz/examples").join(name);
    for folder in [&found, &broken, &examples] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    copy_examples(workspace, target, &examples)?;
    let committed = workspace.path("tests/fuzz/corpus").join(name);
    let dictionary = workspace.path("tests/fuzz/dictionaries").join(name).with_extension("dict");

    let binary = workspace.target("debug").join(name).with_extension(env::consts::EXE_EXTENSION);
    let mut fuzzer = Command::new(&binary);
    fuzzer
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={TIMEOUT}"))
        .arg(format!("-rss_limit_mb={MEMORY}"))
        .arg(format!("-max_len={}", target.max_len))
        .arg(format!("-dict={}", dictionary.display()))
        .arg(format!("-artifact_prefix={}/", broken.display()))
        .args(["-use_value_profile=1", "-reduce_inputs=1"])
        // What is found is written into the first folder; the others are only read.
        .args([&found, &committed, &examples]);
    let log = found.with_extension("log");
    let output = fs::File::create(&log).with_context(|| format!("cannot write `{}`", log.display()))?;
    let status = fuzzer
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        .status()
        .with_context(|| format!("cannot start `{}`", binary.display()))?;

    let told = fs::read(&log).with_context(|| format!("cannot read `{}`", log.display()))?;
    let told = String::from_utf8_lossy(&told);
    if status.success() {
        return Ok(Report { broken: false, text: format!("      {name}: {}", summary(&told)) });
    }
    let mut text: Vec<String> = told.lines().rev().take(60).map(str::to_owned).collect();
    text.reverse();
    text.push(match kept(&told) {
        Some(input) => format!(
            "error: `{name}` broke a promise ({status}); the input is kept: run it again with `{} {input}`, and put it \
             into `{}` once it is mended",
            binary.display(),
            committed.display(),
        ),
        None => format!("error: `{name}` ended early ({status}); all it said stands in `{}`", log.display()),
    });
    Ok(Report { broken: true, text: text.join("\n") })
}

/// The examples are what people begin with, and so are they for a fuzzer.
fn copy_examples(workspace: &Workspace, target: &Target, to: &Path) -> Result<()> {
    let Some(file) = target.examples else { return Ok(()) };
    for example in folders_with(&workspace.path("examples"), file)? {
        let copy = to.join(example.file_name().unwrap_or_default());
        fs::copy(example.join(file), &copy).with_context(|| format!("cannot write `{}`", copy.display()))?;
    }
    Ok(())
}

/// How much was tried, from what libFuzzer told.
fn summary(told: &str) -> String {
    let done = told.lines().rev().find_map(|line| line.strip_prefix("Done ")).unwrap_or("nothing was told");
    let covered = told.lines().rev().find_map(|line| {
        let mut words = line.split_whitespace().skip_while(|word| *word != "cov:");
        words.nth(1).map(str::to_owned)
    });
    match covered {
        Some(edges) => format!("{done}, {edges} edges of our code taken, nothing found"),
        None => format!("{done}, nothing found"),
    }
}

/// Where libFuzzer says that it kept the input.
fn kept(told: &str) -> Option<&str> {
    told.lines().rev().find_map(|line| line.split_once("Test unit written to ")).map(|(_, path)| path.trim())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn read(arguments: &[&str]) -> Result<Request> {
        Request::read(&arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn without_arguments_all_targets_share_two_minutes() {
        let request = read(&[]).unwrap();
        assert_eq!(request.seconds, 120);
        assert!(TARGETS.iter().all(|target| request.wants(target.name)));
    }

    #[test]
    fn targets_and_time_can_be_chosen() {
        let request = read(&["model", "--seconds", "3600"]).unwrap();
        assert_eq!(request.seconds, 3600);
        assert!(request.wants("model") && !request.wants("answers"));
    }

    #[test]
    fn what_is_no_target_or_no_time_is_refused() {
        assert!(read(&["models"]).unwrap_err().to_string().starts_with("there is no fuzz target `models`"));
        for wrong in ["0", "-1", "long"] {
            assert!(read(&["--seconds", wrong]).unwrap_err().to_string().ends_with(&format!("was given `{wrong}`")));
        }
        assert!(read(&["--seconds"]).is_err());
    }

    #[test]
    fn what_the_fuzzer_tells_is_summed_up() {
        let told = "#8\tINITED cov: 11 ft: 12 corp: 1/1b\n#90\tNEW    cov: 15 ft: 20\nDone 4096 runs in 25 second(s)\n";
        assert_eq!(summary(told), "4096 runs in 25 second(s), 15 edges of our code taken, nothing found");
    }

    #[test]
    fn the_input_that_broke_something_is_named() {
        let told = "==7== ERROR: libFuzzer: deadly signal\nartifact_prefix='a/'; Test unit written to a/crash-0f\nBase64: Cg==\n";
        assert_eq!(kept(told), Some("a/crash-0f"));
        assert_eq!(kept("Done 1 runs in 1 second(s)"), None);
    }

    /// The targets are written down in three places.
    #[test]
    fn every_target_has_a_binary_seeds_and_a_dictionary() {
        let workspace = Workspace::here();
        for target in &TARGETS {
            for place in ["fuzz_targets/{}.rs", "dictionaries/{}.dict", "corpus/{}"] {
                let place = workspace.path("tests/fuzz").join(place.replace("{}", target.name));
                assert!(place.exists(), "there is no `{}`", place.display());
            }
        }
        let binaries = fs::read_dir(workspace.path("tests/fuzz/fuzz_targets")).unwrap().count();
        assert_eq!(binaries, TARGETS.len());
    }
}
