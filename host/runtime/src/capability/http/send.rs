//! Sends one request on one connection and reads the response: HTTP/1.1, as ureq implements it.
//!
//! ureq is given an open connection and nothing else: it resolves no name, follows no redirect, keeps no connection, and
//! has no time-out of its own.

use std::io::Read;

use parking_lot::Mutex;
use ureq::config::{AutoHeaderValue, Config};
use ureq::http::{self, HeaderValue, Uri, header};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout};
use ureq::{Agent, Body, Error};

use super::connection::{self, HttpConnection};
use super::message::{HttpError, HttpResponse};
use super::request::CheckedRequest;

/// The largest header of a response, in bytes.
const LARGEST_HEADER: usize = 32 << 10;

/// Why there is no response.
#[derive(Debug)]
pub(super) enum SendError {
    /// The time of the request is up. The caller knows how much it was.
    TimedOut,
    /// Any other reason, as the plugin is told.
    Http(HttpError),
}

/// A response whose header has arrived and whose body has not been read.
#[derive(Debug)]
pub(super) struct PendingResponse(http::Response<Body>);

/// Sends the request, and waits for the header of the response.
pub(super) fn send(connection: HttpConnection, request: &CheckedRequest<'_>) -> Result<PendingResponse, SendError> {
    let mut builder = http::Request::builder().method(request.method).uri(request.target.to_string());
    if let Some(headers) = builder.headers_mut() {
        headers.clone_from(&request.headers);
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let invalid = |error: http::Error| SendError::Http(HttpError::InvalidRequest(error.to_string()));
    let agent = agent(connection);
    let response = match request.body {
        None if !request.method.expects_body() => agent.run(builder.body(()).map_err(invalid)?),
        body => agent.run(builder.body(body.unwrap_or_default()).map_err(invalid)?),
    };
    match response {
        Ok(response) if response.status() == http::StatusCode::SWITCHING_PROTOCOLS => {
            Err(invalid_response("it switches to another protocol".to_owned()))
        }
        Ok(response) => Ok(PendingResponse(response)),
        Err(error) => Err(send_error(error)),
    }
}

impl PendingResponse {
    pub(super) fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// The target of the redirect; none if the response does not redirect.
    pub(super) fn location(&self) -> Option<Result<&str, SendError>> {
        let location = match self.status() {
            301 | 302 | 303 | 307 | 308 => self.0.headers().get(header::LOCATION)?,
            _ => return None,
        };
        let text = std::str::from_utf8(location.as_bytes());
        Some(text.map_err(|_| invalid_response("the target of its redirect is not UTF-8".to_owned())))
    }

    /// Waits for the body, of at most `largest` bytes.
    pub(super) fn read(self, largest: u64) -> Result<HttpResponse, SendError> {
        let too_large = || SendError::Http(HttpError::TooLarge(largest));
        let (head, body) = self.0.into_parts();
        if body.content_length().is_some_and(|length| length > largest) {
            return Err(too_large());
        }
        let mut content = Vec::new();
        let read = body.into_reader().take(largest.saturating_add(1)).read_to_end(&mut content);
        read.map_err(|error| send_error(Error::from(error)))?;
        if content.len() as u64 > largest {
            return Err(too_large());
        }
        let text = |value: &HeaderValue| std::str::from_utf8(value.as_bytes()).ok().map(str::to_owned);
        let headers = head.headers.iter();
        let mut headers: Vec<(String, String)> =
            headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect();
        headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(HttpResponse { status: head.status.as_u16(), headers, body: content.into() })
    }
}

fn agent(connection: HttpConnection) -> Agent {
    let config = Config::builder()
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections(0)
        .max_response_header_size(LARGEST_HEADER)
        .user_agent(AutoHeaderValue::None)
        .accept(AutoHeaderValue::None)
        .accept_encoding(AutoHeaderValue::None)
        .build();
    let address = FixedAddress(connection.peer());
    Agent::with_parts(config, SingleConnection(Mutex::new(Some(connection))), address)
}

/// Hands its connection to ureq, once.
#[derive(Debug)]
struct SingleConnection(Mutex<Option<HttpConnection>>);

impl Connector for SingleConnection {
    type Out = HttpConnection;

    fn connect(&self, _: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<HttpConnection>, Error> {
        Ok(self.0.lock().take())
    }
}

/// Resolves every name to the address of the connection that is open.
#[derive(Debug)]
struct FixedAddress(std::net::SocketAddr);

impl Resolver for FixedAddress {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        addresses.push(self.0);
        Ok(addresses)
    }
}

fn invalid_response(why: String) -> SendError {
    SendError::Http(HttpError::InvalidResponse(why))
}

/// The reason that a plugin is told for an error of ureq's.
fn send_error(error: Error) -> SendError {
    match error {
        Error::Timeout(_) => SendError::TimedOut,
        Error::Io(error) if connection::is_timeout(&error) => SendError::TimedOut,
        Error::Io(error) => invalid_response(format!("the connection ended before the answer did: {error}")),
        Error::Protocol(error) => invalid_response(error.to_string()),
        Error::LargeResponseHeader(_, largest) => {
            invalid_response(format!("its header is larger than {largest} bytes"))
        }
        Error::Http(error) => SendError::Http(HttpError::InvalidRequest(error.to_string())),
        Error::BadUri(why) => SendError::Http(HttpError::InvalidRequest(why)),
        other => invalid_response(other.to_string()),
    }
}
