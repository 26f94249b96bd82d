//! The API tokens that people hold, and their periods of validity. Delegations depend on them.

use std::sync::Arc;

use lockgate_domain::{PersonId, Right, Teams, Timestamp};
use lockgate_ledger::{Error, FailureCause, Storage, StorageFailure};
use lockgate_service::{Credentials, TokensHeld};
use parking_lot::Mutex;

use super::TokenError;
use super::event::ACCESS_STREAM;
use super::fold::{Token, Tokens};

/// The API tokens of the ledger, by holder.
pub struct TokenHolders {
    storage: Arc<dyn Storage>,
    tokens: Mutex<Tokens>,
}

impl TokenHolders {
    /// The token holders of this ledger.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, tokens: Mutex::default() }
    }
}

impl Credentials for TokenHolders {
    fn tokens_held(
        &self,
        person: &PersonId,
        role: &str,
        teams: &Teams,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<TokensHeld, Error> {
        let mut tokens = self.tokens.lock();
        if self.storage.version(ACCESS_STREAM)? != tokens.version() {
            tokens.catch_up(&*self.storage).map_err(unreadable)?;
        }
        let holds = |token: &&Token| {
            token.person.id.is_written_like(person)
                && token.person.roles.iter().any(|held| held == role)
                && token.scopes.as_ref().is_none_or(|scopes| scopes.contains(&Right::Approve))
                && token.teams.meet(teams)
        };
        Ok(held(tokens.iter().filter(holds), since, until))
    }
}

fn unreadable(error: TokenError) -> Error {
    match error {
        TokenError::Ledger(error) => error,
        other => StorageFailure { cause: FailureCause::Corrupt, message: other.to_string() }.into(),
    }
}

/// How far the validity of these tokens reaches without a gap.
fn held<'t>(tokens: impl Iterator<Item = &'t Token>, since: Timestamp, until: Timestamp) -> TokensHeld {
    let spans: Vec<(Timestamp, Option<Timestamp>)> = tokens.flat_map(Token::valid_spans).collect();
    let mut covered = since;
    loop {
        let reaching = spans.iter().filter(|(from, to)| *from <= covered && to.is_none_or(|to| covered < to));
        // A token without an end is later than all others.
        match reaching.map(|(_, to)| *to).max_by_key(|to| (to.is_none(), *to)) {
            Some(None) => return TokensHeld::Throughout,
            Some(Some(to)) if until < to => return TokensHeld::Throughout,
            Some(Some(to)) => covered = to,
            None if covered == since => return TokensHeld::None,
            None => return TokensHeld::Until(covered),
        }
    }
}
