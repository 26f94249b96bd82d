//! The dictionary that the ledger's entries are compressed with: `cargo xtask dictionary`.
//!
//! The bench `traffic` of `lockgate-tests` drives a server and writes what it has written into its ledger as samples; the
//! package `lockgate-dictionary` trains on them. Both are processes of their own, so that `xtask` stays small.

use anyhow::Result;

use crate::dist;
use crate::steps::{self, Steps};
use crate::workspace::Workspace;

/// Builds everything, and writes the next dictionary; with `--replace`, a new one in the place of the newest.
///
/// # Errors
/// Something cannot be built, or the traffic lacks something.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut steps = Steps::new(dist::STEPS + 2);
    dist::assemble(workspace, &mut steps, dist::Guests::Bundled)?;
    let samples = workspace.target("dictionary");
    steps.begin("driving a server, whose entries are the samples");
    let mut traffic = workspace.cargo();
    traffic.args(["bench", "--profile", "dev", "-p", "lockgate-tests", "--bench", "traffic", "--"]).arg(&samples);
    steps::run(&mut traffic)?;
    steps.begin("training on them");
    let mut train = workspace.cargo();
    train.args(["run", "--quiet", "-p", "lockgate-dictionary", "--features", "train", "--"]).arg(&samples);
    train.arg(workspace.path("host/ledger/dictionaries")).args(arguments);
    steps::run(&mut train)?;
    steps.finish();
    Ok(())
}
