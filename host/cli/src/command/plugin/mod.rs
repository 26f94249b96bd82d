//! `lockgate plugin`: for authors of plugins, and for operators who decide whether to use one.

mod build;
mod grant;
mod inspect;
mod run;
mod settings;

use clap::Subcommand;

use crate::exit::Exit;
use crate::options::GlobalOptions;

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Build a plugin from a Rust crate or a core WebAssembly module, and validate it.
    Build(build::BuildCommand),
    /// Show what a plugin does, what it can access, and whether it can be used.
    Inspect(inspect::InspectCommand),
    /// Run one plugin on one snapshot.
    Run(run::RunCommand),
}

impl PluginCommand {
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        match self {
            Self::Build(command) => command.run(global),
            Self::Inspect(command) => command.run(global),
            Self::Run(command) => command.run(global),
        }
    }
}
