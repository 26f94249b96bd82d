//! The lints: clippy on all our crates, with every warning an error.
//!
//! The lints use the dependencies that the tests and the plugins are built with, so no dependency is compiled for them alone.

use anyhow::Result;

use crate::compiler::Wrapper;
use crate::dist;
use crate::progress::{self, Selection};
use crate::steps::{self, Steps};
use crate::wasm_target;
use crate::workspace::Workspace;

/// How many steps [`run`] takes.
pub(crate) const STEPS: usize = 4;

/// Looks at everything: host, tests, benches and fuzz targets; the plugins natively, with their tests; and the plugins as
/// WebAssembly. And that the domain compiles to WebAssembly too: it has neither I/O nor native code.
///
/// # Errors
/// Something does not compile, or clippy reports something.
pub(crate) fn run(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    wasm_target::ensure(workspace)?;

    steps.begin("lints: host, tests and fuzz targets");
    let mut host = workspace.cargo();
    host.args(["build", "--all-targets", "--keep-going", "--locked", "--timings"]);
    Wrapper::Lints.wrap(workspace, &mut host)?;
    progress::build(workspace, Selection::Everything, 0.0, &mut host)?;

    steps.begin("lints: plugins, natively");
    let mut natively = workspace.plugins_cargo();
    natively.args(["build", "--workspace", "--all-targets", "--locked"]);
    Wrapper::Lints.wrap(workspace, &mut natively)?;
    steps::run(&mut natively)?;

    steps.begin("lints: plugins, as WebAssembly");
    let mut as_guests = dist::plugins_as_guests(workspace);
    as_guests.arg("--workspace");
    Wrapper::Lints.wrap(workspace, &mut as_guests)?;
    steps::run(&mut as_guests)?;

    steps.begin("the domain, as WebAssembly");
    let mut domain = workspace.cargo();
    domain.args(["check", "--package", "lockgate-domain", "--target", wasm_target::TARGET, "--locked"]);
    steps::run(&mut domain)
}
