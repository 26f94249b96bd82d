//! `lockgate token rotate`: a new secret, and for a while the old one beside it.

use lockgate_domain::Duration;
use lockgate_ledger::Storage as _;
use lockgate_server::auth::token::{Tokens, rotate};

use super::{ByArguments, in_that_time, refused, show};
use crate::args::Global;
use crate::command::ledger::DataArguments;
use crate::exit::Exit;
use crate::print;
use crate::report::Form;

/// Which token, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    data: DataArguments,
    /// The token: the second part of its text, `lgt_<id>_…`, as `lockgate token list` shows it.
    id: String,
    /// For how long the old secret is still taken, for example `1h`. After a leak, none.
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    overlap: Duration,
    /// For how long the token is taken from now on, for example `90d`. Without it: as long as before.
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<Duration>,
    #[command(flatten)]
    by: ByArguments,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

impl Rotate {
    /// Rotates it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let (storage, _) = self.data.to_write()?;
        let now = storage.now();
        let expires = in_that_time(self.expires_in, now);
        let rotated = match rotate(&storage, &self.id, &self.by.who(), self.overlap, expires, now) {
            Ok(rotated) => rotated,
            Err(error) => return Err(refused(error, &Tokens::read(&storage)?)),
        };
        show::issued(&rotated, now, self.output, global)?;
        if !global.quiet {
            print::words(match rotated.token.overlap(now) {
                Some(until) => format!("the old secret is taken until {until}"),
                None => "the old secret is no longer taken".to_owned(),
            });
        }
        Ok(Exit::Success)
    }
}
