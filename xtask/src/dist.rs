//! Laying out what a release archive holds, under `target/lockgate`:
//!
//! ```text
//! bin/lockgate        the command
//! plugins/<name>.wasm the bundled plugins, as validated components; <name>.md says what each does
//! examples/           the examples, their deployment models pinned to exactly these plugins
//! docs/               the documentation
//! sdk/                the plugin SDK for Rust, a crate that stands alone
//! wit/                the contract, one folder for each package
//! LICENSE, README.md, CHANGELOG.md, SECURITY.md
//! ```
//!
//! The demo and the tests run on this tree and never on the sources, so they see what a user gets.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::parallel;
use crate::progress::{self, Selection};
use crate::steps::{self, Steps};
use crate::tree;
use crate::wasm_target;
use crate::workspace::{Workspace, folders_with};

/// How many steps [`plugins`] takes.
pub(crate) const PLUGIN_STEPS: usize = 2;
/// How many steps [`assemble`] takes.
pub(crate) const STEPS: usize = PLUGIN_STEPS + 1;

/// How plugins are linked: as `lockgate plugin build` does it, with a stack of 128 KiB. A test compares the two.
const PLUGIN_FLAGS: &str = "target.wasm32-unknown-unknown.rustflags=['-C', 'link-arg=-zstack-size=131072']";

/// About how many seconds of one core the plugins take to build for the first time, with what they depend on.
const FIRST_PLUGINS: f64 = 80.0;

/// Which crates of the plugins' workspace are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guests {
    /// Those that everybody gets.
    Bundled,
    /// The hostile guest that is written in Rust as well, for the tests: into `target/hostile`.
    WithHostile,
}

/// Builds the command, where cargo puts it.
///
/// # Errors
/// It cannot be built.
pub(crate) fn command(workspace: &Workspace) -> Result<()> {
    command_before(workspace, 0.0)
}

/// As [`command`], before something that takes about so many seconds of one core to build.
fn command_before(workspace: &Workspace, afterwards: f64) -> Result<()> {
    let mut build = workspace.cargo();
    progress::build(workspace, Selection::Command, afterwards, build.args(["build", "--bin", "lockgate", "--timings"]))
}

/// Builds the command and, with it, the plugins.
///
/// # Errors
/// Something cannot be built or written.
pub(crate) fn plugins(workspace: &Workspace, steps: &mut Steps, guests: Guests) -> Result<()> {
    wasm_target::ensure(workspace)?;

    steps.begin("building the command `lockgate`");
    let first = !workspace.target("plugins").join(wasm_target::TARGET).exists();
    command_before(workspace, if first { FIRST_PLUGINS } else { 0.0 })?;
    install(&workspace.built_binary(), &workspace.binary())?;

    let bundled = workspace.target("lockgate/plugins");
    let mut components: Vec<(String, PathBuf)> = Vec::new();
    for plugin in workspace.plugin_crates()? {
        let name = plugin.file_name().unwrap_or_default().to_string_lossy().into_owned();
        components.push((name.clone(), bundled.join(name).with_extension("wasm")));
    }
    renew(&bundled)?;
    if guests == Guests::WithHostile {
        let hostile = workspace.target("hostile");
        renew(&hostile)?;
        components.push(("attacks".to_owned(), hostile.join("attacks.wasm")));
    }

    steps.begin(&format!("building {} plugins", components.len()));
    let mut build = plugins_as_guests(workspace);
    steps::run(build.args(components.iter().flat_map(|(name, _)| ["-p", name])))?;
    let modules = workspace.target("plugins").join(wasm_target::TARGET).join("release");
    parallel::each(&components, |(name, component)| {
        let mut build = Command::new(workspace.binary());
        build.args(["plugin", "build", "--from-core"]);
        build.arg(modules.join(name.replace('-', "_")).with_extension("wasm")).arg("-o").arg(component);
        // What it says of each is for people who build one.
        steps::capture(&mut build)
    })
    .into_iter()
    .try_for_each(|built| built.map(|_| ()))
}

/// The `cargo build` that compiles plugins to WebAssembly; which ones is still to be said.
pub(crate) fn plugins_as_guests(workspace: &Workspace) -> Command {
    let mut build = workspace.plugins_cargo();
    build.args(["build", "--release", "--locked", "--target", wasm_target::TARGET, "--config", PLUGIN_FLAGS]);
    build
}

/// Builds everything and lays it out.
///
/// # Errors
/// Something cannot be built or written, or an example's model names a plugin that is not there.
pub(crate) fn assemble(workspace: &Workspace, steps: &mut Steps, guests: Guests) -> Result<()> {
    plugins(workspace, steps, guests)?;

    steps.begin("laying out target/lockgate and pinning the example models");
    tree::lay_out(workspace, &workspace.target("lockgate"))?;
    let pinned = folders_with(&workspace.target("lockgate/examples"), "model.toml")?;
    parallel::each(&pinned, |example| {
        steps::capture(Command::new(workspace.binary()).args(["model", "pin"]).arg(example.join("model.toml")))
    })
    .into_iter()
    .try_for_each(|pinned| pinned.map(|_| ()))
}

/// Writes the JSON Schemas of what the command reads and prints into `docs/schemas`.
///
/// # Errors
/// The command cannot be built, or fails, or a file cannot be written.
pub(crate) fn schemas(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::new(2);
    steps.begin("building the command `lockgate`");
    command(workspace)?;
    steps.begin("writing docs/schemas");
    let documents = steps::capture(Command::new(workspace.built_binary()).args(["schema", "--list"]))?;
    renew(&workspace.path("docs/schemas"))?;
    for document in documents.lines() {
        let schema = steps::capture(Command::new(workspace.built_binary()).args(["schema", document]))?;
        let file = workspace.path("docs/schemas").join(document).with_extension("json");
        fs::write(&file, schema).with_context(|| format!("cannot write `{}`", file.display()))?;
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
pub(crate) fn renew(folder: &Path) -> Result<()> {
    let emptied = match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(folder),
    };
    emptied.with_context(|| format!("cannot renew the folder `{}`", folder.display()))
}

/// Copies a folder with all that is in it, except for files and folders with one of the names `left_out`, at any depth.
///
/// # Errors
/// A file or folder cannot be read or written.
pub(crate) fn copy_tree(from: &Path, to: &Path, left_out: &[&str]) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make the folder `{}`", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot read the folder `{}`", from.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read the folder `{}`", from.display()))?;
        let name = entry.file_name();
        if left_out.iter().any(|left_out| name == *left_out) {
            continue;
        }
        let (source, copy) = (entry.path(), to.join(name));
        if source.is_dir() {
            copy_tree(&source, &copy, left_out)?;
        } else {
            install(&source, &copy)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn plugins_are_linked_as_the_command_links_them() {
        let command = include_str!("../../host/cli/src/command/plugin/build.rs");
        assert!(command.contains("const STACK: usize = 128 << 10;"));
        assert!(super::PLUGIN_FLAGS.contains(&format!("-zstack-size={}'", 128 << 10)));
    }
}
