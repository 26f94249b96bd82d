//! Authentication: finds the [`Actor`] for the credentials of a request, or says why there is none.
//!
//! Lockgate accepts three kinds of credentials: an API [`token`], which this server issued; an identity token of a
//! trusted issuer (OpenID Connect); and a client certificate, which TLS has verified. The `Authorization` header takes
//! precedence over the certificate, because a proxy may have a certificate of its own. A wrong credential is refused,
//! even if the request presents another one.
//!
//! The rights of an authenticated actor are decided elsewhere: in [`lockgate_service::authority`].

pub mod access;
mod certificate;
mod error;
mod middleware;
mod oidc;
mod session;
mod throttle;
pub mod token;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::HeaderValue;
use lockgate_domain::{CredentialKind, Teams, Timestamp, role_names};
use lockgate_ledger::{LedgerClock, Storage};
use lockgate_service::authority::Actor;
use tokio::sync::Semaphore;

pub use error::{AuthError, CredentialRefusal};
pub use middleware::authenticate;
pub use session::{Authentication, CredentialSession};
pub use token::LedgerFreshness;

use self::certificate::CertificateRules;
use self::oidc::Issuer;
use self::session::CredentialValidity;
use self::throttle::Throttle;
use self::token::{LiveTokens, own_person};
use crate::config::{AuthConfig, SettingFault};
use crate::connection::ConnectionActivity;

/// How long the answer to a failed attempt is delayed after too many failures.
const HOLD_BACK: std::time::Duration = std::time::Duration::from_secs(1);

/// How many answers are delayed at once.
const HELD_BACK: usize = 1024;

/// The credentials that a request presents.
#[derive(Clone, Copy)]
pub struct PresentedCredentials<'a> {
    /// The header `Authorization`.
    pub authorization: Option<&'a HeaderValue>,
    /// The client certificate of the connection, in DER. TLS has verified it.
    pub certificate: Option<&'a [u8]>,
    /// The address of the client. Failed attempts are counted by it. None: they are not counted.
    pub peer: Option<SocketAddr>,
    /// The time that credentials are checked against.
    pub now: Timestamp,
    /// The system's time, for measuring durations: since failed attempts, and since the keys of issuers were fetched.
    pub system: Timestamp,
}

/// Authenticates requests.
pub struct Authenticator {
    realm: Arc<str>,
    clock: Arc<LedgerClock>,
    /// None: everybody may do everything.
    checks: Option<CredentialChecks>,
    /// How many more answers may be delayed.
    held_back: Semaphore,
}

struct CredentialChecks {
    tokens: LiveTokens,
    issuers: Vec<Issuer>,
    certificates: CertificateRules,
    throttle: Throttle,
}

impl Authenticator {
    /// An authenticator for the configured credentials, and for the API tokens in the ledger.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration.
    pub fn new(config: &AuthConfig, storage: Arc<dyn Storage>) -> Result<Self, Vec<SettingFault>> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        let clock = Arc::clone(storage.clock());
        let checks = CredentialChecks {
            tokens: LiveTokens::new(storage),
            issuers: config.oidc.iter().map(Issuer::new).collect(),
            certificates: CertificateRules::new(&config.certificates),
            throttle: Throttle::new(config.throttle.failures, config.throttle.per),
        };
        Ok(Self {
            realm: config.realm.as_str().into(),
            clock,
            checks: Some(checks),
            held_back: Semaphore::new(HELD_BACK),
        })
    }

    /// An authenticator that takes everybody for `anonymous@localhost`, who holds every role and sees every team: for
    /// trials on one machine. The operator must make sure that nobody else can reach the endpoint.
    pub fn open(clock: Arc<LedgerClock>) -> Self {
        let realm = AuthConfig::default().realm.into();
        Self { realm, clock, checks: None, held_back: Semaphore::new(HELD_BACK) }
    }

    /// Whether it lets everybody in.
    pub fn is_open(&self) -> bool {
        self.checks.is_none()
    }

    /// The time that credentials are checked against.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The realm in challenges for credentials.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The actor, and the credential.
    ///
    /// # Errors
    /// Why there is no actor: no credential was presented, it is not accepted (and perhaps too many others from that
    /// address were not), or it cannot be checked at the moment.
    pub async fn authenticate(&self, presented: PresentedCredentials<'_>) -> Result<Authentication, AuthError> {
        let (actor, credential) = match &self.checks {
            Some(checks) => checks.of_request(presented).await?,
            None => (anonymous(), CredentialValidity::Open),
        };
        Ok(Authentication {
            actor,
            session: CredentialSession::new(credential, Arc::clone(&self.realm), Arc::clone(&self.clock)),
        })
    }

    /// Waits before answering a client whose address has failed too often. The connection counts as silent meanwhile,
    /// so it is closed if others need its place.
    async fn hold_back(&self, connection: Option<&Arc<ConnectionActivity>>) {
        // After very many failures, delaying all answers would cost too much, so the connection is closed instead.
        let Ok(_held) = self.held_back.try_acquire() else {
            return connection.into_iter().for_each(|connection| connection.end());
        };
        let _paused = connection.map(ConnectionActivity::pause);
        tokio::time::sleep(HOLD_BACK).await;
    }

    /// The holder of a client certificate, in DER, that TLS has verified.
    ///
    /// # Errors
    /// If no rule matches the certificate, or it has expired.
    pub fn of_certificate(&self, der: &[u8], now: Timestamp) -> Result<Actor, AuthError> {
        match &self.checks {
            Some(checks) => Ok(checks.certificates.of_certificate(der, now)?.0),
            None => Ok(anonymous()),
        }
    }
}

