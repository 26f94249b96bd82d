//! `lockgate audit checkpoint` and `key`: what to hand out, so that others can verify later.

use anyhow::Context as _;
use lockgate_ledger::verify;

use super::source::SourceArguments;
use super::trust::KeyArguments;
use crate::exit::Exit;
use crate::print;
use crate::terminal::{BAD, styled};

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
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let key = self.key.read()?;
        let head = self.source.open()?.source().head().context("the checkpoint cannot be read")?;
        // Without a key that was handed in, it is at least one that the log's own key signed.
        if let Err(error) = verify::checkpoint(&head.checkpoint, key.as_ref().unwrap_or(&head.key)) {
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
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let head = self.source.open()?.source().head().context("the key cannot be read")?;
        print::data(&head.key)?;
        Ok(Exit::Success)
    }
}
