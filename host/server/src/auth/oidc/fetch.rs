//! Fetches the keys of an issuer: its discovery document, and the key set that it names. Redirects are not followed:
//! keys come only from the address that the configuration or the issuer names.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use lockgate_domain::Duration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::Agent;
use ureq::http::header::ACCEPT;

use crate::config::{IssuerConfig, check_uri};
use crate::process::outbound_agent;

/// The largest answer, in bytes.
const LARGEST: u64 = 1 << 20;

/// The address of an issuer's keys.
#[derive(Clone)]
pub(super) struct KeySource {
    issuer: String,
    jwks_uri: Option<String>,
    timeout: Duration,
}

/// Why the keys could not be fetched.
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

/// The required parts of a discovery document (OpenID Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct DiscoveryDocument {
    issuer: String,
    jwks_uri: String,
}

/// A key set (RFC 7517, section 5). Each key is read by itself, so that an unknown kind does not spoil the others.
#[derive(Deserialize)]
struct KeySetDocument {
    keys: Vec<Value>,
}

impl KeySource {
    pub(super) fn new(config: &IssuerConfig) -> Self {
        Self { issuer: config.issuer.clone(), jwks_uri: config.jwks_uri.clone(), timeout: config.keys.timeout }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Fetches the keys. Blocks until they are there.
    pub(super) fn fetch(&self) -> Result<Vec<PublicKey>, FetchError> {
        let agent = outbound_agent(std::time::Duration::from_millis(self.timeout.as_millis()));
        let place = match &self.jwks_uri {
            Some(uri) => uri.clone(),
            None => self.discover(&agent)?,
        };
        let documents: KeySetDocument = get(&agent, &place)?;
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
        let discovery: DiscoveryDocument = get(agent, &place)?;
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
    let mut answer = agent.get(place).header(ACCEPT, "application/json").call().map_err(failed)?;
    if answer.status() != ureq::http::StatusCode::OK {
        return Err(FetchError::new(place, format!("it answers {}", answer.status())));
    }
    let body = answer.body_mut().with_config().limit(LARGEST).read_to_vec().map_err(failed)?;
    serde_json::from_slice(&body).map_err(|error| FetchError::new(place, error))
}

/// A key that signatures can be verified with.
pub(super) struct PublicKey {
    id: Option<String>,
    /// The only algorithm for this key, if the issuer names one.
    only: Option<Algorithm>,
    /// Whether the kind of the key allows an algorithm.
    fits: fn(Algorithm) -> bool,
    key: Arc<DecodingKey>,
}

impl PublicKey {
    /// None if the key does not verify signatures, or is of an unknown kind. An issuer may have such keys too.
    pub(super) fn new(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        if common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
            return None;
        }
        if common.key_operations.as_ref().is_some_and(|may| !may.contains(&KeyOperations::Verify)) {
            return None;
        }
        let fits: fn(Algorithm) -> bool = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => |algorithm| algorithm.family() == AlgorithmFamily::Rsa,
            AlgorithmParameters::EllipticCurve(parameters) => match parameters.curve {
                EllipticCurve::P256 => |algorithm| algorithm == Algorithm::ES256,
                EllipticCurve::P384 => |algorithm| algorithm == Algorithm::ES384,
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(parameters) if parameters.curve == EllipticCurve::Ed25519 => {
                |algorithm| algorithm == Algorithm::EdDSA
            }
            // A shared secret in a public place is no secret.
            _ => return None,
        };
        let only = match common.key_algorithm {
            Some(KeyAlgorithm::UNKNOWN_ALGORITHM) => return None,
            Some(algorithm) => Some(Algorithm::try_from(algorithm).ok()?),
            None => None,
        };
        let key = Arc::new(DecodingKey::from_jwk(jwk).ok()?);
        Some(Self { id: common.key_id.clone(), only, fits, key })
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub(super) fn key(&self) -> Arc<DecodingKey> {
        Arc::clone(&self.key)
    }

    pub(super) fn is_for(&self, algorithm: Algorithm) -> bool {
        (self.fits)(algorithm) && self.only.is_none_or(|only| only == algorithm)
    }
}
