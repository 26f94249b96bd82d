//! `cargo xtask check`: all that has to hold besides the tests. What fails fastest comes first.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Context as _, Result};

use crate::built_twice;
use crate::cache::{self, DependencyCache};
use crate::dist;
use crate::fuzz;
use crate::lints;
use crate::steps::{self, Steps};
use crate::suite;
use crate::tools;
use crate::workspace::Workspace;

/// The version of cargo-deny.
const DENY: &str = "0.20.2";
/// The platform for which no crate is built in two versions.
const BUILT_FOR: &str = "x86_64-unknown-linux-gnu";
/// The environment variable that names a plain copy of the advisory database.
const ADVISORIES: &str = "LOCKGATE_ADVISORIES";

/// Checks everything.
///
/// # Errors
/// Something does not hold, or cannot be found out.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let mut steps = Steps::new(lints::STEPS + fuzz::STEPS + 8);
    steps.begin("formatting");
    for mut cargo in [workspace.cargo(), workspace.plugins_cargo()] {
        steps::run(cargo.args(["fmt", "--all", "--check"]))?;
    }

    steps.begin("taking the dependencies that an earlier run built");
    let target = workspace.target("");
    let cache = if cache::is_used(&target)? { None } else { usable(DependencyCache::here(workspace)).flatten() };
    let restored = cache.as_ref().is_some_and(|cache| usable(cache.restore(&target)) == Some(true));
    eprintln!("      {}", if restored { "they are there" } else { "there are none: what is missing is built" });

    // The network is slow, and needs no core. Where a check fails, nobody waits for it.
    let everywhere = workspace.clone();
    let fetching = thread::spawn(move || tools::fetch_for_tests(&everywhere));
    deny(workspace, &mut steps)?;
    lints::run(workspace, &mut steps)?;
    steps.begin("building the command `lockgate`");
    dist::command(workspace)?;
    let fuzzed = fuzz::all(workspace, &mut steps, fuzz::SECONDS)?;
    steps.begin("no crate is built twice");
    built_twice::check(workspace)?;
    // What cannot be fetched is told by the tests that need it.
    if let Err(error) = fetching.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
        eprintln!("      {error:#}");
    }

    steps.begin("keeping the dependencies for the next run");
    match &cache {
        Some(cache) if !restored => {
            let mut theirs = cache::theirs(&workspace.path("Cargo.lock"))?;
            theirs.append(&mut cache::theirs(&workspace.path("plugins/Cargo.lock"))?);
            usable(cache.keep(&target, &theirs));
        }
        Some(_) => eprintln!("      they are kept already"),
        None => eprintln!("      not asked for, or this clone was built in before"),
    }
    steps.finish();
    Ok(fuzzed)
}

/// What the cache gave. A cache that cannot be used costs time and nothing else, so that is only printed.
fn usable<T>(result: Result<T>) -> Option<T> {
    result.inspect_err(|error| eprintln!("      warning: the cache cannot be used: {error:#}")).ok()
}

/// Licences, bans, sources and advisories, for both workspaces.
fn deny(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    steps.begin("installing cargo-deny and cargo-nextest, where they are missing");
    let path = tools::path_with(&tools::cargo_tool(workspace, "cargo-deny", DENY)?);
    tools::cargo_tool(workspace, "cargo-nextest", suite::NEXTEST)?;
    steps.begin("licences, bans and sources");
    let configuration = workspace.path("deny.toml");
    for_both(
        workspace,
        &path,
        &configuration,
        &[],
        &["-A", "duplicate", "-A", "unmatched-skip", "licenses", "bans", "sources"],
        &[],
    )?;
    for_both(workspace, &path, &configuration, &["--target", BUILT_FOR], &["-A", "unmatched-skip", "bans"], &[])?;

    steps.begin("advisories");
    match std::env::var_os(ADVISORIES).map(|folder| workspace.path("").join(folder)) {
        Some(folder) if folder.join("crates").is_dir() => {
            let copy = AdvisoryCopy::new(workspace, &folder)?;
            for_both(workspace, &path, &copy.configuration, &[], &["advisories"], &copy.environment())
        }
        _ => {
            eprintln!("      not checked: {ADVISORIES} names no copy of the advisory database");
            Ok(())
        }
    }
}

fn for_both(
    workspace: &Workspace,
    path: &OsString,
    configuration: &Path,
    graph: &[&str],
    what: &[&str],
    environment: &[(&str, String)],
) -> Result<()> {
    for manifest in ["Cargo.toml", "plugins/Cargo.toml"] {
        let mut deny = workspace.cargo();
        deny.env("PATH", path).envs(environment.iter().map(|(name, value)| (name, value)));
        deny.args(["deny", "--manifest-path"]).arg(workspace.path(manifest)).arg("--config").arg(configuration);
        deny.args(graph);
        steps::run(deny.args(["check", "--hide-inclusion-graph"]).args(what))?;
    }
    Ok(())
}

/// The advisory database as cargo-deny wants it. It clones a git repository, so one is made of a plain copy and put in the
/// place of the public one.
struct AdvisoryCopy {
    repository: PathBuf,
    configuration: PathBuf,
}

impl AdvisoryCopy {
    fn new(workspace: &Workspace, folder: &Path) -> Result<Self> {
        let place = workspace.target("advisories");
        let unwritable = || format!("cannot write `{}`", place.display());
        if place.exists() {
            fs::remove_dir_all(&place).with_context(unwritable)?;
        }
        let repository = place.join("source");
        dist::copy_tree(folder, &repository, &[])?;
        let git = |arguments: &[&str]| steps::run(Command::new("git").arg("-C").arg(&repository).args(arguments));
        git(&["init", "--quiet", "--initial-branch", "main"])?;
        git(&["add", "--all", "--force"])?;
        let settings = ["user.name=check", "user.email=check@localhost", "commit.gpgsign=false"];
        let settings = settings.iter().flat_map(|setting| ["-c", setting]);
        git(&settings.chain(["commit", "--quiet", "--message", "copy"]).collect::<Vec<_>>())?;

        let configuration = place.join("deny.toml");
        let text = fs::read_to_string(workspace.path("deny.toml")).context("cannot read `deny.toml`")?;
        let database = format!("[advisories]\ndb-path = \"{}\"", place.join("database").display());
        fs::write(&configuration, text.replacen("[advisories]", &database, 1)).with_context(unwritable)?;
        Ok(Self { repository, configuration })
    }

    /// What has git take the copy in the place of the public repository.
    fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("GIT_CONFIG_COUNT", "1".to_owned()),
            ("GIT_CONFIG_KEY_0", format!("url.file://{}.insteadOf", self.repository.display())),
            ("GIT_CONFIG_VALUE_0", "https://github.com/RustSec/advisory-db".to_owned()),
        ]
    }
}
