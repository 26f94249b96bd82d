//! Failed authentication over HTTP: a challenge as in RFC 6750, and a problem document.
//!
//! No message holds a secret, or a part of the request that could be one.

use axum::http::StatusCode;
use lockgate_domain::{InvalidName, NameFault, Timestamp};

/// Why authentication failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The request has no credentials.
    #[error("authentication required: send `Authorization: Bearer <token>`")]
    Missing,
    /// The credentials have another scheme.
    #[error("unknown scheme in `Authorization`: send `Authorization: Bearer <token>`")]
    Scheme,
    /// The header cannot be read.
    #[error("invalid `Authorization` header: {0}")]
    Malformed(&'static str),
    /// The credentials were refused.
    #[error(transparent)]
    Refused(#[from] CredentialRefusal),
    /// The credentials were refused, as were too many others from the same address.
    #[error(
        "too many failed sign-ins from your address: a valid credential still works; details are withheld for \
         {retry_after} s"
    )]
    Throttled {
        /// How long, in seconds, answers give no details.
        retry_after: u64,
    },
    /// Credentials cannot be checked at the moment.
    #[error("{reason}")]
    Unavailable {
        reason: String,
        /// `Retry-After`, in seconds.
        retry_after: u64,
    },
}

/// Why credentials were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialRefusal {
    /// No such token was issued, or its secret was replaced.
    #[error("unknown token")]
    Unknown,
    /// The token was revoked.
    #[error("the token was revoked at {0}")]
    Revoked(Timestamp),
    /// The credential expired.
    #[error("the {what} expired at {at}")]
    Expired {
        /// The kind of credential.
        what: &'static str,
        at: Timestamp,
    },
    /// The credential is not valid yet.
    #[error("the {what} is not valid before {at}")]
    NotYet {
        /// The kind of credential.
        what: &'static str,
        /// The first moment at which it is valid.
        at: Timestamp,
    },
    /// The text is neither an API token nor a JSON Web Token.
    #[error("unknown token: neither a Lockgate token nor a JWT: {0}")]
    NoToken(&'static str),
    #[error("the issuer of the token is not trusted: an administrator can add it to `auth.oidc`")]
    Issuer,
    /// The algorithm is not allowed for the issuer, or is another one than that of the key.
    #[error("the token is signed with an algorithm that is not allowed for its issuer")]
    Algorithm,
    /// The issuer has no such key.
    #[error("the token is signed with a key that its issuer does not publish")]
    Key,
    /// The signature is wrong.
    #[error("the signature of the token is invalid")]
    Signature,
    /// The token is for another audience.
    #[error("the token is for another audience: request one for `{expected}`")]
    Audience {
        /// The expected audience.
        expected: String,
    },
    /// A claim that a rule reads, or a name in a certificate, holds a character that could deceive people.
    #[error("`{of}` {fault}")]
    Characters {
        /// The claim, or the kind of name in a certificate.
        of: String,
        fault: NameFault,
    },
    /// A claim is missing or has no usable value.
    #[error("the claim `{claim}` of the token {problem}")]
    Claim { claim: String, problem: &'static str },
    /// The claim or the name for the person is not the id of a person.
    #[error("`{of}` is not the id of a person: {wrong}")]
    PersonId {
        /// The claim, or the kind of name in a certificate.
        of: String,
        wrong: InvalidName,
    },
    /// The credential is valid, but no rule grants its holder anything.
    #[error("the {what} is valid, but no rule matches it: an administrator can add one to `{section}`")]
    NoRule {
        /// The kind of credential.
        what: &'static str,
        /// The section of the configuration.
        section: &'static str,
    },
    /// The certificate cannot be read.
    #[error("invalid client certificate: {0}")]
    Certificate(&'static str),
}

impl CredentialRefusal {
    /// Whether a guessed credential would be refused like this: only then it counts as a failed attempt. A token that
    /// was valid once is no guess, and a job that keeps using it must not lock out its neighbours.
    pub(super) fn is_guess(&self) -> bool {
        matches!(self, Self::Unknown | Self::NoToken(_) | Self::Issuer | Self::Algorithm | Self::Key | Self::Signature)
    }

    /// Its name in metrics.
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
            Self::Characters { .. } => "characters",
            Self::NoRule { .. } => "no-rule",
            Self::Certificate(_) => "certificate",
        }
    }
}

impl AuthError {
    /// The error for a ledger that cannot be read.
    pub(super) fn ledger(error: &lockgate_ledger::Error) -> Self {
        tracing::error!(%error, "credentials could not be checked");
        Self::Unavailable {
            reason: "credentials cannot be checked at the moment: retry after 1 s".to_owned(),
            retry_after: 1,
        }
    }

    /// The HTTP status.
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
            Self::Missing | Self::Scheme => ("unauthenticated", "Unauthorized"),
            Self::Refused(_) => ("invalid-credentials", "Invalid credentials"),
            Self::Malformed(_) => ("bad-request", "Bad Request"),
            Self::Throttled { .. } => ("too-many-attempts", "Too many failed sign-ins"),
            Self::Unavailable { .. } => ("unavailable", "Service Unavailable"),
        }
    }

    /// `Retry-After` in seconds, if known.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Throttled { retry_after } | Self::Unavailable { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// The value of `WWW-Authenticate` (RFC 6750, section 3), where the answer has one.
    pub fn challenge(&self, realm: &str) -> Option<String> {
        let error = match self {
            // A request without credentials gets no error code (RFC 6750, section 3.1).
            Self::Missing | Self::Scheme => return Some(format!("Bearer realm=\"{}\"", quoted(realm))),
            Self::Malformed(_) => "invalid_request",
            Self::Refused(_) => "invalid_token",
            Self::Throttled { .. } | Self::Unavailable { .. } => return None,
        };
        let (realm, description) = (quoted(realm), quoted(&self.to_string()));
        Some(format!("Bearer realm=\"{realm}\", error=\"{error}\", error_description=\"{description}\""))
    }
}

/// The text with only the characters that quotes may hold there: printable ASCII, without quotes and backslashes.
fn quoted(text: &str) -> String {
    let plain = |c: char| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '\'' };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_credentials_gets_a_challenge_without_error() {
        assert_eq!(AuthError::Missing.challenge("lockgate"), Some("Bearer realm=\"lockgate\"".to_owned()));
    }

    #[test]
    fn a_challenge_holds_no_quotes_of_others() {
        let refused = AuthError::Refused(CredentialRefusal::Audience { expected: "a\"b\\ü".to_owned() });
        let said = "the token is for another audience: request one for `a'b''`";
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
