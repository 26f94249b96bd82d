//! Checks the request of a guest, and changes it for a redirect.
//!
//! The host sets everything that is about the connection. A guest that could set it could end its request early and start
//! another one, to a host that it did not name.

use ureq::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::message::{HttpError, HttpRequest};
use super::method::HttpMethod;
use super::url::RequestUrl;

/// The most headers of a guest, and their largest size together, in bytes.
const MOST_HEADERS: usize = 100;
const LARGEST_HEADERS: usize = 16 << 10;
/// The largest body of a guest, in bytes.
const LARGEST_BODY: usize = 1 << 20;

/// The `user-agent` of a request for which the guest sets none.
const USER_AGENT: HeaderValue = HeaderValue::from_static("lockgate");

/// Headers about the connection, beside those that start with `proxy-`.
const CONNECTION: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers that say how to respond and nothing about the sender. Only these are sent to another origin after a redirect,
/// because any other header may be a credential.
const IMPERSONAL: [&str; 14] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-type",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "range",
    "user-agent",
];

/// Headers about the body.
const ABOUT_BODY: [HeaderName; 4] =
    [header::CONTENT_ENCODING, header::CONTENT_LANGUAGE, header::CONTENT_LOCATION, header::CONTENT_TYPE];

/// A valid request. Its origin and method have not been compared with the grants yet.
#[derive(Clone, Debug)]
pub(super) struct CheckedRequest<'a> {
    pub(super) method: HttpMethod,
    pub(super) target: RequestUrl,
    /// The headers of the guest, and `user-agent`.
    pub(super) headers: HeaderMap,
    pub(super) body: Option<&'a [u8]>,
}

impl<'a> CheckedRequest<'a> {
    /// Checks a request.
    pub(super) fn new(request: &'a HttpRequest) -> Result<Self, HttpError> {
        let invalid = HttpError::InvalidRequest;
        let target = RequestUrl::parse(&request.url).map_err(|why| invalid(format!("invalid URL: {why}")))?;
        let mut headers = headers(&request.headers).map_err(invalid)?;
        headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        let body = request.body.as_ref().map(|body| body.0.as_slice());
        match body {
            Some(body) if body.len() > LARGEST_BODY => {
                Err(invalid(format!("its body has {} bytes; the limit is {LARGEST_BODY}", body.len())))
            }
            Some(body) if !body.is_empty() && request.method.forbids_body() => {
                Err(invalid(format!("a `{}` request cannot have a body", request.method)))
            }
            _ => {
                let body = body.filter(|_| !request.method.forbids_body());
                Ok(Self { method: request.method, target, headers, body })
            }
        }
    }

    /// The request that follows a redirect, as browsers make it (Fetch, HTTP-redirect fetch), except that another origin gets
    /// only headers that cannot be credentials.
    pub(super) fn redirected(mut self, status: u16, location: &str) -> Result<Self, HttpError> {
        let target = self.target.join(location).map_err(|why| {
            HttpError::InvalidResponse(format!("it redirects to {location:?}, which is not a URL: {why}"))
        })?;
        let becomes_get = match status {
            301 | 302 => self.method == HttpMethod::Post,
            303 => !matches!(self.method, HttpMethod::Get | HttpMethod::Head),
            _ => false,
        };
        if becomes_get {
            self.method = HttpMethod::Get;
            self.body = None;
            for name in ABOUT_BODY {
                self.headers.remove(name);
            }
        }
        if target.origin != self.target.origin {
            let (names, kept) = (self.headers.keys().cloned().collect::<Vec<_>>(), &IMPERSONAL);
            for name in names.into_iter().filter(|name| !kept.contains(&name.as_str())) {
                self.headers.remove(name);
            }
        }
        self.target = target;
        Ok(self)
    }
}

/// The headers of a guest, or what is wrong with them.
fn headers(given: &[(String, String)]) -> Result<HeaderMap, String> {
    let size: usize = given.iter().map(|(name, value)| name.len() + value.len()).sum();
    if given.len() > MOST_HEADERS {
        return Err(format!("it has {} headers; the limit is {MOST_HEADERS}", given.len()));
    }
    if size > LARGEST_HEADERS {
        return Err(format!("its headers have {size} bytes; the limit is {LARGEST_HEADERS}"));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is not a header name"))?;
        if CONNECTION.contains(&parsed.as_str()) || parsed.as_str().starts_with("proxy-") {
            return Err(format!("the host sets the header `{parsed}` itself"));
        }
        let value = HeaderValue::from_str(value).ok().filter(|value| value.to_str().is_ok()).ok_or_else(|| {
            format!("the value of the header `{parsed}` may only contain visible ASCII, blanks and tabs")
        })?;
        headers.try_append(parsed, value).map_err(|_| "it has too many headers".to_owned())?;
    }
    Ok(headers)
}
