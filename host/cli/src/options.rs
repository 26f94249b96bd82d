//! Options that several commands share.

use std::path::PathBuf;

use clap::{ArgAction, ValueEnum};
use lockgate_domain::{Phase, Stage, closest};

/// What every command understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// When to use colour. `NO_COLOR` is honoured.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = "Global options")]
    pub(crate) color: Color,
    /// Says less on standard error.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// Says more on standard error; twice for everything.
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Global options")]
    pub(crate) verbose: u8,
    /// Where compiled plugins are kept. Without it: `lockgate` among the user's caches.
    #[arg(long, global = true, value_name = "FOLDER", help_heading = "Global options")]
    pub(crate) cache: Option<PathBuf>,
    /// Where the values are kept that plugins keep from call to call (capability `key-value`). Needed only if a plugin
    /// is granted some.
    #[arg(long, global = true, value_name = "FOLDER", help_heading = "Global options")]
    pub(crate) state: Option<PathBuf>,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Also into files and pipes.
    Always,
    /// Not at all.
    Never,
}

/// A stage, by its name.
pub(crate) fn parse_stage(text: &str) -> Result<Stage, String> {
    named(text, Stage::ALL.iter().map(|stage| (stage.as_str(), *stage)))
}

/// A phase, by its name.
pub(crate) fn parse_phase(text: &str) -> Result<Phase, String> {
    named(text, Phase::ALL.iter().map(|phase| (phase.as_str(), *phase)))
}

fn named<T>(text: &str, known: impl Iterator<Item = (&'static str, T)> + Clone) -> Result<T, String> {
    let names = known.clone().map(|(name, _)| name);
    let listed = names.clone().collect::<Vec<_>>().join("`, `");
    let hint = closest(text, names).map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
    let found = known.into_iter().find(|(name, _)| *name == text).map(|(_, value)| value);
    found.ok_or_else(|| format!("it is one of `{listed}`{hint}"))
}
