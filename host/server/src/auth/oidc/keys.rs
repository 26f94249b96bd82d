//! The public keys of an issuer, kept for a while.
//!
//! A known and fresh key costs nothing. Otherwise the issuer is asked, by one request for all that wait, and no more
//! often than configured, whatever tokens ask for. While the issuer does not answer, the known keys stay valid for a
//! while: an issuer that is down for an hour must not stop all deployments.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use jsonwebtoken::{Algorithm, DecodingKey};
use lockgate_domain::{Duration, Timestamp};
use tokio::sync::{Mutex, Semaphore};

use super::fetch::{FetchError, KeySource, PublicKey};
use crate::auth::{AuthError, CredentialRefusal};
use crate::config::{IssuerConfig, KeysConfig};

/// How many requests may wait for the keys of one issuer.
const MOST_WAITING: usize = 256;

/// The keys of one issuer.
pub(super) struct IssuerKeys(Arc<KeyCache>);

struct KeyCache {
    source: KeySource,
    times: KeysConfig,
    known: ArcSwapOption<FetchedKeys>,
    /// The last attempt to fetch the keys. The lock is held during an attempt.
    attempt: Mutex<Option<FetchAttempt>>,
    /// How many more requests may wait for the issuer.
    waiting: Semaphore,
}

#[derive(Clone, Copy)]
struct FetchAttempt {
    at: Timestamp,
    failed: bool,
}

struct FetchedKeys {
    fetched: Timestamp,
    keys: Vec<PublicKey>,
}

impl IssuerKeys {
    pub(super) fn new(config: &IssuerConfig) -> Self {
        let shared = KeyCache {
            source: KeySource::new(config),
            times: config.keys.clone(),
            known: ArcSwapOption::empty(),
            attempt: Mutex::default(),
            waiting: Semaphore::new(MOST_WAITING),
        };
        Self(Arc::new(shared))
    }

    /// The key with this name for this algorithm. A token may omit the name if there is only one key.
    pub(super) async fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<Arc<DecodingKey>, AuthError> {
        let shared = &self.0;
        let known = shared.known.load_full().filter(|known| known.is_younger(shared.times.refresh, now));
        if let Some(key) = known.and_then(|known| known.find(id, algorithm)) {
            return Ok(key);
        }
        // Anybody who presents a token waits here, before anybody knows who they are.
        let Ok(_waiting) = shared.waiting.try_acquire() else {
            let reason = "too many tokens of this issuer are waiting for its keys";
            return Err(AuthError::Unavailable { reason: reason.to_owned(), retry_after: 1 });
        };
        // A task of its own, which goes on if this request is given up.
        let attempt = tokio::spawn(Arc::clone(shared).refresh(now)).await;
        let attempt = attempt.unwrap_or(FetchAttempt { at: now, failed: true });
        let lasting = shared.times.refresh.as_millis().saturating_add(shared.times.stale.as_millis());
        let known = shared.known.load_full();
        let known = known.filter(|known| !known.is_older(Duration::from_millis(lasting), now));
        match known.map(|known| known.find(id, algorithm)) {
            Some(Some(key)) => Ok(key),
            Some(None) if !attempt.failed => Err(CredentialRefusal::Key.into()),
            _ => {
                let waited = now.as_millis().saturating_sub(attempt.at.as_millis()).max(0).unsigned_abs();
                let left = shared.times.retry.as_millis().saturating_sub(waited).div_ceil(1000);
                let reason = "the issuer of the token cannot be reached, so the token cannot be verified";
                Err(AuthError::Unavailable { reason: reason.to_owned(), retry_after: left.max(1) })
            }
        }
    }
}

impl KeyCache {
    /// Fetches the keys, if it is time to.
    async fn refresh(self: Arc<Self>, now: Timestamp) -> FetchAttempt {
        let mut last = self.attempt.lock().await;
        if let Some(last) = *last
            && is_within(now, last.at, self.times.retry)
        {
            return last;
        }
        let source = self.source.clone();
        let fetched = tokio::task::spawn_blocking(move || source.fetch()).await;
        let fetched = fetched.unwrap_or_else(|error| Err(FetchError::new(self.source.issuer(), error)));
        let failed = match fetched {
            Ok(keys) => {
                self.known.store(Some(Arc::new(FetchedKeys { fetched: now, keys })));
                false
            }
            Err(error) => {
                tracing::warn!(issuer = self.source.issuer(), %error, "the keys of an issuer could not be fetched");
                true
            }
        };
        let attempt = FetchAttempt { at: now, failed };
        *last = Some(attempt);
        attempt
    }
}

/// Whether at most `length` has passed since. Not if the clock was set back.
fn is_within(now: Timestamp, since: Timestamp, length: Duration) -> bool {
    let passed = u64::try_from(now.as_millis().saturating_sub(since.as_millis()));
    passed.is_ok_and(|passed| passed < length.as_millis())
}

impl FetchedKeys {
    fn is_younger(&self, age: Duration, now: Timestamp) -> bool {
        is_within(now, self.fetched, age)
    }

    fn is_older(&self, age: Duration, now: Timestamp) -> bool {
        now >= self.fetched && !is_within(now, self.fetched, age)
    }

    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Arc<DecodingKey>> {
        let mut fitting = self.keys.iter().filter(|key| key.is_for(algorithm));
        let found = match id {
            Some(id) => fitting.find(|key| key.id() == Some(id))?,
            None => fitting.next().filter(|_| fitting.next().is_none())?,
        };
        Some(found.key())
    }
}
