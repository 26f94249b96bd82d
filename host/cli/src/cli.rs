//! The command line: all commands, and the one that prints completions of it.

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::command::access::Access;
use crate::command::audit::Audit;
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
use crate::options::Global;
use crate::print;

/// Decides whether a deployment may go on: sandboxed plugins at each gate of the Deploy value stream.
#[derive(Debug, Parser)]
#[command(name = "lockgate", version, max_term_width = 100, arg_required_else_help = true, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Evaluates one gate for a deployment, or all gates in order until one does not allow.
    Eval(Eval),
    /// Runs the policy server: answers decisions over HTTP and keeps them in the ledger.
    Serve(Serve),
    /// Checks and pins deployment models.
    #[command(subcommand)]
    Model(Model),
    /// Builds, inspects and runs plugins.
    #[command(subcommand)]
    Plugin(Plugin),
    /// Replays recordings or decisions, unchanged or with a new plugin or model, and reports what changes.
    Replay(Replay),
    /// Takes Lockgate's own release through the four stages (`cargo xtask demo` prepares the files for it).
    Demo(Demo),
    /// Verifies the audit log, and makes and checks proofs of its entries.
    #[command(subcommand)]
    Audit(Audit),
    /// Maintains the ledger: backups, retention, the signing key.
    #[command(subcommand)]
    Ledger(Ledger),
    /// Issues, lists, revokes and rotates API tokens.
    #[command(subcommand)]
    Token(Token),
    /// Shows who may do what at the gates of models, and warns of roles that a gate needs and nobody holds.
    Access(Access),
    /// Prints the published JSON Schemas.
    Schema(Schema),
    /// Prints a completion script for a shell.
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
            Command::Access(command) => command.run(&self.global),
            Command::Schema(command) => command.run(),
            Command::Completions(command) => command.run(),
        }
    }
}

/// For which shell.
#[derive(Debug, clap::Args)]
struct Completions {
    /// The shell that shall complete.
    shell: clap_complete::Shell,
}

impl Completions {
    /// Prints the completions.
    fn run(self) -> anyhow::Result<Exit> {
        // It would panic if it could not write.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "lockgate", &mut script);
        print::data(String::from_utf8(script)?.trim_end())?;
        Ok(Exit::Success)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_page_about_the_command_line_names_every_command() {
        let page = include_str!("../../../docs/cli.md");
        let table = page.split("\n\n").find(|part| part.starts_with("| command |")).unwrap_or_default();
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            let row = table.lines().find(|row| row.contains(&format!("`{name}")));
            assert!(row.is_some(), "docs/cli.md lacks `{name}`");
            for below in command.get_subcommands().map(clap::Command::get_name) {
                let is_named = row.is_some_and(|row| row.contains(&format!("{below}`")));
                assert!(is_named, "docs/cli.md lacks `{name} {below}`");
            }
        }
    }
}
