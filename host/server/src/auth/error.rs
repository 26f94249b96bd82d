//! Why nobody is known to ask, as HTTP says it: RFC 6750 for the challenge, a problem document for the rest.
//!
//! No message here holds a secret, or any part of what was handed in that could be one.

use axum::http::StatusCode;
use lockgate_domain::{InvalidPersonId, Timestamp};

/// Why a request has no actor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// There are no credentials.
    #[error("the request carries no credentials: send `Authorization: Bearer <token>`")]
    Missing,
    /// The credentials are of another scheme.
    #[error("only `Authorization: Bearer <token>` is taken, and no other scheme")]
    Scheme,
    /// The header cannot be read.
    #[error("the `Authorization` header cannot be read: {0}")]
    Malformed(&'static str),
    /// The credentials are not taken.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The credentials are not taken, and neither were too many others from the same address.
    #[error(
        "the credentials are not taken, and neither were too many others from this address: a valid one is taken at any time; \
         in {retry_after} s it is said again what is wrong with one"
    )]
    Throttled {
        /// In how many seconds it is said again what is wrong.
        retry_after: u64,
    },
    /// Nobody can tell at the moment.
    #[error("{reason}")]
    Unavailable {
        /// What is in the way.
        reason: String,
        /// In how many seconds it is worth asking again.
        retry_after: u64,
    },
}

/// Why credentials are not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No token like that was issued, or its secret was replaced.
    #[error("the token is not known here")]
    Unknown,
    /// It was revoked.
    #[error("the token was revoked at {0}")]
    Revoked(Timestamp),
    /// It is too late for it.
    #[error("the {what} expired at {at}")]
    Expired {
        /// What.
        what: &'static str,
        /// When.
        at: Timestamp,
    },
    /// It is too early for it.
    #[error("the {what} counts only from {at} on")]
    NotYet {
        /// What.
        what: &'static str,
        /// From when on.
        at: Timestamp,
    },
    /// It cannot be a token that is taken here.
    #[error("this is no token that is taken here: {0}")]
    NoToken(&'static str),
    /// Nobody configured the issuer.
    #[error("the issuer of the token is not one that is trusted here")]
    Issuer,
    /// The algorithm is not allowed for the issuer, or is another one than that of the key.
    #[error("the token is signed with an algorithm that is not taken from its issuer")]
    Algorithm,
    /// The issuer has no such key.
    #[error("the token is signed with a key that its issuer does not publish")]
    Key,
    /// The signature is wrong.
    #[error("the signature of the token is wrong")]
    Signature,
    /// It is meant for somebody else.
    #[error("the token is meant for another audience: ask its issuer for one for `{expected}`")]
    Audience {
        /// Whom it has to be meant for.
        expected: String,
    },
    /// A claim is missing or has no usable value.
    #[error("the claim `{claim}` of the token {problem}")]
    Claim {
        /// The claim.
        claim: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// What says who it is, is no id of a person.
    #[error("`{of}` does not say who it is: {wrong}")]
    PersonId {
        /// The claim, or the kind of name of a certificate.
        of: String,
        /// What is wrong with it.
        wrong: InvalidPersonId,
    },
    /// It is genuine, but nothing says what its holder may do.
    #[error("the {what} is genuine, but no rule says who that is here: an administrator can add one to `{section}`")]
    NoRule {
        /// What.
        what: &'static str,
        /// The section of the configuration.
        section: &'static str,
    },
    /// The certificate cannot be read.
    #[error("the client certificate cannot be read: {0}")]
    Certificate(&'static str),
}

impl Refusal {
    /// Whether somebody who guesses would be told this: only then it counts as a failed attempt. A token that was once
    /// good is no guess, and a job that goes on using it shall not lock out its neighbours.
    pub(super) fn is_guess(&self) -> bool {
        matches!(self, Self::Unknown | Self::NoToken(_) | Self::Issuer | Self::Algorithm | Self::Key | Self::Signature)
    }

    /// Its name, as metrics tell it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown-token",
            Self::Revoked(_) => "revoked",
            Self::Expired { .. } => "expired",
            Self::NotYet { .. } => "not-yet",
            Self::NoToken(_) => "no-token",
            Self::Issuer => "issuer",
            Self::Algorithm => "algorithm",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Audience { .. } => "audience",
            Self::Claim { .. } => "claim",
            Self::PersonId { .. } => "person-id",
            Self::NoRule { .. } => "no-rule",
            Self::Certificate(_) => "certificate",
        }
    }
}

impl AuthError {
    /// The ledger cannot be read.
    pub(super) fn ledger(error: &lockgate_ledger::Error) -> Self {
        tracing::error!(%error, "credentials cannot be looked up");
        Self::Unavailable { reason: "credentials cannot be looked up at the moment".to_owned(), retry_after: 1 }
    }

    /// The status of HTTP.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Missing | Self::Scheme | Self::Refused(_) => StatusCode::UNAUTHORIZED,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The code and the title of the problem document.
    pub fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::Missing | Self::Scheme => ("unauthenticated", "Nobody is known to ask"),
            Self::Refused(_) => ("invalid-credentials", "The credentials are not taken"),
            Self::Malformed(_) => ("bad-request", "The request cannot be read"),
            Self::Throttled { .. } => ("too-many-attempts", "Too many attempts failed"),
            Self::Unavailable { .. } => ("unavailable", "It cannot be done at the moment"),
        }
    }

    /// In how many seconds it is worth asking again, if that is known.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Throttled { retry_after } | Self::Unavailable { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// The value of `WWW-Authenticate` (RFC 6750, section 3), where the answer has one.
    pub fn challenge(&self, realm: &str) -> Option<String> {
        let error = match self {
            // Whoever sent nothing is told nothing (RFC 6750, section 3.1).
            Self::Missing | Self::Scheme => return Some(format!("Bearer realm=\"{}\"", quoted(realm))),
            Self::Malformed(_) => "invalid_request",
            Self::Refused(_) => "invalid_token",
            Self::Throttled { .. } | Self::Unavailable { .. } => return None,
        };
        let (realm, description) = (quoted(realm), quoted(&self.to_string()));
        Some(format!("Bearer realm=\"{realm}\", error=\"{error}\", error_description=\"{description}\""))
    }
}

/// What may stand between quotes there: printable ASCII, without quotes and backslashes.
fn quoted(text: &str) -> String {
    let plain = |c: char| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '\'' };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_sent_nothing_is_told_only_what_to_send() {
        assert_eq!(AuthError::Missing.challenge("lockgate"), Some("Bearer realm=\"lockgate\"".to_owned()));
    }

    #[test]
    fn a_challenge_holds_no_quotes_of_others() {
        let refused = AuthError::Refused(Refusal::Audience { expected: "a\"b\\ü".to_owned() });
        let said = "the token is meant for another audience: ask its issuer for one for `a'b''`";
        assert_eq!(
            refused.challenge("my \"gate\""),
            Some(format!("Bearer realm=\"my 'gate'\", error=\"invalid_token\", error_description=\"{said}\""))
        );
    }

    #[test]
    fn only_refusals_have_a_challenge() {
        assert_eq!(AuthError::Throttled { retry_after: 6 }.challenge("lockgate"), None);
        assert_eq!(AuthError::Throttled { retry_after: 6 }.status(), 429);
    }
}
