//! `lockgate audit`: for those who believe neither the server nor its database.
//!
//! What an auditor needs is the public key and a file; `docs/audit.md` walks through it. Nothing here writes to a ledger.

mod check;
mod findings;
mod keep;
mod prove;
mod report;
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
    /// Makes a proof of one entry, or that the log only grew, that needs nobody's word.
    Prove(prove::Prove),
    /// Checks proofs and checkpoints with nothing but a key.
    Check(check::Check),
    /// Prints the signed checkpoint of the log as it is now: keep it.
    Checkpoint(keep::Checkpoint),
    /// Prints the key that verifies what the log signs now.
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
