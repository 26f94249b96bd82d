//! Which request it is: the id that the client gave it, or a new one, in the answer, in logs and in problems.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

/// The header that holds the id, in requests and answers.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids are not taken over, since they are written into logs. In bytes.
const LONGEST: usize = 128;

/// The id of a request, among its extensions and those of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// An id that nobody else has: 128 random bits in hexadecimal.
    pub fn generate() -> Self {
        let mut bytes = [0; 16];
        // Without randomness there is still an answer: only its id is of no use.
        let _ = getrandom::fill(&mut bytes);
        Self(format!("{:032x}", u128::from_be_bytes(bytes)).into())
    }

    /// The id that a client gave, if it is short and can be printed.
    pub fn given(header: &HeaderValue) -> Option<Self> {
        let text = header.to_str().ok()?;
        (1..=LONGEST).contains(&text.len()).then(|| Self(text.into()))
    }

    /// The id.
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

/// Around what comes next: finds or makes the id, and answers with it.
pub async fn with_request_id<F: Future<Output = Response>>(
    mut request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let given = request.headers().get(REQUEST_ID).and_then(RequestId::given);
    let id = given.unwrap_or_else(RequestId::generate);
    request.extensions_mut().insert(id.clone());
    let mut response = next(request).await;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response.extensions_mut().insert(id);
    response
}
