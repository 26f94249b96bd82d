//! Programs that the project uses and does not build: installed once for each version, in a folder of their own.
//!
//! `LOCKGATE_TOOLS` names the folder in which they lie; without it they are under `target/tools`, and go with it.

use std::env;
use std::env::consts::EXE_SUFFIX;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::languages;
use crate::steps;
use crate::wasm_c;
use crate::workspace::Workspace;

/// The environment variable that names the folder.
const VARIABLE: &str = "LOCKGATE_TOOLS";
/// What lies in a folder whose tool was installed wholly.
const MARK: &str = ".installed";

/// The folder of a tool in that version, in which `install` puts it if it is not there yet. None: it cannot be had.
///
/// # Errors
/// A file or folder cannot be written.
pub(crate) fn folder(
    workspace: &Workspace,
    name: &str,
    install: impl FnOnce(&Path) -> Result<bool>,
) -> Result<Option<PathBuf>> {
    let tools = env::var_os(VARIABLE)
        .filter(|folder| !folder.is_empty())
        .map_or_else(|| workspace.target("tools"), |folder| workspace.path("").join(folder));
    in_folder(&tools, name, install)
}

fn in_folder(tools: &Path, name: &str, install: impl FnOnce(&Path) -> Result<bool>) -> Result<Option<PathBuf>> {
    let folder = tools.join(name);
    let unwritable = || format!("cannot write `{}`", folder.display());
    fs::create_dir_all(tools).with_context(unwritable)?;
    // Two that want the same tool at once do not both install it.
    let lock = File::create(tools.join(format!("{name}.lock"))).with_context(unwritable)?;
    lock.lock().with_context(unwritable)?;
    if folder.join(MARK).exists() {
        return Ok(Some(folder));
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(unwritable)?;
    }
    fs::create_dir_all(&folder).with_context(unwritable)?;
    if !install(&folder)? {
        return Ok(None);
    }
    fs::write(folder.join(MARK), "").with_context(unwritable)?;
    Ok(Some(folder))
}

/// A program that cargo installs, in that version: the one on the path if it has that version, else one of our own.
///
/// # Errors
/// It is not there and cannot be installed.
pub(crate) fn cargo_tool(workspace: &Workspace, name: &str, version: &str) -> Result<PathBuf> {
    if on_path(name, version) {
        return Ok(name.into());
    }
    let folder = folder(workspace, &format!("{name}-{version}"), |folder| {
        eprintln!("installing {name} {version}, once");
        let mut install = workspace.cargo();
        install.args(["install", "--quiet", "--locked", "--version", version, "--root"]).arg(folder).arg(name);
        // Built quickly: what it does takes seconds however it is built.
        for (setting, value) in [("OPT_LEVEL", "1"), ("LTO", "off"), ("DEBUG", "0"), ("CODEGEN_UNITS", "16")] {
            install.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
        }
        steps::run(install.env_remove("CARGO_TARGET_DIR")).map(|()| true)
    })?;
    let folder = folder.with_context(|| format!("{name} {version} cannot be installed"))?;
    Ok(program(&folder, name))
}

/// As [`cargo_tool`], but nothing is installed, and any version on the path will do. None: it is not there.
///
/// # Errors
/// The folder of the tools cannot be written.
pub(crate) fn installed(workspace: &Workspace, name: &str, version: &str) -> Result<Option<PathBuf>> {
    if steps::succeeds(Command::new(name).arg("--version")) {
        return Ok(Some(name.into()));
    }
    let folder = folder(workspace, &format!("{name}-{version}"), |_| Ok(false))?;
    Ok(folder.map(|folder| program(&folder, name)))
}

fn program(folder: &Path, name: &str) -> PathBuf {
    folder.join("bin").join(format!("{name}{EXE_SUFFIX}"))
}

/// Whether the path has a program in that version.
fn on_path(name: &str, version: &str) -> bool {
    let Ok(output) = Command::new(name).arg("--version").output() else { return false };
    String::from_utf8_lossy(&output.stdout).split_whitespace().any(|word| word == version)
}

/// Installs what makes the example plugins of the tests, and returns the C compiler for WebAssembly, if one is to be had.
///
/// # Errors
/// A file or folder cannot be read or written.
pub(crate) fn fetch_for_tests(workspace: &Workspace) -> Result<Option<String>> {
    let compiler = wasm_c::find(workspace)?;
    languages::fetch(workspace)?;
    Ok(compiler)
}

/// An environment of Python with what pip calls `wanted`. False: something of it cannot be had.
pub(crate) fn python(folder: &Path, wanted: &[&str]) -> bool {
    steps::succeeds(Command::new("python3").args(["-m", "venv"]).arg(folder))
        && steps::succeeds(Command::new(python_program(folder)).args(["-m", "pip", "install", "--quiet"]).args(wanted))
}

/// The version of Python, for the name of an environment: one that was made with another Python does not work.
pub(crate) fn python_version() -> String {
    let output = Command::new("python3").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_lowercase().replace(' ', "-"));
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "no-python".to_owned())
}

/// The Python of such an environment.
pub(crate) fn python_program(folder: &Path) -> PathBuf {
    folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// The path, with the folder of a program before everything else.
pub(crate) fn path_with(program: &Path) -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = program.parent().map(Path::to_path_buf).filter(|folder| !folder.as_os_str().is_empty());
    env::join_paths(folders.into_iter().chain(env::split_paths(&path))).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_tool_is_installed_once() {
        let (tools, times) = (tempfile::tempdir().unwrap(), Cell::new(0));
        for _ in 0..2 {
            let folder = in_folder(tools.path(), "tool-1", |folder| {
                times.set(times.get() + 1);
                fs::write(folder.join("program"), "").unwrap();
                Ok(true)
            });
            assert!(folder.unwrap().unwrap().join("program").exists());
        }
        assert_eq!(times.get(), 1);
    }

    #[test]
    fn what_was_installed_in_part_is_installed_anew() {
        let tools = tempfile::tempdir().unwrap();
        let failed = in_folder(tools.path(), "tool-1", |folder| {
            fs::write(folder.join("part"), "").unwrap();
            Ok(false)
        });
        assert_eq!(failed.unwrap(), None);
        let folder = in_folder(tools.path(), "tool-1", |_| Ok(true)).unwrap().unwrap();
        assert!(!folder.join("part").exists());
    }

    #[test]
    fn a_program_is_found_before_others_of_its_name() {
        let path = path_with(Path::new("/tools/cargo-deny-1/bin/cargo-deny"));
        assert_eq!(env::split_paths(&path).next().unwrap(), Path::new("/tools/cargo-deny-1/bin"));
    }
}
