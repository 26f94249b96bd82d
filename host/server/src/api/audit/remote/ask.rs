//! One question to the server, and what its answer means.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use lockgate_ledger::{Cause, Error, Unavailable};
use ureq::http::header::{ACCEPT, AUTHORIZATION, RETRY_AFTER};
use ureq::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body};

use crate::api::errors::DAMAGED;
use crate::problem::{ProblemDocument, TYPE_PREFIX};

/// How often a server that is busy is asked again, and how long it may ask for.
const TRIES: usize = 5;
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// How much of an error is read.
const LARGEST_PROBLEM: u64 = 64 << 10;
/// What helps where a certificate is not trusted.
const UNKNOWN_CERTIFICATE: &str = "; for a certificate of a private authority, set `SSL_CERT_FILE=ca.pem`";

/// A server cannot be asked with what was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServer {
    /// The address is not that of a server.
    #[error("`{address}` is not the URL of a server: {reason}; write for example `https://deploy.example.com`")]
    Address {
        /// What was given, without what could be a secret.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The token cannot be sent. The message does not show it.
    #[error("the token for `{address}` holds characters that no token has")]
    Token {
        /// The server.
        address: String,
    },
}

/// The way to a server.
pub(super) struct Line {
    agent: Agent,
    server: String,
    token: Option<HeaderValue>,
}

/// What came back.
pub(super) enum Asked {
    /// It is there.
    There { headers: HeaderMap, body: Vec<u8> },
    /// It was deleted; a problem document says more.
    Gone(Vec<u8>),
}

impl Line {
    pub(super) fn new(server: &str, token: Option<String>) -> Result<Self, InvalidServer> {
        let wrong = |reason| InvalidServer::Address { address: server.to_owned(), reason };
        let uri: Uri = server.parse().map_err(|_| wrong("it is not a URL"))?;
        let authority = uri.authority().ok_or_else(|| wrong("it has no host"))?.as_str();
        if authority.contains('@') {
            let reason = "it holds a user name or a password: pass the token by itself";
            let address = authority.rsplit('@').next().unwrap_or_default().to_owned();
            return Err(InvalidServer::Address { address, reason });
        }
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(wrong("it is neither `http` nor `https`"));
        }
        if uri.query().is_some() {
            return Err(wrong("it has a query"));
        }
        let token = match token {
            Some(token) => {
                let value = HeaderValue::from_str(&format!("Bearer {token}"));
                let mut value = value.map_err(|_| InvalidServer::Token { address: server.to_owned() })?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        Ok(Self { agent: agent(), server: server.trim_end_matches('/').to_owned(), token })
    }

    /// Asks for a path; waits, if the server is busy and says so.
    pub(super) fn ask(&self, path: &str, largest: u64) -> Result<Asked, Error> {
        let mut tries = 1;
        loop {
            let mut answer = self.send(path)?;
            let status = answer.status();
            if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
                && tries < TRIES
                && let Some(wait) = wait(answer.headers())
            {
                tries += 1;
                sleep(wait);
                continue;
            }
            let limit = if status == StatusCode::OK { largest } else { LARGEST_PROBLEM };
            let body = answer.body_mut().with_config().limit(limit).read_to_vec();
            return match status {
                StatusCode::OK => match body {
                    Ok(body) => Ok(Asked::There { headers: answer.headers().clone(), body }),
                    Err(error) => Err(self.unavailable(path, &error)),
                },
                StatusCode::GONE => Ok(Asked::Gone(body.map_err(|error| self.unavailable(path, &error))?)),
                status => Err(self.refused(path, status, &body.unwrap_or_default())),
            };
        }
    }

    fn send(&self, path: &str) -> Result<ureq::http::Response<Body>, Error> {
        let mut request = self.agent.get(format!("{}{path}", self.server)).header(ACCEPT, "*/*");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token);
        }
        request.call().map_err(|error| self.unavailable(path, &error))
    }

    fn unavailable(&self, path: &str, error: &ureq::Error) -> Error {
        let hint = if is_of_certificate(error) { UNKNOWN_CERTIFICATE } else { "" };
        Unavailable { cause: Cause::Other, message: format!("`{}`: {error}{hint}", self.address(path)) }.into()
    }

    /// It answers, but not as a server of ours does.
    pub(super) fn strange(&self, path: &str, error: &serde_json::Error) -> Error {
        let message = format!("`{}` does not answer like a Lockgate server: {error}", self.address(path));
        Unavailable { cause: Cause::Other, message }.into()
    }

    /// It answers as a server of ours does, but something else than was asked for.
    pub(super) fn lies(&self, path: &str, what: &str) -> Error {
        let message = format!("the server was asked for `{}`, and answered {what}", shortened(path));
        Unavailable { cause: Cause::Corrupt, message }.into()
    }

    fn refused(&self, path: &str, status: StatusCode, body: &[u8]) -> Error {
        let problem: Option<ProblemDocument> = serde_json::from_slice(body).ok();
        let code = problem.as_ref().and_then(|problem| problem.kind.strip_prefix(TYPE_PREFIX)).unwrap_or_default();
        let says = problem.as_ref().map(|problem| problem.detail.as_ref().unwrap_or(&problem.title).clone());
        if code == DAMAGED {
            return Unavailable { cause: Cause::Corrupt, message: says.unwrap_or_default() }.into();
        }
        if status == StatusCode::NOT_FOUND && code == "not-found" {
            return Error::NotFound(says.unwrap_or_default());
        }
        let hint = match status {
            StatusCode::UNAUTHORIZED => ": pass a token with the right `audit`",
            StatusCode::FORBIDDEN => ": the token needs the right `audit`",
            StatusCode::NOT_FOUND => ": is it a Lockgate server, and of this version?",
            status if status.is_redirection() => ": give the address that it redirects to",
            _ => "",
        };
        let says = says.map(|says| format!(" ({says})")).unwrap_or_default();
        let message = format!("`{}` answers {status}{says}{hint}", self.address(path));
        Unavailable { cause: Cause::Other, message }.into()
    }

    fn address(&self, path: &str) -> String {
        format!("{}{}", self.server, shortened(path))
    }
}

/// Whether the certificate of the server is the reason.
fn is_of_certificate(error: &ureq::Error) -> bool {
    let tls = match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()),
        _ => None,
    };
    matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
}

/// As much of a path as people want to read.
fn shortened(path: &str) -> String {
    const LONGEST: usize = 100;
    match path.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", path.get(..at).unwrap_or_default()),
        None => path.to_owned(),
    }
}

fn wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// A text as it can stand in a path or a query.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Follows no redirect, so that a token goes to nobody else, and trusts the certificates that the system trusts.
fn agent() -> Agent {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .timeout_per_read(Some(Duration::from_secs(60)))
        .user_agent(concat!("lockgate/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}
