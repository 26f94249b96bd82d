//! Errors as RFC 9457 problem documents: the one format of all errors that the server answers.
//!
//! Handlers return a [`Problem`]. The errors of axum, tower and hyper themselves (no such route, a body that is too
//! large) are plain text; [`as_problems`] converts them, and adds the id of the request to every problem.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, Limited};
use lockgate_domain::api::{PROBLEM_MEDIA_TYPE, PROBLEM_TYPE_PREFIX, ProblemDocument};
use lockgate_domain::{shortened, shortened_quotes};
use serde::Serialize;
use serde_json::{Map, Value};

/// `Retry-After` of an overloaded server, in seconds.
pub(crate) const OVERLOADED_RETRY_AFTER: u64 = 1;

/// The most bytes of a plain answer that become `detail`.
const LONGEST_DETAIL: usize = 16 * 1024;

/// The header with the request's id, in requests and answers.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is accepted, in bytes, because ids are written into logs.
const LONGEST_ID: usize = 128;

/// The id of a request, in its extensions and those of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A unique id: 128 random bits in hexadecimal.
    pub fn generate() -> Self {
        let mut bytes = [0; 16];
        // Without random bytes the request is still answered; only its id is of no use.
        let _ = getrandom::fill(&mut bytes);
        Self(format!("{:032x}", u128::from_be_bytes(bytes)).into())
    }

    /// The client's id, if it is short and printable.
    pub fn given(header: &HeaderValue) -> Option<Self> {
        let text = header.to_str().ok()?;
        (1..=LONGEST_ID).contains(&text.len()).then(|| Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as a URI, as problems name it.
    pub fn urn(&self) -> String {
        let mut urn = "urn:lockgate:request:".to_owned();
        for byte in self.0.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'@' => {
                    urn.push(char::from(byte));
                }
                // Writing into a string does not fail.
                other => drop(write!(urn, "%{other:02X}")),
            }
        }
        urn
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An error that a handler returns.
///
/// ```
/// # use axum::http::StatusCode;
/// # use lockgate_server::problem::Problem;
/// let problem = Problem::new(StatusCode::CONFLICT, "illegal-move", "Not possible in the deployment's current state")
///     .detail("the deployment is in `fulfill`")
///     .with("legal", ["abort", "complete"]);
/// assert_eq!(problem.document(None).kind, "urn:lockgate:problem:illegal-move");
/// ```
#[derive(Clone, Debug)]
pub struct Problem(Box<ProblemParts>);

#[derive(Clone, Debug)]
struct ProblemParts {
    status: StatusCode,
    code: &'static str,
    title: Cow<'static, str>,
    detail: Option<String>,
    members: Map<String, Value>,
    headers: HeaderMap,
}

/// The most characters of a text of the request that a problem repeats.
pub(crate) const LONGEST_QUOTE: usize = 200;

/// The members that repeat a name of the request.
const NAMES_OF_REQUEST: [&str; 5] = ["concerned", "id", "name", "parameter", "step"];

impl Problem {
    /// A problem of a kind: its code in kebab-case, and its title, which is the same for all problems of the kind.
    pub fn new(status: StatusCode, code: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(ProblemParts {
            status,
            code,
            title: title.into(),
            detail: None,
            members: Map::new(),
            headers: HeaderMap::new(),
        }))
    }

    /// A problem that its HTTP status describes, with the code and the title of the status.
    pub fn of_status(status: StatusCode) -> Self {
        let (code, title) = kind_of(status);
        Self::new(status, code, title)
    }

    /// The problem of an overloaded server.
    pub(crate) fn overloaded(detail: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Server overloaded")
            .detail(format!("{detail}. Nothing was done. Retry after {OVERLOADED_RETRY_AFTER} s"))
            .retry_after(OVERLOADED_RETRY_AFTER)
    }

    /// Sets the description of this case. What it quotes is shortened.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(shortened_quotes(&detail.into(), LONGEST_QUOTE));
        self
    }

    /// Adds a member for programs. A name of the request is shortened. Leaves out and logs a value without a JSON form.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(Value::String(name)) if NAMES_OF_REQUEST.contains(&member) => {
                self.0.members.insert(member.to_owned(), shortened(&name, LONGEST_QUOTE).into());
            }
            Ok(value) => drop(self.0.members.insert(member.to_owned(), value)),
            Err(error) => tracing::error!(member, %error, "a member of a problem cannot be written as JSON"),
        }
        self
    }

    /// Adds each field of a document as a member. Leaves out and logs a document that is not a JSON object.
    #[must_use]
    pub(crate) fn with_all(mut self, document: &impl Serialize) -> Self {
        match serde_json::to_value(document) {
            Ok(Value::Object(members)) => self.0.members.extend(members),
            other => tracing::error!(?other, "the members of a problem are not a JSON object"),
        }
        self
    }

    /// Sets `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Adds a header and keeps others of the same name.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.append(name, value);
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The code of its kind.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The document for the answer to a request.
    pub fn document(&self, request: Option<&RequestId>) -> ProblemDocument {
        ProblemDocument {
            kind: format!("{PROBLEM_TYPE_PREFIX}{}", self.0.code),
            title: self.0.title.clone().into_owned(),
            status: self.0.status.as_u16(),
            detail: self.0.detail.clone(),
            instance: request.map(RequestId::urn),
            members: self.0.members.clone(),
        }
    }

    #[expect(clippy::expect_used, reason = "strings and JSON values can always be written")]
    fn body(&self, request: Option<&RequestId>) -> Body {
        Body::from(serde_json::to_vec(&self.document(request)).expect("a problem has a JSON form"))
    }

    /// The answer. The problem itself is in its extensions, for logs, and for [`as_problems`].
    fn respond(self, request: Option<&RequestId>) -> Response {
        let mut response = Response::new(self.body(request));
        *response.status_mut() = self.0.status;
        *response.headers_mut() = self.0.headers.clone();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.respond(None)
    }
}

