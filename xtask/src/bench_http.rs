//! Decisions over HTTP under load: `cargo xtask bench-http`.
//!
//! The bench itself is `host/server/benches/decisions`; here is only what it needs: the bundled plugins, and `oha`, which
//! makes the load. It is installed once, in that version, under `target/tools`: a generator that is the same everywhere,
//! and that counts what it could not send.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::dist;
use crate::steps::{self, Steps};
use crate::workspace::Workspace;

/// The version of the generator.
const OHA: &str = "1.16.0";

/// Builds what is needed, and runs it; the arguments are the bench's.
///
/// # Errors
/// Something cannot be built, or the bench fails.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut steps = Steps::new(dist::PLUGIN_STEPS + 2);
    dist::plugins(workspace, &mut steps)?;
    let oha = oha(workspace, &mut steps)?;
    steps.begin("putting load on a server");
    let mut command = workspace.cargo();
    command.args(["bench", "--profile", "dev"]);
    // What is measured is optimised as for a release; what it stands on is so already, and is not built again.
    for library in ["domain", "engine", "ledger", "server"] {
        command.arg("--config").arg(format!("profile.dev.package.lockgate-{library}.opt-level=3"));
    }
    command.args(["-p", "lockgate-server", "--bench", "decisions", "--"]);
    steps::run(command.args(arguments).env("OHA", oha))
}

/// The generator, installed.
fn oha(workspace: &Workspace, steps: &mut Steps) -> Result<PathBuf> {
    let folder = workspace.target("tools");
    let program = folder.join(format!("bin/oha{}", std::env::consts::EXE_SUFFIX));
    let here = steps::capture(Command::new(&program).arg("--version")).unwrap_or_default();
    if here.trim().ends_with(OHA) {
        steps.begin("the generator of load is there");
        return Ok(program);
    }
    steps.begin("installing `oha`, the generator of load: some minutes, once");
    let mut install = workspace.cargo();
    install.args(["install", "oha", "--locked", "--version", OHA, "--root"]).arg(&folder);
    // Its own settings optimise across all crates, for a small program; that takes longer than it is worth here.
    install.env("CARGO_PROFILE_RELEASE_LTO", "off").env_remove("CARGO_TARGET_DIR");
    steps::run(&mut install)?;
    Ok(program)
}
