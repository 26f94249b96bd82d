//! The command line: all commands, and the command that prints completions of them.

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::command::access::AccessCommand;
use crate::command::audit::AuditCommand;
use crate::command::change::{ChangeCommand, DriftCommand};
use crate::command::demo::DemoCommand;
use crate::command::deployment::DeploymentCommand;
use crate::command::due::DueCommand;
use crate::command::eval::EvalCommand;
use crate::command::ledger::LedgerCommand;
use crate::command::model::ModelCommand;
use crate::command::plugin::PluginCommand;
use crate::command::register::RegisterCommand;
use crate::command::replay::ReplayCommand;
use crate::command::schema::SchemaCommand;
use crate::command::serve::ServeCommand;
use crate::command::stop::StopCommand;
use crate::command::token::TokenCommand;
use crate::exit::Exit;
use crate::options::GlobalOptions;
use crate::print;

/// Decide whether a deployment may proceed, with sandboxed plugins at each gate of the Deploy value stream.
#[derive(Debug, Parser)]
#[command(name = "lockgate", version, max_term_width = 100, arg_required_else_help = true, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Evaluate one gate for a deployment, or all gates in order until one does not allow.
    Eval(EvalCommand),
    /// Run the HTTP server.
    Serve(ServeCommand),
    /// Check and pin deployment models.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Build, inspect and run plugins.
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Replay recordings or decisions, unchanged or with a new plugin or model, and report what changes.
    Replay(ReplayCommand),
    /// Show Lockgate's own release passing the four stages (`cargo xtask demo` prepares the files).
    Demo(DemoCommand),
    /// Verify the audit log; export and check proofs.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Maintain the ledger: backups, retention, the signing key.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Create, list, revoke and rotate API tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Attest, read and import entries of the registers of a server.
    #[command(subcommand)]
    Register(RegisterCommand),
    /// Show a deployment of a running server with what else is booked around it, and approve it.
    #[command(subcommand)]
    Deployment(DeploymentCommand),
    /// Show the way of a change on a running server.
    #[command(subcommand)]
    Change(ChangeCommand),
    /// List the instances that went round the gates of a running server. Exits with 2 if there are some.
    Drift(DriftCommand),
    /// Stop the line on a running server: no deployment in the scope goes on until the stop ends or is lifted.
    #[command(subcommand)]
    Stop(StopCommand),
    /// List what is due next on a running server, and what is overdue. Exits with 2 if something is overdue.
    Due(DueCommand),
    /// Show who may do what at each gate, and warn about roles that a gate needs and nobody holds.
    Access(AccessCommand),
    /// Print the JSON Schema of a document.
    Schema(SchemaCommand),
    /// Print a completion script for a shell.
    Completions(CompletionsCommand),
}

impl Cli {
    /// Whether the command sets up logging itself, from its configuration.
    pub(crate) fn has_own_log(&self) -> bool {
        matches!(self.command, Command::Serve(_))
    }

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
            Command::Register(command) => command.run(&self.global),
            Command::Deployment(command) => command.run(),
            Command::Change(command) => command.run(),
            Command::Drift(command) => command.run(),
            Command::Stop(command) => command.run(),
            Command::Due(command) => command.run(),
            Command::Access(command) => command.run(&self.global),
            Command::Schema(command) => command.run(),
            Command::Completions(command) => command.run(),
        }
    }
}

#[derive(Debug, clap::Args)]
struct CompletionsCommand {
    /// The shell.
    shell: clap_complete::Shell,
}

impl CompletionsCommand {
    fn run(self) -> anyhow::Result<Exit> {
        // Into memory first: the generator panics if it cannot write.
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
