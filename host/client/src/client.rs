//! Requests and their answers.

use std::thread::sleep;
use std::time::Duration;

use lockgate_domain::api::IDEMPOTENCY_KEY;
use lockgate_domain::shortened;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{Agent, Body, RequestBuilder};

use crate::address::ServerAddress;
use crate::error::Error;
use crate::path::RequestPath;
use crate::tls::agent;
use crate::token::Token;

/// How often a server that is busy is asked, and how long is waited each time at most.
const TRIES: usize = 5;
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// The most bytes of JSON that are read: a page of the audit log may hold one entry of 16 MiB, in base64, besides others.
const LARGEST_ANSWER: u64 = 64 << 20;
/// The most bytes of an error that are read.
const LARGEST_PROBLEM: u64 = 1 << 20;
/// As much of a URL as people want to read in a message, in characters.
const LONGEST_PATH: usize = 100;

/// A client of one server. It keeps connections open, so use one for many requests; clones share them.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    address: ServerAddress,
    token: Option<Token>,
}

/// A file that a server answered with, and its headers.
#[derive(Clone, Debug)]
pub struct Download {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Download {
    /// The bytes.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// A header of the answer. Bytes that are not UTF-8 are replaced.
    pub fn header(&self, name: &str) -> Option<String> {
        Some(String::from_utf8_lossy(self.headers.get(name)?.as_bytes()).into_owned())
    }
}

impl Client {
    /// A client of the server at that address. Without a token it can ask only for what everybody may see.
    pub fn new(address: ServerAddress, token: Option<Token>) -> Self {
        Self { agent: agent(), address, token }
    }

    /// The address of the server.
    pub fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// Gets a JSON document.
    ///
    /// # Errors
    /// If the server does not answer, refuses, or answers something else.
    pub fn get<T: DeserializeOwned>(&self, path: &RequestPath) -> Result<T, Error> {
        self.json(path, &ApiRequest::Get)
    }

    /// Gets a file of at most that many bytes.
    ///
    /// # Errors
    /// If the server does not answer or refuses, or the file is larger.
    pub fn download(&self, path: &RequestPath, largest: u64) -> Result<Download, Error> {
        self.ask(path, &ApiRequest::Get, largest)
    }

    /// Posts a JSON document, and gets one.
    ///
    /// # Errors
    /// If the server does not answer, refuses, or answers something else.
    pub fn post<T: DeserializeOwned>(&self, path: &RequestPath, document: &impl Serialize) -> Result<T, Error> {
        let invalid = |reason| Error::InvalidRequest { url: self.url(path), reason };
        let json = serde_json::to_vec(document).map_err(invalid)?;
        self.json(path, &ApiRequest::Post { json: Some(json), key: self.new_key(path)? })
    }

    /// Posts without a document, where the path says all, and gets a JSON document.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub fn post_empty<T: DeserializeOwned>(&self, path: &RequestPath) -> Result<T, Error> {
        self.json(path, &ApiRequest::Post { json: None, key: self.new_key(path)? })
    }

    fn json<T: DeserializeOwned>(&self, path: &RequestPath, request: &ApiRequest) -> Result<T, Error> {
        let body = self.ask(path, request, LARGEST_ANSWER)?.body;
        serde_json::from_slice(&body).map_err(|reason| Error::InvalidAnswer { url: self.url(path), reason })
    }

    /// Sends a request, and sends it again while the server is busy and says when it may be asked again.
    fn ask(&self, path: &RequestPath, request: &ApiRequest, largest: u64) -> Result<Download, Error> {
        let mut tries = 1;
        loop {
            let mut answer = self.send(path, request).map_err(|error| Error::no_answer(self.url(path), &error))?;
            let status = answer.status();
            if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
                && tries < TRIES
                && let Some(wait) = wait(answer.headers())
            {
                tries += 1;
                sleep(wait);
                continue;
            }
            let limit = if status.is_success() { largest } else { LARGEST_PROBLEM };
            // One byte more, because the limit counts as exceeded when it is reached.
            let body = answer.body_mut().with_config().limit(limit.saturating_add(1)).read_to_vec();
            return match (status.is_success(), body) {
                (true, Ok(body)) => Ok(Download { headers: answer.headers().clone(), body }),
                (true, Err(ureq::Error::BodyExceedsLimit(_))) => Err(Error::TooLarge { url: self.url(path), largest }),
                (true, Err(error)) => Err(Error::no_answer(self.url(path), &error)),
                // The status alone says that it refuses, also where the rest of the answer is lost.
                (false, body) => Err(Error::refused(self.url(path), status, &body.unwrap_or_default())),
            };
        }
    }

    fn send(&self, path: &RequestPath, request: &ApiRequest) -> Result<Response<Body>, ureq::Error> {
        let url = format!("{}{path}", self.address);
        match request {
            ApiRequest::Get => self.signed(self.agent.get(url)).call(),
            ApiRequest::Post { json, key } => {
                let post = self.signed(self.agent.post(url)).header(IDEMPOTENCY_KEY, key);
                match json {
                    Some(json) => post.header(CONTENT_TYPE, "application/json").send(json.as_slice()),
                    None => post.send_empty(),
                }
            }
        }
    }

    fn signed<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        let request = request.header(ACCEPT, "*/*");
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, token.authorization()),
            None => request,
        }
    }

    /// A key that no other request has: 128 random bits.
    fn new_key(&self, path: &RequestPath) -> Result<String, Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|reason| Error::NoRandomness { url: self.url(path), reason })?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The URL of a path, for messages: a long one is cut.
    fn url(&self, path: &RequestPath) -> String {
        format!("{}{}", self.address, shortened(&path.to_string(), LONGEST_PATH))
    }
}

/// What is sent besides the path.
enum ApiRequest {
    Get,
    Post {
        /// The document, if there is one.
        json: Option<Vec<u8>>,
        /// The idempotency key.
        key: String,
    },
}

/// How long the server asks to wait, up to the longest time.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}
