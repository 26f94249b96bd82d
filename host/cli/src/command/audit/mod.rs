//! `lockgate audit`: verifies the audit log without trusting the server or its database.
//!
//! An auditor needs the public key and a file; `docs/audit.md` is a walk-through. Nothing here writes to a ledger.

mod check;
mod findings;
mod prove;
mod proved_entry;
mod report;
mod server_log;
mod source;
mod trust;
mod verify;
mod watched;

use anyhow::Context as _;
use clap::Subcommand;

use crate::exit::Exit;
use crate::options::GlobalOptions;
use crate::print;
use crate::terminal::{BAD, styled};
use source::LogSourceArguments;
use trust::KeyArguments;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Verify the whole log: every entry, hash, signature and piece of content.
    ///
    /// Nothing is trusted but the key of `--key`: everything that a server returns is verified.
    Verify(verify::VerifyCommand),
    /// Export an offline-verifiable proof: of an entry, or that the log only grew.
    ///
    /// `lockgate audit check` verifies the proof with the log's public key, without the server.
    Prove(prove::ProveCommand),
    /// Check a proof or a checkpoint with the log's public key. No server is needed.
    Check(check::CheckProofCommand),
    /// Print the current signed checkpoint. Keep it outside of the server, to verify the log against it later.
    Checkpoint(CheckpointCommand),
    /// Print the current public key of the log.
    Key(KeyCommand),
}

impl AuditCommand {
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        match self {
            Self::Verify(command) => command.run(global),
            Self::Prove(command) => command.run(global),
            Self::Check(command) => command.run(),
            Self::Checkpoint(command) => command.run(),
            Self::Key(command) => command.run(),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckpointCommand {
    #[command(flatten)]
    key: KeyArguments,
    // Last, because its heading applies to all options after it.
    #[command(flatten)]
    source: LogSourceArguments,
}

impl CheckpointCommand {
    fn run(self) -> anyhow::Result<Exit> {
        let key = self.key.read()?;
        let head = self.source.open()?.source().head().context("cannot read the checkpoint")?;
        // Without `--key`, the log's own key must have signed it.
        if let Err(error) = lockgate_ledger::verify::checkpoint(&head.checkpoint, key.as_ref().unwrap_or(&head.key)) {
            print::message(format!("{}: {}", styled(BAD, "invalid signature"), print::plain(&error.to_string())));
            return Ok(Exit::Tampered);
        }
        print::data(head.checkpoint.trim_end_matches('\n'))?;
        Ok(Exit::Success)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct KeyCommand {
    #[command(flatten)]
    source: LogSourceArguments,
}

impl KeyCommand {
    fn run(self) -> anyhow::Result<Exit> {
        let head = self.source.open()?.source().head().context("cannot read the key")?;
        print::data(&head.key)?;
        Ok(Exit::Success)
    }
}