/// A middleware that turns plain errors into problems, and adds the id of the request to each problem. Answers with a body in
/// another format, such as the errors of a foreign API, stay as they are.
pub async fn as_problems<F: Future<Output = Response>>(request: Request, next: impl FnOnce(Request) -> F) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next(request).await;
    if let Some(problem) = response.extensions().get::<Problem>() {
        *response.body_mut() = problem.body(id.as_ref());
        response.headers_mut().remove(CONTENT_LENGTH);
        return response;
    }
    if !(response.status().is_client_error() || response.status().is_server_error()) || !is_plain(response.headers()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = Limited::new(body, LONGEST_DETAIL).collect().await.map(http_body_util::Collected::to_bytes);
    let mut problem = Problem::of_status(parts.status);
    let text = text.ok().map(|text: Bytes| String::from_utf8_lossy(&text).trim().to_owned());
    problem.0.detail = text.filter(|text| !text.is_empty()).or_else(|| usual_detail(parts.status));
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    problem.0.headers = parts.headers;
    problem.respond(id.as_ref())
}

/// Whether an answer has no body, or one of plain text.
fn is_plain(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// The code and the title of a problem without a kind of its own. The title is RFC 9110's name for the status.
fn kind_of(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::BAD_REQUEST => ("bad-request", "Bad Request"),
        StatusCode::UNAUTHORIZED => ("unauthenticated", "Unauthorized"),
        StatusCode::FORBIDDEN => ("forbidden", "Forbidden"),
        StatusCode::NOT_FOUND => ("not-found", "Not Found"),
        StatusCode::METHOD_NOT_ALLOWED => ("method-not-allowed", "Method Not Allowed"),
        StatusCode::NOT_ACCEPTABLE => ("not-acceptable", "Not Acceptable"),
        StatusCode::REQUEST_TIMEOUT => ("request-timeout", "Request Timeout"),
        StatusCode::CONFLICT => ("conflict", "Conflict"),
        StatusCode::PRECONDITION_FAILED => ("precondition-failed", "Precondition Failed"),
        StatusCode::PAYLOAD_TOO_LARGE => ("body-too-large", "Content Too Large"),
        StatusCode::URI_TOO_LONG => ("uri-too-long", "URI Too Long"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported-media-type", "Unsupported Media Type"),
        StatusCode::UNPROCESSABLE_ENTITY => ("invalid-document", "Unprocessable Content"),
        StatusCode::TOO_MANY_REQUESTS => ("too-many-requests", "Too Many Requests"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => ("headers-too-large", "Request Header Fields Too Large"),
        StatusCode::NOT_IMPLEMENTED => ("not-implemented", "Not Implemented"),
        StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "Service Unavailable"),
        status if status.is_server_error() => ("internal", "Internal Server Error"),
        status => ("refused", status.canonical_reason().unwrap_or("Request Refused")),
    }
}

/// The usual meaning of a plain answer with this status, and what to do about it.
fn usual_detail(status: StatusCode) -> Option<String> {
    match status {
        StatusCode::NOT_FOUND => Some("there is no such path: `/openapi.json` lists all".to_owned()),
        _ => None,
    }
}
