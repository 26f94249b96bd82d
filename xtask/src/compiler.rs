//! This program in the place of the compiler, for the crates of the workspace alone.
//!
//! cargo hands every member of a workspace to the program that `RUSTC_WORKSPACE_WRAPPER` names, and builds all
//! dependencies as always. So a second look at our own crates (for lints, or with coverage for the fuzzer) shares its
//! dependencies with every other build. `cargo clippy` does not: it checks some hundred dependencies that were just built.
//!
//! The name under which cargo starts this program says which of the two it does: cargo keeps what was made by wrappers of
//! different names apart.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::digest;
use crate::dist;
use crate::steps;
use crate::workspace::Workspace;

/// What our own crates are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapper {
    /// For the fuzzer: the code counts which of its edges are taken, and reports what it compares.
    Coverage,
    /// For the lints: nothing is generated. Any warning is an error.
    Lints,
}

/// What makes LLVM count edges and report comparisons: the flags of `cargo fuzz`.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// What clippy is told, as `cargo clippy` hands it on.
const LINTS: &str = "-Dwarnings__CLIPPY_HACKERY__";

impl Wrapper {
    const ALL: [Self; 2] = [Self::Coverage, Self::Lints];

    fn name(self) -> &'static str {
        match self {
            Self::Coverage => "lockgate-compiles-with-coverage",
            Self::Lints => "lockgate-compiles-for-lints",
        }
    }

    /// Makes a cargo command compile this way.
    ///
    /// # Errors
    /// This program cannot be copied to its other name.
    pub(crate) fn wrap(self, workspace: &Workspace, cargo: &mut Command) -> Result<()> {
        // On Linux this program can be read also after cargo has built it anew.
        let ourselves = match Path::new("/proc/self/exe") {
            path if path.exists() => path.to_owned(),
            _ => env::current_exe().context("cannot tell where this program lies")?,
        };
        // cargo tells wrappers apart by their paths: with other flags it has to be another one.
        let flags = digest::short(COVERAGE.iter().chain([&LINTS]).map(|flag| flag.as_bytes()));
        let wrapper = workspace.target("wrappers").join(flags).join(self.name());
        let wrapper = wrapper.with_extension(env::consts::EXE_EXTENSION);
        // A copy that is the same keeps its date, and with it everything that cargo knows of it.
        if fs::read(&wrapper).ok() != fs::read(&ourselves).ok() {
            dist::install(&ourselves, &wrapper)?;
        }
        cargo.env("RUSTC_WORKSPACE_WRAPPER", wrapper);
        Ok(())
    }
}

/// The compiler's part, if cargo called this program in its place.
pub(crate) fn compile() -> Option<ExitCode> {
    let ourselves = PathBuf::from(env::args_os().next()?);
    let name = ourselves.file_stem()?.to_str()?;
    let wrapper = Wrapper::ALL.into_iter().find(|wrapper| wrapper.name() == name)?;
    let mut arguments = env::args_os().skip(1);
    let rustc = arguments.next()?;
    let arguments: Vec<OsString> = arguments.collect();
    let mut command = match wrapper {
        Wrapper::Coverage => with_coverage(&rustc, arguments),
        Wrapper::Lints => for_lints(&rustc, arguments),
    };
    Some(match command.status() {
        Ok(status) => status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            eprintln!("error: cannot start `{}`: {error}", steps::line(&command));
            ExitCode::FAILURE
        }
    })
}

/// Whether these arguments compile something. cargo also asks what the compiler is and can do.
fn compiles(arguments: &[OsString]) -> bool {
    arguments.iter().any(|argument| argument.to_str().is_some_and(|text| text.starts_with("--emit=")))
}

/// Whether these arguments compile a build script, which has to run.
fn is_build_script(arguments: &[OsString]) -> bool {
    arguments.windows(2).any(|pair| {
        let [name, value] = pair else { return false };
        name == "--crate-name" && value == "build_script_build"
    })
}

fn with_coverage(rustc: &OsString, arguments: Vec<OsString>) -> Command {
    let mut compiler = Command::new(rustc);
    let more = COVERAGE.iter().filter(|_| compiles(&arguments) && !is_build_script(&arguments));
    compiler.args(&arguments).args(more);
    compiler
}

/// Clippy is the compiler with more lints. It is asked for the metadata of our crates instead of their code, and told to
/// find our other crates in the same form.
fn for_lints(rustc: &OsString, arguments: Vec<OsString>) -> Command {
    if !compiles(&arguments) {
        let mut compiler = Command::new(rustc);
        compiler.args(arguments);
        return compiler;
    }
    let runs = is_build_script(&arguments);
    let mut compiler = Command::new("clippy-driver");
    // The first argument tells clippy-driver that it stands in the place of the compiler.
    compiler.arg(rustc).args(arguments.into_iter().map(|argument| match argument.to_str() {
        Some(text) if !runs => metadata_alone(text, Path::exists).map_or(argument, OsString::from),
        _ => argument,
    }));
    compiler.env("CLIPPY_ARGS", LINTS);
    compiler
}

/// An argument of the compiler that asks for code, or for the code of another crate of which only the metadata is `there`,
/// as one that asks for metadata.
fn metadata_alone(argument: &str, there: impl Fn(&Path) -> bool) -> Option<String> {
    if let Some(kinds) = argument.strip_prefix("--emit=") {
        let mut kinds: Vec<&str> = kinds.split(',').filter(|kind| *kind != "link" && *kind != "metadata").collect();
        kinds.push("metadata");
        return Some(format!("--emit={}", kinds.join(",")));
    }
    let (name, path) = argument.split_once('=')?;
    let metadata = Path::new(path).with_extension("rmeta");
    let ours = path.ends_with(".rlib") && !there(Path::new(path)) && there(&metadata);
    ours.then(|| format!("{name}={}", metadata.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_metadata_is_asked_for() {
        let of = |argument| metadata_alone(argument, |_| false);
        assert_eq!(of("--emit=dep-info,metadata,link").as_deref(), Some("--emit=dep-info,metadata"));
        assert_eq!(of("--emit=dep-info,link").as_deref(), Some("--emit=dep-info,metadata"));
        assert_eq!(of("--test"), None);
    }

    #[test]
    fn a_crate_without_code_is_taken_by_its_metadata() {
        let lints = |path: &Path| path == Path::new("deps/libours-1.rmeta") || path.ends_with("libserde-2.rlib");
        assert_eq!(metadata_alone("ours=deps/libours-1.rlib", lints).as_deref(), Some("ours=deps/libours-1.rmeta"));
        assert_eq!(metadata_alone("serde=deps/libserde-2.rlib", lints), None);
        assert_eq!(metadata_alone("other=deps/libother-3.rlib", lints), None);
    }

    #[test]
    fn questions_and_build_scripts_are_told_apart() {
        let of = |line: &str| compiles(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(of("--crate-name lockgate_domain --crate-type lib --emit=dep-info,metadata,link"));
        assert!(of("--crate-name append --emit=dep-info,link --cfg test"));
        assert!(!of("--crate-name ___ --crate-type bin --print=sysroot"));
        assert!(!of("-vV"));
        let script = "--crate-name build_script_build --crate-type bin --emit=dep-info,link";
        assert!(is_build_script(&script.split(' ').map(OsString::from).collect::<Vec<_>>()));
        assert!(!is_build_script(&[OsString::from("--crate-name"), OsString::from("lockgate_domain")]));
    }
}
