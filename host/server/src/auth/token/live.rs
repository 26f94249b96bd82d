//! The tokens of a running server: a change that any process writes into the ledger takes effect within a second.

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

/// How long a read of the ledger counts as fresh, in milliseconds. An unknown token causes a new read at once.
const FRESH: i64 = 1000;
/// The ledger was never read.
const NEVER: i64 = i64::MIN;

/// The tokens, kept up to date with the ledger. Cheap to clone.
#[derive(Clone)]
pub(in crate::auth) struct LiveTokens {
    shared: Arc<TokenCache>,
}

/// How current the tokens must be for a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerFreshness {
    /// As of the last second. The ledger is read if nobody read it within the last second.
    LastSecond,
    /// As of now. The ledger is read.
    Now,
}

/// An accepted token text, which can be checked again.
pub(in crate::auth) struct AcceptedToken {
    tokens: LiveTokens,
    id: String,
    digest: Digest,
}

struct TokenCache {
    storage: Arc<dyn Storage>,
    tokens: ArcSwap<Tokens>,
    /// When the ledger was last read, in milliseconds since 1970.
    looked: AtomicI64,
    /// The same by a clock that never stops, in milliseconds since the tokens were first needed: the ledger's clock
    /// stands still while the system's is behind.
    looked_after: AtomicU64,
    begun: Instant,
    /// Held while reading, so that no thread replaces a newer state by an older one.
    reading: Mutex<()>,
    /// Held while looking for unknown tokens.
    looks: tokio::sync::Mutex<()>,
    /// How many reads for unknown tokens have begun.
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

    /// The actor for a token.
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

    /// The token with this text, if it is accepted. Its state is at most a second old.
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

    /// Whether it is time to read. Of all threads that find this, only one reads.
    fn is_due(&self, now: Timestamp) -> bool {
        let looked = self.shared.looked.load(Ordering::Acquire);
        // A clock that was set back makes it time to read, too.
        let by_now = (0..FRESH).contains(&now.as_millis().saturating_sub(looked));
        let is_fresh = looked != NEVER && by_now && self.shared.looked_lately();
        let claim = || {
            let exchange =
                self.shared.looked.compare_exchange(looked, now.as_millis(), Ordering::AcqRel, Ordering::Acquire);
            if exchange.is_ok() {
                self.shared.note_look();
            }
            // The first requests all wait, because there is no state yet.
            exchange.is_ok() || looked == NEVER
        };
        !is_fresh && claim()
    }

    /// Reads the new entries of the ledger. All requests that come during one read share the next one: however many
    /// unknown tokens are presented, one thread reads at a time.
    async fn look_together(&self, now: Timestamp) -> Result<(), AuthError> {
        let shared = &self.shared;
        let begun = shared.looks_begun.load(Ordering::Acquire);
        let _looking = shared.looks.lock().await;
        let is_shared = shared.looks_begun.load(Ordering::Acquire) > begun;
        // After a failure, each request reads for itself.
        if is_shared && shared.looked.load(Ordering::Acquire) != NEVER {
            return Ok(());
        }
        shared.looks_begun.fetch_add(1, Ordering::AcqRel);
        self.look(now).await
    }

    /// Reads the new entries of the ledger.
    async fn look(&self, now: Timestamp) -> Result<(), AuthError> {
        let shared = Arc::clone(&self.shared);
        let looked = read(move || shared.look(now)).await;
        looked.unwrap_or_else(|error| Err(unreadable(&error)))
    }
}

impl AcceptedToken {
    /// Checks that the text is still accepted. The state is at most a second old.
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
    /// The token with this text, or why it is refused. None: no such text is known.
    fn known(&self, claimed: &PresentedToken<'_>, now: Timestamp) -> Option<Result<Arc<Token>, CredentialRefusal>> {
        let tokens = self.tokens.load();
        let token = tokens.get(claimed.id).filter(|token| token.accepts(&claimed.digest, now))?;
        Some(token.check(now).map(|()| Arc::clone(token)))
    }

    /// Whether the ledger was read within the last second, however the clock was set.
    fn looked_lately(&self) -> bool {
        let after = u128::from(self.looked_after.load(Ordering::Acquire));
        self.begun.elapsed().as_millis().saturating_sub(after) < u128::from(FRESH.unsigned_abs())
    }

    fn note_look(&self) {
        let after = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.looked_after.store(after, Ordering::Release);
    }

    /// Reads the new entries of the ledger.
    fn look(&self, now: Timestamp) -> Result<(), AuthError> {
        let _reading = self.reading.lock();
        self.note_look();
        let read = self.catch_up();
        // After a failure the next request reads again, and does not rely on an old state.
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
