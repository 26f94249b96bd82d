//! Getting the keys of an issuer: its discovery document, and the set of keys that it names.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::jwk::Jwk;
use lockgate_domain::Duration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use super::keys::PublicKey;
use crate::config::{IssuerConfig, check_uri};

/// How large an answer may be, in bytes.
const LARGEST: u64 = 1 << 20;

/// Where the keys of an issuer are.
#[derive(Clone)]
pub(super) struct Source {
    issuer: String,
    jwks_uri: Option<String>,
    timeout: Duration,
}

/// Why there are none.
#[derive(Debug, thiserror::Error)]
#[error("`{place}`: {why}")]
pub(super) struct FetchError {
    place: String,
    why: String,
}

impl FetchError {
    pub(super) fn new(place: &str, why: impl fmt::Display) -> Self {
        Self { place: place.to_owned(), why: why.to_string() }
    }
}

/// What is needed of a discovery document (OpenID Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// A set of keys (RFC 7517, section 5). What a key is, is read for each by itself: one that is not known here shall not
/// spoil the others.
#[derive(Deserialize)]
struct KeyDocuments {
    keys: Vec<Value>,
}

impl Source {
    pub(super) fn new(config: &IssuerConfig) -> Self {
        Self { issuer: config.issuer.clone(), jwks_uri: config.jwks_uri.clone(), timeout: config.keys.timeout }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Blocks until they are there.
    pub(super) fn fetch(&self) -> Result<Vec<PublicKey>, FetchError> {
        let agent = agent(self.timeout);
        let place = match &self.jwks_uri {
            Some(uri) => uri.clone(),
            None => self.discover(&agent)?,
        };
        let documents: KeyDocuments = get(&agent, &place)?;
        let read = |document| serde_json::from_value::<Jwk>(document).ok();
        let keys: Vec<PublicKey> =
            documents.keys.into_iter().filter_map(read).filter_map(|key| PublicKey::new(&key)).collect();
        if keys.is_empty() {
            return Err(FetchError::new(&place, "it holds no key for verifying signatures"));
        }
        Ok(keys)
    }

    fn discover(&self, agent: &Agent) -> Result<String, FetchError> {
        let place = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let discovery: Discovery = get(agent, &place)?;
        if discovery.issuer != self.issuer {
            let why = format!("its issuer is `{}`, not `{}`", discovery.issuer, self.issuer);
            return Err(FetchError::new(&place, why));
        }
        check_uri(&discovery.jwks_uri).map_err(|why| FetchError::new(&place, why))?;
        Ok(discovery.jwks_uri)
    }
}

fn get<T: DeserializeOwned>(agent: &Agent, place: &str) -> Result<T, FetchError> {
    let failed = |error: ureq::Error| FetchError::new(place, error);
    let mut answer = agent.get(place).call().map_err(failed)?;
    if answer.status() != ureq::http::StatusCode::OK {
        return Err(FetchError::new(place, format!("it answers {}", answer.status())));
    }
    let body = answer.body_mut().with_config().limit(LARGEST).read_to_vec().map_err(failed)?;
    serde_json::from_slice(&body).map_err(|error| FetchError::new(place, error))
}

fn agent(timeout: Duration) -> Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(std::time::Duration::from_millis(timeout.as_millis())))
        // Keys are where the configuration or the issuer says, and nowhere else.
        .max_redirects(0)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .user_agent(concat!("lockgate/", env!("CARGO_PKG_VERSION")))
        .accept("application/json")
        .build()
        .into()
}
