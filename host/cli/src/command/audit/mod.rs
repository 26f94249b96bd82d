//! `lockgate audit`: for those who believe neither the server nor its database.
//!
//! What an auditor needs is the public key and a file; `docs/audit.md` walks through it. Nothing here writes to a ledger.

mod check;
mod findings;
mod keep;
mod prove;
mod report;
mod server_log;
mod source;
mod trust;
mod verify;
mod watched;

use clap::Subcommand;

use crate::args::Global;
use crate::exit::Exit;

pub(crate) use source::seems_a_ledger;

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
    Checkpoint(keep::Checkpoint),
    /// Prints the public key that the log signs with now.
    Key(keep::Key),
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
