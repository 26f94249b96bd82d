//! The demo: Lockgate's own release goes through the Deploy value stream.
//!
//! It needs two builds of the same commit with different digests: one that is live already and one that is the
//! candidate. They differ in their symbols: as cargo links it, and stripped.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::digest;
use crate::dist;
use crate::sbom;
use crate::steps::{self, Steps};
use crate::workspace::Workspace;

/// Builds everything and runs the demo in `target/demo`.
///
/// # Errors
/// Something cannot be built, or the demo does not end as it should.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::new(dist::STEPS + 3);
    dist::assemble(workspace, &mut steps, dist::Guests::Bundled)?;
    let current = workspace.binary();

    steps.begin("building the candidate: the same commit, without symbols");
    let candidate = workspace.target("candidate/lockgate");
    steps::run(workspace.cargo().args(["rustc", "-p", "lockgate", "--bin", "lockgate", "--", "-C", "strip=symbols"]))?;
    dist::install(&workspace.built_binary(), &candidate)?;
    ensure!(
        digest::of_file(&current)? != digest::of_file(&candidate)?,
        "`{}` and `{}` are the same bytes: this linker did not strip the symbols",
        current.display(),
        candidate.display(),
    );

    steps.begin("listing what the candidate is made of");
    let bom = workspace.target("candidate/lockgate.cdx.json");
    let document = serde_json::to_string_pretty(&sbom::of_binary(workspace, &candidate)?)?;
    fs::write(&bom, document).with_context(|| format!("cannot write `{}`", bom.display()))?;
    let commit = commit(workspace);

    steps.begin("the release goes through its gates");
    steps::run(
        Command::new(&current)
            .arg("demo")
            .arg("--current")
            .arg(&current)
            .arg("--candidate")
            .arg(&candidate)
            .arg("--sbom")
            .arg(&bom)
            .args(["--commit", &commit])
            .arg("--plugins")
            .arg(workspace.target("lockgate/plugins"))
            .arg("--examples")
            .arg(workspace.target("lockgate/examples"))
            .arg("--dir")
            .arg(workspace.target("demo")),
    )?;
    steps.finish();
    Ok(())
}

/// The commit that is checked out, or `unknown`.
fn commit(workspace: &Workspace) -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").current_dir(workspace.path("")).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "HEAD"]) else {
        eprintln!("this folder is no git repository: the commit is called `unknown`");
        return "unknown".to_owned();
    };
    if git(&["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty()) {
        eprintln!("the work tree differs from commit {commit}: the binary holds changes that the commit does not");
    }
    commit
}
