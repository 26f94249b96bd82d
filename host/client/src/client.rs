//! Requests and their answers.

use std::thread::sleep;
use std::time::Duration;

use lockgate_domain::api::IDEMPOTENCY_KEY;
use lockgate_domain::shortened;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_MATCH, RETRY_AFTER};
use ureq::http::{HeaderMap, Method, Request, Response, StatusCode};
use ureq::{Agent, Body};

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
/// The header of an answer that an earlier request with the same key got already.
const IDEMPOTENT_REPLAYED: &str = "idempotent-replayed";
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
        self.json(path, &ApiRequest::GET)
    }

    /// Gets a file of at most that many bytes.
    ///
    /// # Errors
    /// If the server does not answer or refuses, or the file is larger.
    pub fn download(&self, path: &RequestPath, largest: u64) -> Result<Download, Error> {
        self.ask(path, &ApiRequest::GET, largest)
    }

    /// Posts a JSON document, and gets one.
    ///
    /// # Errors
    /// If the server does not answer, refuses, or answers something else.
    pub fn post<T: DeserializeOwned>(&self, path: &RequestPath, document: &impl Serialize) -> Result<T, Error> {
        let body = Some(self.json_body(path, document)?);
        self.json(path, &ApiRequest { body, ..self.write(path, Method::POST)? })
    }

    /// Posts without a document, where the path says all, and gets a JSON document.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub fn post_empty<T: DeserializeOwned>(&self, path: &RequestPath) -> Result<T, Error> {
        self.json(path, &self.write(path, Method::POST)?)
    }

    /// Posts a body of another type than JSON, and gets a JSON document. Requests with equal keys and bodies are carried
    /// out once, also if other clients send them.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub fn post_body<T: DeserializeOwned>(
        &self,
        path: &RequestPath,
        body: RequestBody,
        key: &str,
    ) -> Result<Answered<T>, Error> {
        let request = ApiRequest { method: Method::POST, body: Some(body), key: Some(key.to_owned()), if_match: None };
        let answer = self.ask(path, &request, LARGEST_ANSWER)?;
        let is_repeated = answer.header(IDEMPOTENT_REPLAYED).as_deref() == Some("true");
        Ok(Answered { document: self.read(path, &answer.body)?, is_repeated })
    }

    /// Puts a JSON document, and gets one. With a version, the server writes only if it still has that version.
    ///
    /// # Errors
    /// As [`Client::post`], or if the server has another version.
    pub fn put<T: DeserializeOwned>(
        &self,
        path: &RequestPath,
        document: &impl Serialize,
        if_match: Option<u64>,
    ) -> Result<T, Error> {
        let body = Some(self.json_body(path, document)?);
        self.json(path, &ApiRequest { body, if_match, ..self.write(path, Method::PUT)? })
    }

    /// Deletes what is at the path, and gets a JSON document. With a version, the server deletes only if it still has that
    /// version.
    ///
    /// # Errors
    /// As [`Client::put`].
    pub fn delete<T: DeserializeOwned>(&self, path: &RequestPath, if_match: Option<u64>) -> Result<T, Error> {
        self.json(path, &ApiRequest { if_match, ..self.write(path, Method::DELETE)? })
    }

    /// A write without a body, with a key that no other request has.
    fn write(&self, path: &RequestPath, method: Method) -> Result<ApiRequest, Error> {
        Ok(ApiRequest { method, body: None, key: Some(self.new_key(path)?), if_match: None })
    }

    fn json_body(&self, path: &RequestPath, document: &impl Serialize) -> Result<RequestBody, Error> {
        let invalid = |reason| Error::InvalidRequest { url: self.url(path), reason };
        Ok(RequestBody { media_type: "application/json", bytes: serde_json::to_vec(document).map_err(invalid)? })
    }

    fn read<T: DeserializeOwned>(&self, path: &RequestPath, body: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(body).map_err(|reason| Error::InvalidAnswer { url: self.url(path), reason })
    }

    fn json<T: DeserializeOwned>(&self, path: &RequestPath, request: &ApiRequest) -> Result<T, Error> {
        let body = self.ask(path, request, LARGEST_ANSWER)?.body;
        self.read(path, &body)
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
        let ApiRequest { method, body, key, if_match } = request;
        let mut head = Request::builder().method(method).uri(format!("{}{path}", self.address));
        head = head.header(ACCEPT, "*/*");
        if let Some(token) = &self.token {
            head = head.header(AUTHORIZATION, token.authorization());
        }
        if let Some(key) = key {
            head = head.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(version) = if_match {
            head = head.header(IF_MATCH, format!("\"{version}\""));
        }
        if let Some(RequestBody { media_type, .. }) = body {
            head = head.header(CONTENT_TYPE, *media_type);
        }
        let bytes = body.as_ref().map(|body| body.bytes.as_slice());
        match (method, bytes) {
            (&Method::GET | &Method::DELETE, None) => self.agent.run(head.body(())?),
            (_, bytes) => self.agent.run(head.body(bytes.unwrap_or_default())?),
        }
    }

    /// A key that no other request has: 128 random bits. `path` is for the message of an error.
    ///
    /// # Errors
    /// If this machine has no random numbers.
    pub fn new_key(&self, path: &RequestPath) -> Result<String, Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|reason| Error::NoRandomness { url: self.url(path), reason })?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The URL of a path, for messages: a long one is cut.
    fn url(&self, path: &RequestPath) -> String {
        format!("{}{}", self.address, shortened(&path.to_string(), LONGEST_PATH))
    }
}

/// The body of a request.
#[derive(Clone, Debug)]
pub struct RequestBody {
    /// The media type, for example `application/x-ndjson`.
    pub media_type: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// An answer to a request that may be a repetition of an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered<T> {
    /// The document.
    pub document: T,
    /// Whether it is the stored answer to an earlier request with the same key: nothing was done now.
    pub is_repeated: bool,
}

/// What is sent besides the path.
struct ApiRequest {
    method: Method,
    body: Option<RequestBody>,
    /// The idempotency key of a write.
    key: Option<String>,
    /// The version that the server must still have.
    if_match: Option<u64>,
}

impl ApiRequest {
    const GET: Self = Self { method: Method::GET, body: None, key: None, if_match: None };
}

/// How long the server asks to wait, up to the longest time.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}
