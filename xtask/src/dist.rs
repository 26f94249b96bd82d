//! Laying out what a release archive holds, under `target/lockgate`:
//!
//! ```text
//! bin/lockgate        the command
//! plugins/<name>.wasm the bundled plugins, as validated components
//! examples/           the examples, their deployment models pinned to exactly these plugins
//! wit/                the contract, one folder for each package
//! LICENSE, README.md
//! ```
//!
//! The demo and the tests run on this tree and never on the sources, so they see what a user gets.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::steps::{self, Steps};
use crate::wasm_target;
use crate::workspace::{Workspace, folders_with};

/// How many steps [`plugins`] takes.
pub(crate) const PLUGIN_STEPS: usize = 2;
/// How many steps [`assemble`] takes.
pub(crate) const STEPS: usize = PLUGIN_STEPS + 2;

/// Builds the command and, with it, the bundled plugins.
///
/// # Errors
/// Something cannot be built or written.
pub(crate) fn plugins(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    wasm_target::ensure(workspace)?;

    let first = if workspace.built_binary().exists() { "" } else { ": about 8 minutes on two cores, the first time" };
    steps.begin(&format!("building the command `lockgate`{first}"));
    steps::run(workspace.cargo().args(["build", "-p", "lockgate", "--bin", "lockgate"]))?;
    install(&workspace.built_binary(), &workspace.binary())?;

    let crates = workspace.plugin_crates()?;
    let first =
        if workspace.target("plugins").exists() { "" } else { ": about 2 minutes on two cores, the first time" };
    steps.begin(&format!("building {} bundled plugins{first}", crates.len()));
    let folder = workspace.target("lockgate/plugins");
    renew(&folder)?;
    for plugin in &crates {
        let name = plugin.file_name().unwrap_or_default();
        let component = folder.join(name).with_extension("wasm");
        let mut build = Command::new(workspace.binary());
        // The plugins' workspace names a target directory of its own; one that is named for the host is not theirs.
        build.env_remove("CARGO_TARGET_DIR");
        steps::run(build.args(["plugin", "build"]).arg(plugin).arg("-o").arg(component))?;
    }
    Ok(())
}

/// Builds the hostile guest that is written in Rust, for the tests: into `target/hostile`, as nobody is to get it.
///
/// # Errors
/// It cannot be built or written.
pub(crate) fn attacks(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    steps.begin("building the hostile guest that is written in Rust");
    let folder = workspace.target("hostile");
    renew(&folder)?;
    let mut build = Command::new(workspace.binary());
    // It belongs to the plugins' workspace and lies outside of the folder that names that workspace's target directory.
    build.env("CARGO_TARGET_DIR", workspace.target("plugins")).args(["plugin", "build"]);
    build.arg(workspace.path("tests/hostile/rust")).arg("-o").arg(folder.join("attacks.wasm"));
    steps::run(&mut build)
}

/// Builds everything and lays it out.
///
/// # Errors
/// Something cannot be built or written, or an example's model names a plugin that is not there.
pub(crate) fn assemble(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    plugins(workspace, steps)?;
    attacks(workspace, steps)?;

    steps.begin("laying out target/lockgate and pinning the example models");
    for name in ["examples", "wit"] {
        let folder = workspace.target("lockgate").join(name);
        renew(&folder)?;
        copy_tree(&workspace.path(name), &folder)?;
    }
    for name in ["LICENSE", "README.md"] {
        install(&workspace.path(name), &workspace.target("lockgate").join(name))?;
    }
    for example in folders_with(&workspace.target("lockgate/examples"), "model.toml")? {
        steps::run(Command::new(workspace.binary()).args(["model", "pin"]).arg(example.join("model.toml")))?;
    }
    Ok(())
}

/// Writes the JSON Schemas of what the command reads and prints into `docs/schemas`.
///
/// # Errors
/// The command cannot be built, or fails, or a file cannot be written.
pub(crate) fn schemas(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::new(2);
    steps.begin("building the command `lockgate`");
    steps::run(workspace.cargo().args(["build", "-p", "lockgate", "--bin", "lockgate"]))?;
    steps.begin("writing docs/schemas");
    for document in ["deployment", "snapshot", "decision"] {
        let schema = steps::capture(Command::new(workspace.built_binary()).args(["schema", document]))?;
        let file = workspace.path("docs/schemas").join(document).with_extension("json");
        fs::create_dir_all(workspace.path("docs/schemas"))
            .and_then(|()| fs::write(&file, schema))
            .with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    Ok(())
}

/// Puts a copy of `from` at `to`, also where `to` is a program that runs at this moment.
///
/// # Errors
/// A file or folder cannot be read or written.
pub(crate) fn install(from: &Path, to: &Path) -> Result<()> {
    let place = || format!("cannot copy `{}` to `{}`", from.display(), to.display());
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(place)?;
    }
    let fresh = to.with_extension("new");
    fs::copy(from, &fresh).and_then(|_| fs::rename(&fresh, to)).with_context(place)
}

/// Leaves an empty folder at `folder`.
fn renew(folder: &Path) -> Result<()> {
    let emptied = match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(folder),
    };
    emptied.with_context(|| format!("cannot renew the folder `{}`", folder.display()))
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make the folder `{}`", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot read the folder `{}`", from.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read the folder `{}`", from.display()))?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_tree(&source, &copy)?;
        } else {
            install(&source, &copy)?;
        }
    }
    Ok(())
}
