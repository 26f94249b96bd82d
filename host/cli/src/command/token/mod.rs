//! `lockgate token`: for those who hand out credentials. What is done here is in the ledger when the command ends, and
//! counts on a server that runs within a second.

mod create;
mod list;
mod revoke;
mod rotate;
mod show;

use clap::Subcommand;
use lockgate_domain::{CredentialKind, Duration, PersonId, Timestamp, closest};
use lockgate_server::auth::token::{TokenError, Tokens};
use lockgate_service::lifecycle::EventActor;

use crate::args::Global;
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;

/// What to do with API tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Issues a token, and prints it: the only time that it can be seen.
    Create(create::Create),
    /// Shows all tokens, but not their secrets: nobody has these.
    List(list::List),
    /// Revokes a token at once.
    Revoke(revoke::Revoke),
    /// Replaces the secret of a token, and prints the new one.
    Rotate(rotate::Rotate),
}

impl Token {
    /// Does it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self {
            Self::Create(command) => command.run(global),
            Self::List(command) => command.run(),
            Self::Revoke(command) => command.run(),
            Self::Rotate(command) => command.run(global),
        }
    }
}

/// Who gives the order, for the record.
#[derive(Debug, clap::Args)]
struct ByArguments {
    /// Who does it, as the ledger shall say. Without it: the account on this machine.
    #[arg(long, value_name = "WHO")]
    by: Option<PersonId>,
}

impl ByArguments {
    /// The record of who does it. The command line has no credential of Lockgate: what opens the ledger to it is the
    /// account on this machine, so the record names the account beside whoever `--by` names.
    fn who(self) -> EventActor {
        let names = ["USER", "LOGNAME", "USERNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
        let account = names.into_iter().find_map(|name| PersonId::new(&name).ok());
        let account = account.unwrap_or_else(|| PersonId::of_host("somebody"));
        let credential = format!("account:{account}");
        EventActor { person: self.by.unwrap_or(account), credential, kind: CredentialKind::Person }
    }
}

/// The moment that much from now.
fn in_that_time(length: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
    length.map(|length| now.saturating_add(length))
}

/// What the ledger or the rules said, as a person is told it.
fn refused(error: TokenError, tokens: &Tokens) -> anyhow::Error {
    let diagnostic = match &error {
        TokenError::NotFound(id) => {
            let diagnostic = Diagnostic::error(error.to_string());
            match closest(id, tokens.iter().map(|token| token.id.as_str())) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help("`lockgate token list` shows which there are"),
            }
        }
        TokenError::Invalid(_) | TokenError::Revoked { .. } => Diagnostic::error(error.to_string()),
        _ => return error.into(),
    };
    InvalidInput::from(diagnostic).into()
}
