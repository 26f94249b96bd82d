//! `lockgate audit`: for those who believe neither the server nor its database.
//!
//! What an auditor needs is the public key and a file; `docs/audit.md` walks through it. Nothing here writes to a ledger.

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
use crate::options::Global;
use crate::print;
use crate::terminal::{BAD, styled};
use source::SourceArguments;
use trust::KeyArguments;

/// What to audit.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Checks the whole log: every entry, hash, signature and piece of content.
    Verify(verify::Verify),
    /// Makes a proof of one entry, or that the log only grew since a checkpoint. It can be checked without the server.
    Prove(prove::Prove),
    /// Checks proofs and checkpoints. Needs only the log's public key.
    Check(check::Check),
    /// Prints the current signed checkpoint of the log. Keep it outside of the server.
    Checkpoint(Checkpoint),
    /// Prints the public key that the log signs with now.
    Key(Key),
}

impl Audit {
    /// Does it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self {
            Self::Verify(command) => command.run(global),
            Self::Prove(command) => command.run(global),
            Self::Check(command) => command.run(),
            Self::Checkpoint(command) => command.run(),
            Self::Key(command) => command.run(),
        }
    }
}

/// Prints the signed checkpoint of the log as it is now.
#[derive(Debug, clap::Args)]
pub(crate) struct Checkpoint {
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    key: KeyArguments,
}

impl Checkpoint {
    /// Prints it, if it was signed.
    fn run(self) -> anyhow::Result<Exit> {
        let key = self.key.read()?;
        let head = self.source.open()?.source().head().context("the checkpoint cannot be read")?;
        // Without a key that was handed in, it is at least one that the log's own key signed.
        if let Err(error) = lockgate_ledger::verify::checkpoint(&head.checkpoint, key.as_ref().unwrap_or(&head.key)) {
            print::words(format!("{}: {}", styled(BAD, "not signed"), print::plain(&error.to_string())));
            return Ok(Exit::Tampered);
        }
        print::data(head.checkpoint.trim_end_matches('\n'))?;
        Ok(Exit::Success)
    }
}

/// Prints the key that verifies what the log signs now.
#[derive(Debug, clap::Args)]
pub(crate) struct Key {
    #[command(flatten)]
    source: SourceArguments,
}

impl Key {
    /// Prints it.
    fn run(self) -> anyhow::Result<Exit> {
        let head = self.source.open()?.source().head().context("the key cannot be read")?;
        print::data(&head.key)?;
        Ok(Exit::Success)
    }
}
