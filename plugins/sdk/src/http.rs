//! Requests to the origins that the operator names.
//!
//! A plugin that sends them asks for [`Capability::http`](crate::Capability::http); one that does not, does not even
//! import the interface. In a native test, [`Fixture::with_answer`](crate::testing::Fixture::with_answer) provides the
//! answers.
//!
//! ```
//! use lockgate_plugin::http::{Request, Response};
//! use lockgate_plugin::testing::Fixture;
//! use lockgate_plugin::{Evaluation, PluginError};
//!
//! #[derive(serde::Deserialize)]
//! struct Scan {
//!     findings: u32,
//! }
//!
//! fn findings(evaluation: &Evaluation) -> Result<u32, PluginError> {
//!     let url = "https://scanner.example.com/scans/shop-2.4.0";
//!     let scan: Scan = Request::get(url).header("accept", "application/json").send(evaluation)?.success()?.json()?;
//!     Ok(scan.findings)
//! }
//!
//! let url = "https://scanner.example.com/scans/shop-2.4.0";
//! let fixture = Fixture::new().with_answer(url, Response::new(200).with_body(r#"{"findings": 2}"#));
//! assert_eq!(findings(&fixture.evaluation()), Ok(2));
//! assert_eq!(fixture.requests()[0].headers, [("accept".to_owned(), "application/json".to_owned())]);
//!
//! let down = Fixture::new().with_answer(url, Response::new(503));
//! assert_eq!(findings(&down.evaluation()).unwrap_err().message, "the response has status 503");
//! ```

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(target_arch = "wasm32")]
use crate::bindings::lockgate::host::http as host;
pub use crate::bindings::lockgate::host::http::{HttpError, Method, Request, Response};
use crate::json::{self, NotJson};
use crate::{Evaluation, PluginError, Pointer};

impl Request {
    /// A request without headers and body. `url` is absolute, and without user information.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body: None }
    }

    /// A `get` request: asks for a resource.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::Get, url)
    }

    /// A `post` request: set its body with [`body`](Self::body) or [`json`](Self::json). Its effect may be repeated
    /// when the decision is made again.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::Post, url)
    }

    /// Adds a header. The host adds the headers that the connection needs, but no credentials.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets the body, and the header that marks it as JSON.
    ///
    /// # Errors
    /// If the value has no JSON form, such as a map whose keys are not text.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self, PluginError> {
        let unwritable =
            |error| PluginError::new("request-unwritable", format!("the value cannot be written as JSON: {error}"));
        Ok(self.header("content-type", "application/json").body(serde_json::to_vec(value).map_err(unwritable)?))
    }

    /// Sends the request, and waits for the whole answer. Waiting costs no fuel, but every byte costs some.
    ///
    /// # Errors
    /// If there is no answer; the error says why. An answer of any status is an answer: check it with
    /// [`Response::success`].
    #[cfg_attr(target_arch = "wasm32", expect(unused_variables, reason = "the host knows which evaluation it runs"))]
    pub fn send(&self, evaluation: &Evaluation<'_>) -> Result<Response, HttpError> {
        #[cfg(target_arch = "wasm32")]
        {
            host::send(self)
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            evaluation.fixture().web().send(self)
        }
    }
}

impl Method {
    /// The method as requests write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Response {
    /// An answer without headers and body, for tests.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// The same with a body, for tests.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The answer, if its status is a success: 200 to 299.
    ///
    /// # Errors
    /// The status, if it is no success.
    pub fn success(self) -> Result<Self, UnusableResponse> {
        match self.status {
            200..=299 => Ok(self),
            status => Err(UnusableResponse::Status(status)),
        }
    }

    /// The value of the header with this name, in any case. The first, if there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Reads the body as text.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub fn text(&self) -> Result<&str, UnusableResponse> {
        std::str::from_utf8(&self.body).map_err(|error| UnusableResponse::NotText { from: error.valid_up_to() })
    }

    /// Reads the body as one JSON text.
    ///
    /// # Errors
    /// If it is not JSON, has a key twice in one object, or does not fit the type. The error names the first place.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, UnusableResponse> {
        json::read(&self.body).map_err(|NotJson { pointer, message }| UnusableResponse::NotJson { pointer, message })
    }
}

/// Why an answer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnusableResponse {
    /// Its status is no success.
    Status(u16),
    /// Its body is not UTF-8.
    NotText {
        /// The offset of the first invalid byte, from 0.
        from: usize,
    },
    /// Its body is not JSON, or does not fit the type.
    NotJson {
        /// The place of the mistake; the root if the body is not JSON at all.
        pointer: Pointer,
        /// What is wrong at this place.
        message: String,
    },
}

