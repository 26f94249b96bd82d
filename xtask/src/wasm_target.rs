//! The compilation target of the plugins, `wasm32-unknown-unknown`: present, or added, or told how to get it.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::steps;
use crate::workspace::Workspace;

/// What plugins are compiled for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Makes sure that the toolchain in use can compile for the target.
///
/// # Errors
/// The target is missing and cannot be added; the error says what to do.
pub(crate) fn ensure(workspace: &Workspace) -> Result<()> {
    if installed(workspace)? {
        return Ok(());
    }
    eprintln!("adding the compilation target {TARGET} to the toolchain");
    let added = steps::run(Command::new("rustup").args(["target", "add", TARGET]).current_dir(workspace.path("")));
    match added {
        Ok(()) if installed(workspace)? => Ok(()),
        Ok(()) => bail!("rustup added {TARGET}, but not to the toolchain that `cargo` belongs to\n{}", advice()),
        Err(error) => bail!("the plugins cannot be compiled without the target {TARGET}: {error:#}\n{}", advice()),
    }
}

fn installed(workspace: &Workspace) -> Result<bool> {
    let libraries = steps::capture(
        Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).current_dir(workspace.path("")),
    )?;
    let libraries = Path::new(libraries.trim());
    Ok(std::fs::read_dir(libraries).is_ok_and(|mut entries| entries.next().is_some()))
}

fn advice() -> String {
    format!(
        "\
  - with rustup and a network: `rustup target add {TARGET}` in this folder
  - with rustup and no network: copy the folder `lib/rustlib/{TARGET}` of the same Rust version from another
    machine into the folder that `rustc --print sysroot` names
  - with Rust from a distribution: install its package for this target (Debian and Ubuntu: `libstd-rust-dev-wasm32`,
    Fedora: `rust-std-static-{TARGET}`, Arch Linux: `rust-wasm`), at the version that `rust-toolchain.toml` names or later"
    )
}
