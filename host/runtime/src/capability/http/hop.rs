//! One request on one connection, and what comes back: HTTP/1.1, as ureq speaks it.
//!
//! ureq is given a connection that is there already and is told nothing else: it looks up no name, follows no
//! redirect, keeps no connection, and has no clock of its own.

use std::io::Read;

use parking_lot::Mutex;
use ureq::config::{AutoHeaderValue, Config};
use ureq::http::{self, HeaderValue, Uri, header};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout};
use ureq::{Agent, Body, Error};

use super::line::{self, Line};
use super::message::{HttpError, Response};
use super::outgoing::Outgoing;

/// How large the header of an answer may be, in bytes.
const LARGEST_HEADER: usize = 32 << 10;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    TookTooLong,
    Because(HttpError),
}

/// An answer of which the body is still to come.
#[derive(Debug)]
pub(super) struct Answer(http::Response<Body>);

/// Sends the request, and waits for the header of the answer.
pub(super) fn send(line: Line, request: &Outgoing<'_>) -> Result<Answer, Failure> {
    let mut builder = http::Request::builder().method(request.method).uri(request.target.to_string());
    if let Some(headers) = builder.headers_mut() {
        headers.clone_from(&request.headers);
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let invalid = |error: http::Error| Failure::Because(HttpError::InvalidRequest(error.to_string()));
    let agent = agent(line);
    let answer = match request.body {
        None if !request.method.expects_body() => agent.run(builder.body(()).map_err(invalid)?),
        body => agent.run(builder.body(body.unwrap_or_default()).map_err(invalid)?),
    };
    match answer {
        Ok(answer) if answer.status() == http::StatusCode::SWITCHING_PROTOCOLS => {
            Err(invalid_response("it switches to another protocol".to_owned()))
        }
        Ok(answer) => Ok(Answer(answer)),
        Err(error) => Err(failure(error)),
    }
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// Where it redirects to, if it does.
    pub(super) fn location(&self) -> Option<Result<&str, Failure>> {
        let location = match self.status() {
            301 | 302 | 303 | 307 | 308 => self.0.headers().get(header::LOCATION)?,
            _ => return None,
        };
        let text = std::str::from_utf8(location.as_bytes());
        Some(text.map_err(|_| invalid_response("it redirects to what is no text".to_owned())))
    }

    /// Waits for the body, of at most so many bytes.
    pub(super) fn read(self, largest: u64) -> Result<Response, Failure> {
        let too_large = || Failure::Because(HttpError::TooLarge(largest));
        let (head, body) = self.0.into_parts();
        if body.content_length().is_some_and(|length| length > largest) {
            return Err(too_large());
        }
        let mut content = Vec::new();
        let read = body.into_reader().take(largest.saturating_add(1)).read_to_end(&mut content);
        read.map_err(|error| failure(Error::from(error)))?;
        if content.len() as u64 > largest {
            return Err(too_large());
        }
        let text = |value: &HeaderValue| std::str::from_utf8(value.as_bytes()).ok().map(str::to_owned);
        let headers = head.headers.iter();
        let mut headers: Vec<(String, String)> =
            headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect();
        headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Response { status: head.status.as_u16(), headers, body: content.into() })
    }
}

fn agent(line: Line) -> Agent {
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
    let peer = Peer(line.peer());
    Agent::with_parts(config, Connected(Mutex::new(Some(line))), peer)
}

/// Hands over a connection, once.
#[derive(Debug)]
struct Connected(Mutex<Option<Line>>);

impl Connector for Connected {
    type Out = Line;

    fn connect(&self, _: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Line>, Error> {
        Ok(self.0.lock().take())
    }
}

/// The address that the connection goes to, whatever is asked for.
#[derive(Debug)]
struct Peer(std::net::SocketAddr);

impl Resolver for Peer {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        addresses.push(self.0);
        Ok(addresses)
    }
}

fn invalid_response(why: String) -> Failure {
    Failure::Because(HttpError::InvalidResponse(why))
}

/// Why it went wrong on a connection that was made.
fn failure(error: Error) -> Failure {
    match error {
        Error::Timeout(_) => Failure::TookTooLong,
        Error::Io(error) if line::is_timeout(&error) => Failure::TookTooLong,
        Error::Io(error) => invalid_response(format!("the connection ended before the answer did: {error}")),
        Error::Protocol(error) => invalid_response(error.to_string()),
        Error::LargeResponseHeader(_, largest) => {
            invalid_response(format!("its header is larger than {largest} bytes"))
        }
        Error::Http(error) => Failure::Because(HttpError::InvalidRequest(error.to_string())),
        Error::BadUri(why) => Failure::Because(HttpError::InvalidRequest(why)),
        other => invalid_response(other.to_string()),
    }
}
