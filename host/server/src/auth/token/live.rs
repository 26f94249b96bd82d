//! The tokens as a running server sees them: what any process writes into the ledger counts within a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use lockgate_domain::{Digest, Timestamp};
use lockgate_ledger::Storage;
use lockgate_service::authority::Actor;
use parking_lot::Mutex;

use super::event::ACCESS_STREAM;
use super::fold::{Token, Tokens};
use super::{PresentedToken, TokenError};
use crate::auth::{AuthError, CredentialRefusal};
use crate::process::read;

/// For how long nobody looks whether the ledger has more, in milliseconds. A token that is not found is looked for at
/// once all the same.
const FRESH: i64 = 1000;
/// The ledger was never looked at.
const NEVER: i64 = i64::MIN;

/// The tokens, kept up with the ledger. Cheap to clone.
#[derive(Clone)]
pub(in crate::auth) struct LiveTokens {
    shared: Arc<TokenCache>,
}

/// How much of the ledger a check of an API token has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerFreshness {
    /// All that was written until a second ago. The ledger is read if nobody read it within the last second.
    LastSecond,
    /// All that was written until now. The ledger is read.
    Now,
}

/// A text of a token that was accepted, to be asked again whether it still is.
pub(in crate::auth) struct AcceptedToken {
    tokens: LiveTokens,
    id: String,
    digest: Digest,
}

struct TokenCache {
    storage: Arc<dyn Storage>,
    tokens: ArcSwap<Tokens>,
    /// When the ledger was looked at last, in milliseconds since 1970.
    looked: AtomicI64,
    /// The same by a clock that always goes on, in milliseconds since the tokens were first needed: that of the ledger stands
    /// still while the system's is behind.
    looked_after: AtomicU64,
    begun: Instant,
    /// Held by whoever reads, so that nobody puts an older state in the place of a newer one.
    reading: Mutex<()>,
    /// Held by the one who looks for unknown tokens.
    looks: tokio::sync::Mutex<()>,
    /// How many such looks have begun.
    looks_begun: AtomicU64,
}

