//! The description of the endpoint: written into `docs`, and held against a server that runs.
//!
//! `cargo xtask openapi` writes it, and the tables of rights in `docs/authentication.md`. `cargo xtask openapi --check <url>` has `schemathesis` send requests made from it to
//! a server, thousands of them and most of them wrong, and looks whether each answer is one that the description allows.
//! The server keeps what is written to it: it is for one that was started for this alone, with `limits.wait` of a second.
//! A token comes from `LOCKGATE_TOKEN`; a server with `--insecure-no-auth` needs none.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::steps::{self, Steps};
use crate::tools;
use crate::workspace::Workspace;

/// The version of the checker.
const SCHEMATHESIS: &str = "4.32.5";

/// How it checks.
const CONFIGURATION: &str = include_str!("openapi/schemathesis.toml");

/// Writes the description and the tables of rights, or checks a server against it.
///
/// # Errors
/// Something cannot be built, installed or written; or the server does something else than the description says.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => write(workspace),
        ["--check", url] => check(workspace, url),
        _ => bail!("`cargo xtask openapi` takes nothing, or `--check <url>`"),
    }
}

fn write(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::new(2);
    steps.begin("writing docs/openapi.json");
    write_example(workspace, "openapi", "docs/openapi.json")?;
    steps.begin("writing the tables of docs/authentication.md");
    write_example(workspace, "rights_tables", "docs/authentication.md")
}

/// Writes into a file what an example of the server prints.
fn write_example(workspace: &Workspace, example: &str, file: &str) -> Result<()> {
    let mut command = workspace.cargo();
    let text = steps::capture(command.args(["run", "-q", "-p", "lockgate-server", "--example", example]))?;
    let file = workspace.path(file);
    fs::write(&file, text).with_context(|| format!("cannot write `{}`", file.display()))
}

fn check(workspace: &Workspace, url: &str) -> Result<()> {
    let mut steps = Steps::new(2);
    steps.begin("installing schemathesis");
    let schemathesis = schemathesis(workspace)?;
    steps.begin("checking the server");
    let configuration = workspace.target("schemathesis.toml");
    fs::write(&configuration, CONFIGURATION).with_context(|| format!("cannot write `{}`", configuration.display()))?;
    let mut command = Command::new(schemathesis);
    command.arg("--config-file").arg(&configuration).arg("run");
    match env::var("LOCKGATE_TOKEN") {
        Ok(token) => command.args(["--header", &format!("Authorization: Bearer {token}")]),
        // Whoever lets everybody in asks nobody who they are.
        Err(_) => command.args(["--exclude-checks", "ignored_auth"]),
    };
    command.arg(format!("{}/openapi.json", url.trim_end_matches('/')));
    // Not by `steps::run`, which names the whole command where it fails: there is a token in it.
    let status = command.current_dir(workspace.target("")).status().context("cannot start `schemathesis`")?;
    if !status.success() {
        bail!("the server at {url} does something else than its description says: see above");
    }
    Ok(())
}

/// Installs the checker once, into an environment of its own.
fn schemathesis(workspace: &Workspace) -> Result<PathBuf> {
    let name = format!("schemathesis-{SCHEMATHESIS}-{}", tools::python_version());
    let package = format!("schemathesis=={SCHEMATHESIS}");
    let folder = tools::folder(workspace, &name, |folder| Ok(tools::python(folder, &[&package])))?;
    let without = "it could not be checked: this needs Python 3 with `venv`, and a way to the Python Package Index";
    Ok(folder.context(without)?.join("bin/schemathesis"))
}
