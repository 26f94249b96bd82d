//! Checks that a credential is still accepted, long after the head of its request.
//!
//! A request can take its time: it waits for a gate, sends a large body, stands in a queue, or follows events for
//! minutes. Meanwhile its credential may be revoked or rotated, or expire. So [`authenticate`](super::authenticate)
//! adds a [`CredentialSession`] to the extensions of the request, beside the actor, and every call that has an effect
//! checks it again.

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

/// The result of authentication.
#[derive(Clone, Debug)]
pub struct Authentication {
    pub actor: Actor,
    /// The credential, which can be checked again.
    pub session: CredentialSession,
}

/// An accepted credential that can be checked again. Cheap to clone. It keeps the ledger open, so it lives no longer
/// than its request.
#[derive(Clone)]
pub struct CredentialSession {
    accepted: Arc<SessionState>,
    /// The request that presented the credential. Its metrics count refusals.
    exchange: Option<HttpExchange>,
}

struct SessionState {
    credential: CredentialValidity,
    realm: Arc<str>,
    clock: Arc<LedgerClock>,
}

/// The kind of the presented credential.
pub(super) enum CredentialValidity {
    /// No credential: everybody is let in.
    Open,
    /// An API token.
    Token(AcceptedToken),
    /// An identity token or a certificate.
    Dated(CredentialLifetime),
}

/// The lifetime of a credential that names its own end. Nobody can revoke such a credential earlier.
#[derive(Clone, Copy, Debug)]
pub(super) struct CredentialLifetime {
    /// The kind of credential, for people.
    pub(super) what: &'static str,
    /// The end that the credential names.
    pub(super) expires: Timestamp,
    /// The moment from which on it is refused: a little later, because clocks differ.
    pub(super) refused_from: Timestamp,
}

impl CredentialLifetime {
    /// # Errors
    /// If the lifetime is over.
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

    /// The same, with refusals counted in the metrics of this request.
    pub(super) fn of_request(self, exchange: Option<HttpExchange>) -> Self {
        Self { exchange, ..self }
    }

    /// The time that the credential is checked against, and the time of the work that is done with it.
    pub fn now(&self) -> Timestamp {
        self.accepted.clock.now()
    }

    /// Checks that the credential is still accepted, as of the last second.
    ///
    /// # Errors
    /// The error that a new request with this credential would get.
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
    /// The error that a new request with this credential would get.
    pub fn check_blocking(&self, now: Timestamp, as_of: LedgerFreshness) -> Result<(), AuthError> {
        match &self.accepted.credential {
            CredentialValidity::Token(token) => token.check_blocking(now, as_of),
            CredentialValidity::Dated(lifetime) => Ok(lifetime.check(now)?),
            CredentialValidity::Open => Ok(()),
        }
    }

    /// [`check`](Self::check), with the error as the answer to the client.
    ///
    /// # Errors
    /// If the credential is no longer accepted.
    pub async fn require(&self) -> Result<(), Problem> {
        self.check(self.now()).await.map_err(|error| self.refused(&error))
    }

    /// [`check_blocking`](Self::check_blocking), with the error as the answer to the client.
    ///
    /// # Errors
    /// If the credential is no longer accepted.
    pub fn require_blocking(&self, as_of: LedgerFreshness) -> Result<(), Problem> {
        self.check_blocking(self.now(), as_of).map_err(|error| self.refused(&error))
    }

    /// The answer to the client, if its credential ended before the write.
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
