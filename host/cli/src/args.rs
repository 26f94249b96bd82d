//! The command line: what can be asked for, and the options that every command understands.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use lockgate_domain::{Phase, Stage};

use crate::command::audit::Audit;
use crate::command::completions::Completions;
use crate::command::demo::Demo;
use crate::command::eval::Eval;
use crate::command::ledger::Ledger;
use crate::command::model::Model;
use crate::command::plugin::Plugin;
use crate::command::replay::Replay;
use crate::command::schema::Schema;
use crate::command::serve::Serve;
use crate::command::token::Token;
use crate::exit::Exit;
use crate::input::nearest;

/// Decides whether a deployment may go on: sandboxed plugins at each gate of the Deploy value stream.
#[derive(Debug, Parser)]
#[command(name = "lockgate", version, max_term_width = 100, arg_required_else_help = true, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    command: Command,
}

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

#[derive(Debug, Subcommand)]
enum Command {
    /// Decides whether a deployment may pass a gate, or how far it would come.
    Eval(Eval),
    /// Decides for others over HTTP, and keeps what was decided: the policy endpoint.
    Serve(Serve),
    /// Checks and pins deployment models.
    #[command(subcommand)]
    Model(Model),
    /// Builds, inspects and tries plugins.
    #[command(subcommand)]
    Plugin(Plugin),
    /// Runs recordings or decisions again: as they were, or with a candidate, to see what it would turn.
    Replay(Replay),
    /// Takes Lockgate's own release through the four stages (`cargo xtask demo` brings what it needs).
    Demo(Demo),
    /// Checks the audit log, and proves to others what is in it.
    #[command(subcommand)]
    Audit(Audit),
    /// Looks after the ledger: backups, retention, the signing key.
    #[command(subcommand)]
    Ledger(Ledger),
    /// Issues, lists, revokes and rotates API tokens.
    #[command(subcommand)]
    Token(Token),
    /// Prints the published JSON Schemas.
    Schema(Schema),
    /// Prints what a shell needs to complete this command line.
    Completions(Completions),
}

impl Cli {
    /// Whether the command sets up its log by itself, because its configuration says how.
    pub(crate) fn has_own_log(&self) -> bool {
        matches!(self.command, Command::Serve(_))
    }

    /// Does what was asked for.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Eval(command) => command.run(&self.global),
            Command::Serve(command) => command.run(&self.global),
            Command::Model(command) => command.run(&self.global),
            Command::Demo(command) => command.run(&self.global),
            Command::Plugin(command) => command.run(&self.global),
            Command::Replay(command) => command.run(&self.global),
            Command::Audit(command) => command.run(&self.global),
            Command::Ledger(command) => command.run(&self.global),
            Command::Token(command) => command.run(&self.global),
            Command::Schema(command) => command.run(),
            Command::Completions(command) => command.run(),
        }
    }
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
    let hint = nearest(text, names).map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
    let found = known.into_iter().find(|(name, _)| *name == text).map(|(_, value)| value);
    found.ok_or_else(|| format!("it is one of `{listed}`{hint}"))
}
