//! `lockgate token list`: who has which credential, and until when.

use lockgate_ledger::Storage as _;
use lockgate_server::auth::token::{TokenState, Tokens};

use super::show;
use crate::command::ledger::DataArguments;
use crate::exit::Exit;
use crate::report::Form;

/// Which tokens.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    data: DataArguments,
    /// Shows also those that have expired or were revoked.
    #[arg(short, long)]
    all: bool,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

impl List {
    /// Shows them.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let storage = self.data.read_only()?;
        let now = storage.now();
        let tokens = Tokens::read(&storage)?;
        let shown: Vec<_> = tokens.iter().filter(|token| self.all || token.state(now) == TokenState::Valid).collect();
        show::list(&shown, now, self.output)?;
        Ok(Exit::Success)
    }
}
