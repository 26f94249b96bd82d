//! `lockgate plugin`: for those who write plugins, and for those who decide whether to use one.

mod build;
mod grant;
mod inspect;
mod run;
mod settings;

use clap::Subcommand;

use crate::exit::Exit;
use crate::options::Global;

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// Builds a Rust crate, or takes a core module, and makes a validated component of it.
    Build(build::Build),
    /// Shows what a plugin is, what it asks for, and what stands against it.
    Inspect(inspect::Inspect),
    /// Asks one plugin about one snapshot.
    Run(run::Run),
}

impl Plugin {
    /// Does it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self {
            Self::Build(command) => command.run(global),
            Self::Inspect(command) => command.run(global),
            Self::Run(command) => command.run(global),
        }
    }
}
