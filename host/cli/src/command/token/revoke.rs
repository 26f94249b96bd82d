//! `lockgate token revoke`: from now on it is no longer taken.

use lockgate_ledger::Storage as _;
use lockgate_server::auth::token::{Tokens, revoke};

use super::{ByArguments, refused, show};
use crate::command::ledger::DataArguments;
use crate::exit::Exit;
use crate::report::Form;

/// Which token, and why.
#[derive(Debug, clap::Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    data: DataArguments,
    /// The token: the second part of its text, `lgt_<id>_…`, as `lockgate token list` shows it.
    id: String,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    by: ByArguments,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

impl Revoke {
    /// Revokes it.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let (storage, _) = self.data.to_write()?;
        let now = storage.now();
        match revoke(&storage, &self.id, &self.by.who(), self.reason.as_deref(), now) {
            Ok(token) => show::token(&token, now, self.output)?,
            Err(error) => return Err(refused(error, &Tokens::read(&storage)?)),
        }
        Ok(Exit::Success)
    }
}
