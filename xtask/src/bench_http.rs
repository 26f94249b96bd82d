//! Decisions over HTTP under load: `cargo xtask bench-http`.
//!
//! The bench itself is `host/server/benches/decisions`; here is only what it needs: the bundled plugins, and `oha`, which
//! makes the load. It is one of the [`tools`]: a generator that is the same everywhere,
//! and that counts what it could not send.

use anyhow::Result;

use crate::dist;
use crate::steps::{self, Steps};
use crate::tools;
use crate::workspace::Workspace;

/// The version of the generator.
const OHA: &str = "1.16.0";

/// Builds what is needed, and runs it; the arguments are the bench's.
///
/// # Errors
/// Something cannot be built, or the bench fails.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut steps = Steps::new(dist::PLUGIN_STEPS + 2);
    dist::plugins(workspace, &mut steps, dist::Guests::Bundled)?;
    steps.begin("looking for `oha`, the generator of load; installing it takes some minutes, once");
    let oha = tools::cargo_tool(workspace, "oha", OHA)?;
    steps.begin("putting load on a server");
    let mut command = crate::optimized_bench(workspace, "lockgate-server", "decisions");
    steps::run(command.args(arguments).env("OHA", oha))
}
