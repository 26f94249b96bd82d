//! API tokens, which an administrator gives to a pipeline or a person.
//!
//! A token is `lgt_<id>_<secret>`: the id names it in lists and in the ledger, the secret is 256 random bits. Only the
//! SHA-256 of the whole text is kept. A slow hash would protect nothing more: nobody can guess random bits from their
//! hash. The events of tokens are in the ledger's stream `access`, so that they are audited like everything else, and
//! the tokens are built from that stream ([`Tokens`]).

mod change;
mod event;
mod fold;
mod holders;
mod live;

use std::fmt;

use lockgate_domain::{Digest, PersonId, Principal, Timestamp};
use lockgate_ledger::{Error, InvalidEntry};

pub use change::{IssuedToken, NewToken, first_administrator, issue, revoke, rotate};
pub use event::ACCESS_STREAM;
pub use fold::{Revocation, Token, TokenState, Tokens};
pub use holders::TokenHolders;
pub use live::LedgerFreshness;
pub(super) use live::{AcceptedToken, LiveTokens};

/// The prefix of every token, so that scanners for leaked secrets recognise one: `lgt_[0-9a-f]{12}_[0-9a-f]{64}`.
pub const PREFIX: &str = "lgt_";

/// The number of digits of an id.
const ID_DIGITS: usize = 12;
/// The number of digits of a secret.
const SECRET_DIGITS: usize = 64;

/// Why a token could not be issued, revoked or rotated.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There is no such token.
    #[error("no token `{0}`")]
    NotFound(String),
    /// The token was revoked already.
    #[error("the token `{id}` was revoked at {at}: issue a new one")]
    Revoked {
        /// The id of the token.
        id: String,
        at: Timestamp,
    },
    /// The properties of the token are not allowed.
    #[error("{0}")]
    Invalid(String),
    /// The ledger has an entry about tokens that cannot be understood.
    #[error("{0}")]
    Unreadable(String),
    #[error(transparent)]
    Ledger(#[from] Error),
    /// The machine gives no random bytes.
    #[error("no random secret could be generated: {0}")]
    Random(getrandom::Error),
}

impl From<InvalidEntry> for TokenError {
    fn from(error: InvalidEntry) -> Self {
        Self::Ledger(Error::from(error))
    }
}

/// The text of a token. It is shown once, to the client that asked for the token, and never by accident: not by
/// `Debug`, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSecret {
    text: String,
}

impl TokenSecret {
    /// A new text, for the token with this id.
    fn generate(id: &str) -> Result<Self, getrandom::Error> {
        Ok(Self { text: format!("{PREFIX}{id}_{}", random(SECRET_DIGITS)?) })
    }

    /// The text. Show it only to the client that asked for it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The digest, which the ledger keeps.
    fn digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// This many random hexadecimal digits.
fn random(digits: usize) -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; SECRET_DIGITS / 2];
    getrandom::fill(&mut bytes)?;
    let hex = bytes.iter().map(|byte| format!("{byte:02x}"));
    Ok(hex.collect::<String>().chars().take(digits).collect())
}

/// A person whose id the host itself chooses.
pub(super) fn own_person(id: &'static str, name: &str, roles: &[&str]) -> Principal {
    let id = PersonId::of_host(id);
    Principal { id, name: name.to_owned(), roles: roles.iter().map(|role| (*role).to_owned()).collect() }
}

/// A token that a client presents: its id, and the digest of the whole text.
pub(super) struct PresentedToken<'a> {
    pub(super) id: &'a str,
    pub(super) digest: Digest,
}

impl<'a> PresentedToken<'a> {
    /// None if the text does not have the form of a token.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_hex = |text: &str, digits| {
            text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        (is_hex(id, ID_DIGITS) && is_hex(secret, SECRET_DIGITS))
            .then(|| Self { id, digest: Digest::of(text.as_bytes()) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_secret_is_not_shown_by_debug() {
        let secret = TokenSecret::generate("0123456789ab").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(secret.expose().len(), 4 + 12 + 1 + 64);
    }

    #[test]
    fn what_was_generated_is_read_back() {
        let secret = TokenSecret::generate("0123456789ab").unwrap();
        let claimed = PresentedToken::parse(secret.expose()).unwrap();
        assert_eq!((claimed.id, claimed.digest), ("0123456789ab", secret.digest()));
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let secret = "0".repeat(64);
        for text in ["", "lgt_", "lgt_0123456789ab", &format!("lgt_0123456789AB_{secret}"), &format!("lgt_0_{secret}")]
        {
            assert!(PresentedToken::parse(text).is_none(), "{text}");
        }
        assert!(PresentedToken::parse(&format!("lgt_0123456789ab_{secret}0")).is_none());
    }
}