impl fmt::Display for UnusableResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the response has status {status}"),
            Self::NotText { from } => write!(f, "the response is not UTF-8 from byte {from} on"),
            Self::NotJson { pointer, message } if *pointer == Pointer::root() => write!(f, "the response: {message}"),
            Self::NotJson { pointer, message } => write!(f, "the response at `{pointer}`: {message}"),
        }
    }
}

impl std::error::Error for UnusableResponse {}

impl From<UnusableResponse> for PluginError {
    /// The plugin cannot answer without it: `response-unusable`.
    fn from(error: UnusableResponse) -> Self {
        Self::new("response-unusable", error.to_string())
    }
}

impl From<HttpError> for PluginError {
    /// The plugin cannot answer without it: `request-failed`.
    fn from(error: HttpError) -> Self {
        Self::new("request-failed", error.in_words())
    }
}

impl HttpError {
    /// The error for people.
    pub fn in_words(&self) -> String {
        match self {
            Self::NotGranted(what) => format!("not granted: {what}"),
            Self::InvalidRequest(why) => format!("invalid request: {why}"),
            Self::AddressRefused(address) => format!("the host name resolves to `{address}`, which is not granted"),
            Self::Unreachable(why) => format!("nobody answers: {why}"),
            Self::TimedOut(allowed) => format!("no response within {allowed} ms"),
            Self::TooLarge(allowed) => format!("the response is larger than the limit of {allowed} bytes"),
            Self::TooManyRedirects(0) => "it is redirected".to_owned(),
            Self::TooManyRedirects(1) => "the request was redirected more than once".to_owned(),
            Self::TooManyRedirects(allowed) => format!("the request was redirected more than {allowed} times"),
            Self::InvalidResponse(why) => format!("invalid HTTP response: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::*;
    use crate::testing::Fixture;

    const URL: &str = "https://scanner.example.com/scans";

    #[test]
    fn a_fixture_answers_in_turn_and_then_the_last_again() {
        let fixture = Fixture::new()
            .with_answer(URL, Response::new(202))
            .with_answer(URL, Response::new(200).with_body("done"))
            .with_answer("https://scanner.example.com/other", Response::new(404));
        let evaluation = fixture.evaluation();
        let ask = || Request::get(URL).send(&evaluation).unwrap().status;
        assert_eq!([ask(), ask(), ask()], [202, 200, 200]);
        assert_eq!(fixture.requests().len(), 3);
    }

    #[test]
    fn a_fixture_sees_what_was_sent() {
        let fixture = Fixture::new().with_answer(URL, Response::new(201));
        let request = Request::post(URL).json(&["shop"]).unwrap();
        request.send(&fixture.evaluation()).unwrap().success().unwrap();
        let sent = &fixture.requests()[0];
        assert_eq!((sent.method, sent.url.as_str()), (Method::Post, URL));
        assert_eq!(sent.headers, [("content-type".to_owned(), "application/json".to_owned())]);
        assert_eq!(sent.body.as_deref(), Some(&br#"["shop"]"#[..]));
    }

    #[test]
    fn what_a_fixture_was_not_given_is_not_granted() {
        let fixture = Fixture::new().with_answer(URL, Response::new(200));
        let error = Request::get("https://elsewhere.example.com/").send(&fixture.evaluation()).unwrap_err();
        assert_eq!(error.in_words(), "not granted: `GET https://elsewhere.example.com/`");
    }

    #[test]
    fn a_test_says_what_goes_wrong() {
        let fixture = Fixture::new().without_answer(URL, HttpError::TimedOut(2_000));
        let error = PluginError::from(Request::get(URL).send(&fixture.evaluation()).unwrap_err());
        assert_eq!((error.code.as_str(), error.message.as_str()), ("request-failed", "no response within 2000 ms"));
    }

    #[test]
    fn headers_are_found_in_whatever_case() {
        let headers = vec![("etag".to_owned(), "one".to_owned()), ("etag".to_owned(), "two".to_owned())];
        let response = Response { headers, ..Response::new(200) };
        assert_eq!(response.header("ETag"), Some("one"));
        assert_eq!(response.header("age"), None);
    }

    #[test]
    fn what_is_no_success_text_or_json_is_told() {
        assert_eq!(Response::new(299).success().unwrap().status, 299);
        assert_eq!(Response::new(304).success(), Err(UnusableResponse::Status(304)));
        let latin = Response::new(200).with_body(*b"caf\xe9");
        assert_eq!(latin.text(), Err(UnusableResponse::NotText { from: 3 }));
        let error = Response::new(200).with_body(r#"[1, "a"]"#).json::<Vec<u8>>().unwrap_err();
        assert!(error.to_string().starts_with("the response at `/1`: invalid type"), "{error}");
        let error = Response::new(200).with_body("[1").json::<Vec<u8>>().unwrap_err();
        assert!(error.to_string().starts_with("the response: EOF"), "{error}");
    }
}
