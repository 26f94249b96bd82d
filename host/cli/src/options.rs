//! Options that several commands share.

use std::path::PathBuf;

use clap::{ArgAction, ValueEnum};
use lockgate_domain::{Phase, Stage, closest};

/// The options of every command.
#[derive(Debug, clap::Args)]
pub(crate) struct GlobalOptions {
    /// When to use colour. `NO_COLOR` turns it off.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = "Global options")]
    pub(crate) color: ColorChoice,
    /// Print fewer messages.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// Print more messages; `-vv` prints all.
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Global options")]
    pub(crate) verbose: u8,
    /// The folder for compiled plugins [default: `lockgate` in your cache folder].
    #[arg(long, global = true, value_name = "FOLDER", help_heading = "Global options")]
    pub(crate) cache: Option<PathBuf>,
    /// The folder for values that plugins store (capability `key-value`). Required if a plugin is granted that capability.
    #[arg(long, global = true, value_name = "FOLDER", help_heading = "Global options")]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum ColorChoice {
    /// Only on a terminal.
    #[default]
    Auto,
    /// Also in files and pipes.
    Always,
    /// Never.
    Never,
}

pub(crate) fn parse_stage(text: &str) -> Result<Stage, String> {
    named(text, Stage::ALL.iter().map(|stage| (stage.as_str(), *stage)))
}

pub(crate) fn parse_phase(text: &str) -> Result<Phase, String> {
    named(text, Phase::ALL.iter().map(|phase| (phase.as_str(), *phase)))
}

fn named<T>(text: &str, known: impl Iterator<Item = (&'static str, T)> + Clone) -> Result<T, String> {
    let names = known.clone().map(|(name, _)| name);
    let listed = names.clone().collect::<Vec<_>>().join("`, `");
    let hint = closest(text, names).map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
    let found = known.into_iter().find(|(name, _)| *name == text).map(|(_, value)| value);
    found.ok_or_else(|| format!("expected one of `{listed}`{hint}"))
}
