//! `lockgate ledger rotate-key`: another key signs from now on, and the log says so under the signatures of both.

use super::DataArguments;
use crate::args::Global;
use crate::exit::Exit;
use crate::print;
use crate::terminal::{WAITING, styled};

/// Which ledger.
#[derive(Debug, clap::Args)]
pub(crate) struct RotateKey {
    #[command(flatten)]
    data: DataArguments,
}

impl RotateKey {
    /// Makes a new key, and prints its verifying half.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let (storage, file) = self.data.to_write()?;
        let key = file.rotate(&storage)?;
        print::data(&key)?;
        if !global.quiet {
            print::words(format!(
                "{}: proofs and checkpoints from before stay valid; hand out the new key beside the old one",
                styled(WAITING, "note")
            ));
            print::words("a server that runs on this ledger takes the new key from the file, and goes on with it");
        }
        Ok(Exit::Success)
    }
}
