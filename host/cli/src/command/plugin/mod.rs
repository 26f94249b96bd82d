//! `lockgate plugin`: for those who write plugins, and for those who decide whether to use one.

mod build;
mod inspect;
mod run;

use std::path::PathBuf;

use clap::Subcommand;
use lockgate_runtime::Grants;

use crate::exit::Exit;

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
    pub(crate) fn run(self, cache: Option<PathBuf>) -> anyhow::Result<Exit> {
        match self {
            Self::Build(command) => command.run(cache),
            Self::Inspect(command) => command.run(cache),
            Self::Run(command) => command.run(cache),
        }
    }
}

/// What the plugin may use, as it stands on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct GrantArguments {
    /// What the plugin may use: `log`, or `evidence=<pattern>`. As in a model, `log` is granted anyway.
    #[arg(long = "grant", value_name = "CAPABILITY", value_parser = grant)]
    grants: Vec<Grant>,
}

#[derive(Clone, Debug)]
enum Grant {
    Log,
    Evidence(String),
}

fn grant(text: &str) -> Result<Grant, String> {
    match text.split_once('=') {
        None if text == "log" => Ok(Grant::Log),
        Some(("evidence", pattern)) if !pattern.is_empty() => Ok(Grant::Evidence(pattern.to_owned())),
        _ => Err("write `log`, or `evidence=<pattern>`, for example `evidence=sbom`".to_owned()),
    }
}

impl From<GrantArguments> for Grants {
    fn from(arguments: GrantArguments) -> Self {
        let mut grants = Self::default();
        for grant in arguments.grants {
            match grant {
                Grant::Log => grants.log = true,
                Grant::Evidence(pattern) => grants.evidence.push(pattern),
            }
        }
        grants
    }
}
