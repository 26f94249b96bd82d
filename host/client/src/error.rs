//! Why a request has no result.

use std::{fmt, io};

use lockgate_domain::api::ProblemDocument;
use ureq::http::StatusCode;

use crate::tls::is_of_certificate;

/// What helps where a certificate is not trusted.
const UNKNOWN_CERTIFICATE: &str = "; for a certificate of a private authority, set `SSL_CERT_FILE=ca.pem`";

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server answered with an error.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// No answer arrived, or only a part of one: the connection failed or took too long.
    #[error("no answer from `{url}`: {reason}")]
    NoAnswer {
        /// The URL of the request.
        url: String,
        /// What failed, and what helps.
        reason: String,
    },
    /// The answer is larger than the client reads.
    #[error("`{url}` answered more than {largest} bytes")]
    TooLarge {
        /// The URL of the request.
        url: String,
        /// The most bytes that the client reads.
        largest: u64,
    },
    /// The answer is not the document that the API has there.
    #[error("`{url}` does not answer like a Lockgate server: {reason}")]
    InvalidAnswer {
        /// The URL of the request.
        url: String,
        /// Why the answer cannot be read.
        reason: serde_json::Error,
    },
    /// The body of the request has no JSON form.
    #[error("the request to `{url}` cannot be written as JSON: {reason}")]
    InvalidRequest {
        /// The URL of the request.
        url: String,
        /// Why it cannot be written.
        reason: serde_json::Error,
    },
    /// This machine has no random numbers for the key of the request.
    #[error("the key of the request to `{url}` cannot be made: {reason}")]
    NoRandomness {
        /// The URL of the request.
        url: String,
        /// Why there are none.
        reason: getrandom::Error,
    },
}

impl Error {
    pub(crate) fn no_answer(url: String, error: &ureq::Error) -> Self {
        let hint = if is_of_certificate(error) { UNKNOWN_CERTIFICATE } else { "" };
        let reason = match error {
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => error.kind().to_string(),
            ureq::Error::Io(error) => error.to_string(),
            other => other.to_string(),
        };
        Self::NoAnswer { url, reason: format!("{reason}{hint}") }
    }

    pub(crate) fn refused(url: String, status: StatusCode, body: &[u8]) -> Self {
        Self::Refused(Box::new(Refusal { url, status, problem: serde_json::from_slice(body).ok() }))
    }

    /// The answer, if the server answered with an error.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// The answer of a server that did not do what it was asked for.
#[derive(Clone, Debug)]
pub struct Refusal {
    url: String,
    status: StatusCode,
    problem: Option<ProblemDocument>,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The code of the problem, for example `not-found`; none if the answer is not a problem document of Lockgate.
    pub fn code(&self) -> Option<&str> {
        self.problem.as_ref()?.code()
    }

    /// The problem document, if the answer is one.
    pub fn problem(&self) -> Option<&ProblemDocument> {
        self.problem.as_ref()
    }

    /// What is wrong, in the server's words: the detail of the problem, or its title.
    pub fn message(&self) -> Option<&str> {
        let problem = self.problem.as_ref()?;
        Some(problem.detail.as_deref().unwrap_or(&problem.title))
    }

    /// What to do, where the server's words do not say.
    fn hint(&self) -> &'static str {
        match self.status {
            StatusCode::UNAUTHORIZED => ": give a valid token, for example in `LOCKGATE_TOKEN`",
            StatusCode::NOT_FOUND if self.code().is_none() => ": is it a Lockgate server, and of this version?",
            status if status.is_redirection() => ": use the address that it redirects to",
            _ => "",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` answered {}", self.url, self.status)?;
        if let Some(message) = self.message() {
            write!(f, " ({message})")?;
        }
        f.write_str(self.hint())
    }
}

impl std::error::Error for Refusal {}
