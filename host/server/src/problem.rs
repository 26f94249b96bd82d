//! What went wrong, as RFC 9457 problem documents: the one form of every error that the endpoint answers.
//!
//! Handlers return a [`Problem`]. What axum, tower and hyper answer by themselves (no such route, a body that is too
//! large, JSON that cannot be read) is plain text; [`as_problems`] turns it into the same form, and writes into every
//! problem which request it was.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, Limited};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::serve::RequestId;

/// The media type of problems.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What every `type` begins with; the rest is the code.
pub const TYPE_PREFIX: &str = "urn:lockgate:problem:";

/// How much of a plain answer is taken over as `detail`, in bytes.
const LONGEST_DETAIL: usize = 16 * 1024;

/// Why a request was not done, to be returned from a handler.
///
/// ```
/// # use axum::http::StatusCode;
/// # use lockgate_server::problem::Problem;
/// let problem = Problem::new(StatusCode::CONFLICT, "illegal-move", "This move is not possible now")
///     .detail("the deployment is in `fulfill`")
///     .with("legal", ["abort", "complete"]);
/// assert_eq!(problem.document(None).kind, "urn:lockgate:problem:illegal-move");
/// ```
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    title: Cow<'static, str>,
    detail: Option<String>,
    members: Map<String, Value>,
    headers: HeaderMap,
}

/// The document that says it (RFC 9457, section 3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProblemDocument {
    /// What kind of problem it is: `urn:lockgate:problem:` and a code that programs may go by.
    #[serde(rename = "type")]
    #[schema(format = "uri", examples("urn:lockgate:problem:not-found"))]
    pub kind: String,
    /// The kind in words, the same each time.
    pub title: String,
    /// The status of HTTP.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is the matter this time, and what can be done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Which request it was: `urn:lockgate:request:` and its id, which is also in `X-Request-ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri")]
    pub instance: Option<String>,
    /// What programs need to know besides, by kind.
    #[serde(flatten)]
    pub members: Map<String, Value>,
}

impl Problem {
    /// A problem of a kind: its code in kebab-case and its title, which is the same for the kind each time.
    pub fn new(status: StatusCode, code: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            status,
            code,
            title: title.into(),
            detail: None,
            members: Map::new(),
            headers: HeaderMap::new(),
        }))
    }

    /// A problem that only its status tells, with the code that goes with it.
    pub fn of_status(status: StatusCode) -> Self {
        let (code, title) = kind_of(status);
        Self::new(status, code, title)
    }

    /// Says what is the matter this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds a member for programs. What cannot be written as JSON is left out.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(value) => drop(self.0.members.insert(member.to_owned(), value)),
            Err(error) => tracing::error!(member, %error, "a member of a problem cannot be written as JSON"),
        }
        self
    }

    /// Says in how many seconds it is worth asking again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Adds a header; another one of the same name stays.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.append(name, value);
        self
    }

    /// The status of HTTP.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The code of its kind.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The document, as the answer to a request.
    pub fn document(&self, request: Option<&RequestId>) -> ProblemDocument {
        ProblemDocument {
            kind: format!("{TYPE_PREFIX}{}", self.0.code),
            title: self.0.title.clone().into_owned(),
            status: self.0.status.as_u16(),
            detail: self.0.detail.clone(),
            instance: request.map(RequestId::urn),
            members: self.0.members.clone(),
        }
    }

    fn body(&self, request: Option<&RequestId>) -> Body {
        // Strings and JSON values can always be written.
        Body::from(serde_json::to_vec(&self.document(request)).unwrap_or_default())
    }

    /// The answer. The problem itself is among its extensions, for logs, and for [`as_problems`].
    fn respond(self, request: Option<&RequestId>) -> Response {
        let mut response = Response::new(self.body(request));
        *response.status_mut() = self.0.status;
        *response.headers_mut() = self.0.headers.clone();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.respond(None)
    }
}

/// Around what comes next: turns plain errors into problems, and says in each problem which request it was. Answers that
/// have a body of a form of their own, like the errors of a foreign API, stay as they are.
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
    problem.0.detail = text.ok().and_then(|text: Bytes| {
        let text = String::from_utf8_lossy(&text).trim().to_owned();
        (!text.is_empty()).then_some(text)
    });
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    problem.0.headers = parts.headers;
    problem.respond(id.as_ref())
}

/// Whether an answer has no body, or one that is only words.
fn is_plain(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// The code and the title that go with a status, where nobody said more.
fn kind_of(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::BAD_REQUEST => ("bad-request", "The request cannot be read"),
        StatusCode::UNAUTHORIZED => ("unauthenticated", "Nobody is known to ask"),
        StatusCode::FORBIDDEN => ("forbidden", "This is not allowed"),
        StatusCode::NOT_FOUND => ("not-found", "There is nothing here"),
        StatusCode::METHOD_NOT_ALLOWED => ("method-not-allowed", "This cannot be done with it"),
        StatusCode::NOT_ACCEPTABLE => ("not-acceptable", "There is no answer of that form"),
        StatusCode::REQUEST_TIMEOUT => ("request-timeout", "The request took too long"),
        StatusCode::CONFLICT => ("conflict", "Somebody else changed it"),
        StatusCode::PRECONDITION_FAILED => ("precondition-failed", "It is not in the expected version"),
        StatusCode::PAYLOAD_TOO_LARGE => ("body-too-large", "The body is too large"),
        StatusCode::URI_TOO_LONG => ("uri-too-long", "The address is too long"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported-media-type", "The body is of another type than is taken"),
        StatusCode::UNPROCESSABLE_ENTITY => ("invalid-document", "The document is wrong"),
        StatusCode::TOO_MANY_REQUESTS => ("too-many-requests", "Too many requests"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => ("headers-too-large", "The headers are too large"),
        StatusCode::NOT_IMPLEMENTED => ("not-implemented", "This is not there yet"),
        StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "It cannot be done at the moment"),
        status if status.is_server_error() => ("internal", "Something is wrong with the server"),
        _ => ("refused", "The request was refused"),
    }
}
