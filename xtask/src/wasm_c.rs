//! A C compiler for WebAssembly, which one example plugin needs.
//!
//! Rust brings its own compiler for the target; C does not. Looked for in this order: what the environment names, a
//! `clang` with wasi-libc, a `zig`, and the `zig` that PyPI packages, which becomes one of the [`tools`].

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::steps;
use crate::tools;
use crate::workspace::Workspace;

/// The environment variable through which the tests, and people, name the compiler and its target option.
pub(crate) const VARIABLE: &str = "LOCKGATE_WASM_CC";
const TARGET: &str = "--target=wasm32-wasi";
const ZIG_PACKAGE: &str = "ziglang==0.17.1";

/// A program that needs the headers, the allocator and the linker.
const PROBE: &str = "#include <stdlib.h>\n\
    __attribute__((export_name(\"probe\"))) void *probe(int size) { return malloc(size); }\n";

/// Finds a compiler, as the words of a command line, or says on stderr why there is none.
///
/// # Errors
/// The probe cannot be written.
pub(crate) fn find(workspace: &Workspace) -> Result<Option<String>> {
    let folder = workspace.target("wasm-c");
    let probe = folder.join("probe.c");
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&probe, PROBE))
        .with_context(|| format!("cannot write `{}`", probe.display()))?;

    let named = std::env::var(VARIABLE).ok();
    let known = [named, Some(format!("clang {TARGET}")), Some(format!("zig cc {TARGET}"))];
    if let Some(compiler) = known.into_iter().flatten().find(|compiler| works(compiler, &probe)) {
        return Ok(Some(compiler));
    }

    let name = format!("{}-{}", ZIG_PACKAGE.replace("==", "-"), tools::python_version());
    let environment = tools::folder(workspace, &name, |folder| {
        eprintln!("no C compiler for WebAssembly here: taking {ZIG_PACKAGE} from PyPI (about 100 MB, once)");
        Ok(tools::python(folder, &[ZIG_PACKAGE]))
    })?;
    let packaged = environment
        .map(|folder| format!("{} -m ziglang cc {TARGET}", tools::python_program(&folder).display()))
        .filter(|compiler| works(compiler, &probe));
    if packaged.is_some() {
        return Ok(packaged);
    }
    eprintln!(
        "the tests of the plugin that is written in C are skipped: there is neither a `clang` with wasi-libc\n\
         (Debian: `apt install clang lld wasi-libc libclang-rt-14-dev-wasm32`) nor a `zig`, and python3 with pip\n\
         and a network to install {ZIG_PACKAGE} is missing too; {VARIABLE} can name a compiler"
    );
    Ok(None)
}

fn works(compiler: &str, probe: &Path) -> bool {
    let mut words = compiler.split_whitespace();
    words.next().is_some_and(|program| {
        let mut command = Command::new(program);
        command.args(words).args(["-mexec-model=reactor", "-o"]).arg(probe.with_extension("wasm")).arg(probe);
        steps::succeeds(&mut command)
    })
}
