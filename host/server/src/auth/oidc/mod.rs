//! Identity tokens of OpenID Connect issuers: a CI job signs in with the token that its CI system gives it.
//!
//! The token names its issuer, and the issuer determines the keys. Nothing else in the token is believed before one of
//! these keys has verified the signature ([`verify`]). [`keys`] fetches and keeps the keys; [`claims`] finds the person
//! that the token stands for.

mod claims;
mod fetch;
mod keys;
mod verify;

use jsonwebtoken::{Header, decode_header};
use lockgate_domain::Timestamp;
use lockgate_service::authority::Actor;

use self::claims::ClaimMapping;
use self::keys::IssuerKeys;
use super::session::CredentialLifetime;
use super::{AuthError, CredentialRefusal};
use crate::config::IssuerConfig;

/// The longest token, in bytes.
const LONGEST: usize = 16 << 10;
/// The longest key name, in bytes.
const LONGEST_KEY_ID: usize = 256;

/// An issuer whose tokens are accepted.
pub(super) struct Issuer {
    config: IssuerConfig,
    keys: IssuerKeys,
    mapping: ClaimMapping,
}

impl Issuer {
    pub(super) fn new(config: &IssuerConfig) -> Self {
        Self { keys: IssuerKeys::new(config), mapping: ClaimMapping::new(config), config: config.clone() }
    }

    async fn authenticate(
        &self,
        token: &str,
        header: &Header,
        now: Timestamp,
        system: Timestamp,
    ) -> Result<(Actor, CredentialLifetime), AuthError> {
        let algorithm = self.config.algorithms.iter().map(|algorithm| verify::algorithm(*algorithm));
        let algorithm =
            algorithm.into_iter().find(|algorithm| *algorithm == header.alg).ok_or(CredentialRefusal::Algorithm)?;
        let key = self.keys.find(header.kid.as_deref(), algorithm, system).await?;
        let claims = verify::verify(token, &key, algorithm, &self.config)?;
        let lifetime = claims.check_times(self.config.leeway, now)?;
        Ok((self.mapping.actor(&claims)?, lifetime))
    }
}

/// The actor for a token, and the time until which the token is accepted. `system` is the time for the age of the keys.
pub(super) async fn authenticate(
    issuers: &[Issuer],
    token: &str,
    now: Timestamp,
    system: Timestamp,
) -> Result<(Actor, CredentialLifetime), AuthError> {
    let header = readable(token)?;
    let of_it = claims::claimed_issuer(token)?;
    let issuer = issuers.iter().find(|issuer| issuer.config.issuer == of_it).ok_or(CredentialRefusal::Issuer)?;
    issuer.authenticate(token, &header, now, system).await
}

/// The header, if this server understands everything that it asks for.
fn readable(token: &str) -> Result<Header, CredentialRefusal> {
    if token.len() > LONGEST {
        return Err(CredentialRefusal::NoToken("it is longer than 16 KiB"));
    }
    if token.bytes().filter(|byte| *byte == b'.').count() != 2 {
        return Err(CredentialRefusal::NoToken("it has the form of neither"));
    }
    // This also refuses `none`, and any other algorithm that does not sign.
    let header = decode_header(token).map_err(|_| CredentialRefusal::NoToken("its header is unreadable"))?;
    if header.crit.is_some() {
        return Err(CredentialRefusal::NoToken("its header has `crit`, which is not supported"));
    }
    if header.enc.is_some() || header.zip.is_some() {
        return Err(CredentialRefusal::NoToken("it is encrypted or compressed"));
    }
    // Other types, such as `logout+jwt`, do not identify an actor.
    let kind = header.typ.as_deref().map(str::to_ascii_lowercase);
    let kind = kind.as_deref().map(|kind| kind.strip_prefix("application/").unwrap_or(kind));
    if !matches!(kind, None | Some("jwt" | "at+jwt")) {
        return Err(CredentialRefusal::NoToken("its `typ` is neither `JWT` nor `at+jwt`"));
    }
    if header.kid.as_ref().is_some_and(|id| id.len() > LONGEST_KEY_ID) {
        return Err(CredentialRefusal::Key);
    }
    Ok(header)
}
