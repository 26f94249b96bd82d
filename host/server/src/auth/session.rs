//! Whether a credential is still accepted, long after the head of its request.
//!
//! A request can take its time: it waits for a gate, sends a large body, stands in a queue, or follows events for minutes.
//! What it does then, it does with a credential that may have been revoked, rotated or have expired since. So
//! [`authenticate`](super::authenticate) puts a [`CredentialSession`] among the extensions of the request, beside the actor, and
//! whatever has an effect asks it again.

use std::fmt;
use std::sync::Arc;

use axum::http::StatusCode;
use lockgate_domain::Timestamp;
use lockgate_ledger::LedgerClock;
use lockgate_service::authority::{Actor, CredentialCheck, CredentialEnded};

use super::token::{AcceptedToken, LedgerFreshness};
use super::{AuthError, CredentialRefusal};
use crate::observe::HttpExchange;
use crate::problem::Problem;

/// Who asks, and the credential that said so.
#[derive(Clone, Debug)]
pub struct Authentication {
    /// Who asks.
    pub actor: Actor,
    /// The credential, to be asked again.
    pub session: CredentialSession,
}

/// A credential that was accepted, to be asked again whether it still is. Cheap to clone. It keeps the ledger open, so it
/// lives no longer than its request.
#[derive(Clone)]
pub struct CredentialSession {
    accepted: Arc<SessionState>,
    /// The request that presented the credential: refusals are counted in its metrics.
    exchange: Option<HttpExchange>,
}

struct SessionState {
    credential: CredentialValidity,
    realm: Arc<str>,
    clock: Arc<LedgerClock>,
}

/// What was presented.
pub(super) enum CredentialValidity {
    /// Nothing: everybody is let in.
    Open,
    /// An API token.
    Token(AcceptedToken),
    /// An identity token or a certificate.
    Dated(CredentialLifetime),
}

/// The end of a credential that names it itself. Nobody can take such a credential back before.
#[derive(Clone, Copy, Debug)]
pub(super) struct CredentialLifetime {
    /// What the credential is, for people.
    pub(super) what: &'static str,
    /// The end that it names.
    pub(super) expires: Timestamp,
    /// From when on it is refused: clocks differ, so that is later.
    pub(super) refused_from: Timestamp,
}

impl CredentialLifetime {
    /// # Errors
    /// If it is over.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), CredentialRefusal> {
        match now < self.refused_from {
            true => Ok(()),
            false => Err(CredentialRefusal::Expired { what: self.what, at: self.expires }),
        }
    }
}

impl CredentialSession {
    pub(super) fn new(credential: CredentialValidity, realm: Arc<str>, clock: Arc<LedgerClock>) -> Self {
        Self { accepted: Arc::new(SessionState { credential, realm, clock }), exchange: None }
    }

    /// The same, with its refusals counted in the metrics of that request.
    pub(super) fn of_request(self, exchange: Option<HttpExchange>) -> Self {
        Self { exchange, ..self }
    }

    /// The time that the credential is held against, and that what is done with it is done at.
    pub fn now(&self) -> Timestamp {
        self.accepted.clock.now()
    }

    /// Checks that the credential is still accepted, as of the last second.
    ///
    /// # Errors
    /// What somebody would be told who presented the credential now.
    pub async fn check(&self, now: Timestamp) -> Result<(), AuthError> {
        match &self.accepted.credential {
            CredentialValidity::Token(token) => token.check(now).await,
            CredentialValidity::Dated(lifetime) => Ok(lifetime.check(now)?),
            CredentialValidity::Open => Ok(()),
        }
    }

    /// Checks that the credential is still accepted, on a thread that may read the ledger.
    ///
    /// # Errors
    /// What somebody would be told who presented the credential now.
    pub fn check_blocking(&self, now: Timestamp, as_of: LedgerFreshness) -> Result<(), AuthError> {
        match &self.accepted.credential {
            CredentialValidity::Token(token) => token.check_blocking(now, as_of),
            CredentialValidity::Dated(lifetime) => Ok(lifetime.check(now)?),
            CredentialValidity::Open => Ok(()),
        }
    }

    /// [`check`](Self::check), with the answer to whoever sent the request.
    ///
    /// # Errors
    /// If the credential is no longer accepted.
    pub async fn require(&self) -> Result<(), Problem> {
        self.check(self.now()).await.map_err(|error| self.refused(&error))
    }

    /// [`check_blocking`](Self::check_blocking), with the answer to whoever sent the request.
    ///
    /// # Errors
    /// If the credential is no longer accepted.
    pub fn require_blocking(&self, as_of: LedgerFreshness) -> Result<(), Problem> {
        self.check_blocking(self.now(), as_of).map_err(|error| self.refused(&error))
    }

    /// The answer to whoever sent the request, if its credential ended before the engine wrote something.
    pub fn ended(&self, ended: &CredentialEnded) -> Problem {
        match ended.0.downcast_ref() {
            Some(error) => self.refused(error),
            None => Problem::of_status(StatusCode::UNAUTHORIZED).detail(ended.to_string()),
        }
    }

    fn refused(&self, error: &AuthError) -> Problem {
        tracing::info!(%error, "credentials refused that had been accepted");
        if let Some(exchange) = &self.exchange {
            error.count(exchange.metrics());
        }
        error.problem(&self.accepted.realm)
    }
}

impl CredentialCheck for CredentialSession {
    fn still_accepted(&self) -> Result<(), CredentialEnded> {
        self.check_blocking(self.now(), LedgerFreshness::Now).map_err(|error| CredentialEnded(Box::new(error)))
    }

    fn was_accepted_lately(&self) -> Result<(), CredentialEnded> {
        self.check_blocking(self.now(), LedgerFreshness::LastSecond).map_err(|error| CredentialEnded(Box::new(error)))
    }
}

impl fmt::Debug for CredentialSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(..)")
    }
}