impl LiveTokens {
    pub(in crate::auth) fn new(storage: Arc<dyn Storage>) -> Self {
        let tokens = ArcSwap::from_pointee(Tokens::default());
        let shared = TokenCache {
            storage,
            tokens,
            looked: AtomicI64::new(NEVER),
            looked_after: AtomicU64::new(0),
            begun: Instant::now(),
            reading: Mutex::default(),
            looks: tokio::sync::Mutex::default(),
            looks_begun: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Whose token it is.
    pub(in crate::auth) async fn authenticate(
        &self,
        text: &str,
        now: Timestamp,
    ) -> Result<(Actor, AcceptedToken), AuthError> {
        let claimed = PresentedToken::parse(text)
            .ok_or(CredentialRefusal::NoToken("it has the prefix of an API token, and not the form"))?;
        let actor = self.find(&claimed, now).await?.actor();
        Ok((actor, AcceptedToken { tokens: self.clone(), id: claimed.id.to_owned(), digest: claimed.digest }))
    }

    /// The token of that text, if it is accepted. What the ledger says of it is at most a second old.
    async fn find(&self, claimed: &PresentedToken<'_>, now: Timestamp) -> Result<Arc<Token>, AuthError> {
        if self.is_due(now) {
            self.look(now).await?;
        }
        let mut found = self.shared.known(claimed, now);
        if found.is_none() {
            self.look_together(now).await?;
            found = self.shared.known(claimed, now);
        }
        Ok(found.unwrap_or(Err(CredentialRefusal::Unknown))?)
    }

    /// Whether it is time to look, and nobody else is at it: of all who find that it is, one looks.
    fn is_due(&self, now: Timestamp) -> bool {
        let looked = self.shared.looked.load(Ordering::Acquire);
        // If the clock was set back, too.
        let by_now = (0..FRESH).contains(&now.as_millis().saturating_sub(looked));
        let is_fresh = looked != NEVER && by_now && self.shared.looked_lately();
        let claim = || {
            let exchange =
                self.shared.looked.compare_exchange(looked, now.as_millis(), Ordering::AcqRel, Ordering::Acquire);
            if exchange.is_ok() {
                self.shared.note_look();
            }
            // The first ones all wait: there is nothing to go by yet.
            exchange.is_ok() || looked == NEVER
        };
        !is_fresh && claim()
    }

    /// Reads what the ledger has more. All who ask while one look is going on share the next one: however many unknown tokens are
    /// presented, one thread reads at a time.
    async fn look_together(&self, now: Timestamp) -> Result<(), AuthError> {
        let shared = &self.shared;
        let begun = shared.looks_begun.load(Ordering::Acquire);
        let _looking = shared.looks.lock().await;
        let is_shared = shared.looks_begun.load(Ordering::Acquire) > begun;
        // After a failure, everybody looks for themselves.
        if is_shared && shared.looked.load(Ordering::Acquire) != NEVER {
            return Ok(());
        }
        shared.looks_begun.fetch_add(1, Ordering::AcqRel);
        self.look(now).await
    }

    /// Reads what the ledger has more.
    async fn look(&self, now: Timestamp) -> Result<(), AuthError> {
        let shared = Arc::clone(&self.shared);
        let looked = read(move || shared.look(now)).await;
        looked.unwrap_or_else(|error| Err(unreadable(&error)))
    }
}

impl AcceptedToken {
    /// Checks that the text is still accepted. What the ledger says of it is at most a second old.
    pub(in crate::auth) async fn check(&self, now: Timestamp) -> Result<(), AuthError> {
        self.tokens.find(&self.claimed(), now).await.map(drop)
    }

    /// Checks that the text is still accepted, on a thread that may read the ledger.
    pub(in crate::auth) fn check_blocking(&self, now: Timestamp, as_of: LedgerFreshness) -> Result<(), AuthError> {
        let shared = &self.tokens.shared;
        let known = || shared.known(&self.claimed(), now);
        let is_new_enough = as_of == LedgerFreshness::LastSecond && !self.tokens.is_due(now);
        let known = match known().filter(|_| is_new_enough) {
            Some(known) => known,
            None => {
                shared.look(now)?;
                known().unwrap_or(Err(CredentialRefusal::Unknown))
            }
        };
        Ok(known.map(drop)?)
    }

    fn claimed(&self) -> PresentedToken<'_> {
        PresentedToken { id: &self.id, digest: self.digest }
    }
}

impl TokenCache {
    /// The token of that text, or why it is refused. None: no such text was handed out, as far as is known.
    fn known(&self, claimed: &PresentedToken<'_>, now: Timestamp) -> Option<Result<Arc<Token>, CredentialRefusal>> {
        let tokens = self.tokens.load();
        let token = tokens.get(claimed.id).filter(|token| token.accepts(&claimed.digest, now))?;
        Some(token.check(now).map(|()| Arc::clone(token)))
    }

    /// Whether the ledger was looked at within the last second, however the clock was set.
    fn looked_lately(&self) -> bool {
        let after = u128::from(self.looked_after.load(Ordering::Acquire));
        self.begun.elapsed().as_millis().saturating_sub(after) < u128::from(FRESH.unsigned_abs())
    }

    fn note_look(&self) {
        let after = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.looked_after.store(after, Ordering::Release);
    }

    /// Reads what the ledger has more.
    fn look(&self, now: Timestamp) -> Result<(), AuthError> {
        let _reading = self.reading.lock();
        self.note_look();
        let read = self.catch_up();
        // After a failure the next one looks again, instead of going by what may be over.
        self.looked.store(if read.is_ok() { now.as_millis() } else { NEVER }, Ordering::Release);
        read.map_err(|error| match error {
            TokenError::Ledger(error) => AuthError::ledger(&error),
            error => unreadable(&error),
        })
    }

    fn catch_up(&self) -> Result<(), TokenError> {
        let known = self.tokens.load();
        if self.storage.version(ACCESS_STREAM)? == known.version() {
            return Ok(());
        }
        let mut tokens = Tokens::clone(&known);
        tokens.catch_up(self.storage.as_ref())?;
        self.tokens.store(Arc::new(tokens));
        Ok(())
    }
}

fn unreadable(error: &dyn std::error::Error) -> AuthError {
    tracing::error!(%error, "credentials could not be checked");
    AuthError::Unavailable {
        reason: "credentials cannot be checked at the moment: retry after 1 s".to_owned(),
        retry_after: 1,
    }
}