impl CredentialChecks {
    async fn of_request(&self, presented: PresentedCredentials<'_>) -> Result<(Actor, CredentialValidity), AuthError> {
        match (presented.authorization, presented.certificate) {
            (Some(header), _) => self.of_header(header, &presented).await,
            (None, Some(der)) if !self.certificates.is_empty() => {
                let (actor, lifetime) = self.certificates.of_certificate(der, presented.now)?;
                Ok((actor, CredentialValidity::Dated(lifetime)))
            }
            _ => Err(AuthError::Missing),
        }
    }

    async fn of_header(
        &self,
        header: &HeaderValue,
        &PresentedCredentials { peer, now, system, .. }: &PresentedCredentials<'_>,
    ) -> Result<(Actor, CredentialValidity), AuthError> {
        let outcome = self.of_token(bearer(header)?, now, system).await;
        let Err(AuthError::Refused(refusal)) = &outcome else { return outcome };
        // Only now, so that valid credentials are accepted even from an address from which somebody guesses.
        if let Some(peer) = peer.filter(|_| refusal.is_guess()) {
            if let Some(retry_after) = self.throttle.blocked(peer, system) {
                return Err(AuthError::Throttled { retry_after });
            }
            self.throttle.failed(peer, system);
        }
        tracing::info!(peer = peer.map(tracing::field::display), %refusal, "credentials refused");
        outcome
    }

    async fn of_token(
        &self,
        token: &str,
        now: Timestamp,
        system: Timestamp,
    ) -> Result<(Actor, CredentialValidity), AuthError> {
        if token.starts_with(token::PREFIX) {
            let (actor, accepted) = self.tokens.authenticate(token, now).await?;
            return Ok((actor, CredentialValidity::Token(accepted)));
        }
        let (actor, lifetime) = oidc::authenticate(&self.issuers, token, now, system).await?;
        Ok((actor, CredentialValidity::Dated(lifetime)))
    }
}

/// The token of a header (RFC 6750, section 2.1).
fn bearer(header: &HeaderValue) -> Result<&str, AuthError> {
    let text = header.to_str().map_err(|_| AuthError::Malformed("it holds characters other than visible ASCII"))?;
    let (scheme, token) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(AuthError::Scheme);
    }
    let token = token.trim();
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    match token.trim_end_matches('=') {
        "" => Err(AuthError::Malformed("the token after `Bearer` is missing")),
        body if body.bytes().all(is_part) => Ok(token),
        _ => Err(AuthError::Malformed("the token after `Bearer` holds characters that are not allowed in tokens")),
    }
}

fn anonymous() -> Actor {
    Actor {
        person: own_person("anonymous@localhost", "Anybody on this machine", &role_names()),
        teams: Teams::All,
        scopes: None,
        credential: "none".to_owned(),
        kind: CredentialKind::Person,
    }
}

#[cfg(test)]
mod tests {

    use lockgate_domain::Right;

    use super::*;

    #[test]
    fn whoever_is_not_authenticated_on_purpose_may_do_everything() {
        assert_eq!(Right::ALL.into_iter().find(|right| !anonymous().may(*right)), None);
    }

    #[test]
    fn whoever_is_not_authenticated_on_purpose_is_a_person() {
        assert_eq!(anonymous().kind, CredentialKind::Person);
    }

    #[test]
    fn a_bearer_token_is_read_as_rfc_6750_writes_it() {
        let read = |text: &'static str| bearer(&HeaderValue::from_static(text)).map(str::to_owned);
        assert_eq!(read("Bearer mF_9.B5f-4.1JqM="), Ok("mF_9.B5f-4.1JqM=".to_owned()));
        assert_eq!(read("bearer  abc "), Ok("abc".to_owned()));
        assert_eq!(read("Basic dXNlcjpwYXNz"), Err(AuthError::Scheme));
        assert_eq!(read("Bearer"), Err(AuthError::Malformed("the token after `Bearer` is missing")));
        let malformed =
            AuthError::Malformed("the token after `Bearer` holds characters that are not allowed in tokens");
        assert_eq!(read("Bearer a b"), Err(malformed.clone()));
        assert_eq!(read("Bearer a=b"), Err(malformed));
    }
}
