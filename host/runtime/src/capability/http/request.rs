//! A request that may be sent: what a guest asked, looked at, and what becomes of it on a redirect.
//!
//! Whatever is about the connection instead of the question is the host's. A guest that could set it could end its
//! request early and begin another one, to a host that it did not name.

use ureq::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::message::{HttpError, HttpRequest};
use super::method::HttpMethod;
use super::url::RequestUrl;

/// How many headers a guest may set, and how many bytes they may have together.
const MOST_HEADERS: usize = 100;
const LARGEST_HEADERS: usize = 16 << 10;
/// How many bytes a guest may send.
const LARGEST_BODY: usize = 1 << 20;

/// What the host calls itself, unless the guest gives a name.
const USER_AGENT: HeaderValue = HeaderValue::from_static("lockgate");

/// Headers about the connection, beside those that begin with `proxy-`.
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

/// Headers that say how to answer, and nothing of who asks: these alone go along to another origin. Any other may be a
/// credential, whatever its name.
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

/// Headers that say what the body is.
const ABOUT_BODY: [HeaderName; 4] =
    [header::CONTENT_ENCODING, header::CONTENT_LANGUAGE, header::CONTENT_LOCATION, header::CONTENT_TYPE];

/// A request to a place that nobody looked at yet.
#[derive(Clone, Debug)]
pub(super) struct CheckedRequest<'a> {
    pub(super) method: HttpMethod,
    pub(super) target: RequestUrl,
    /// The guest's, and the name that the host gives itself.
    pub(super) headers: HeaderMap,
    pub(super) body: Option<&'a [u8]>,
}

impl<'a> CheckedRequest<'a> {
    /// Looks at a request.
    pub(super) fn new(request: &'a HttpRequest) -> Result<Self, HttpError> {
        let invalid = HttpError::InvalidRequest;
        let target = RequestUrl::parse(&request.url).map_err(|why| invalid(format!("its URL is none: {why}")))?;
        let mut headers = headers(&request.headers).map_err(invalid)?;
        headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        let body = request.body.as_ref().map(|body| body.0.as_slice());
        match body {
            Some(body) if body.len() > LARGEST_BODY => {
                Err(invalid(format!("its body has {} bytes, and {LARGEST_BODY} are allowed", body.len())))
            }
            Some(body) if !body.is_empty() && request.method.forbids_body() => {
                Err(invalid(format!("it has a body, and `{}` has none", request.method)))
            }
            _ => {
                let body = body.filter(|_| !request.method.forbids_body());
                Ok(Self { method: request.method, target, headers, body })
            }
        }
    }

    /// The request that follows a redirect, as browsers make it (Fetch, HTTP-redirect fetch), with one difference: at
    /// another origin, only headers that hold no credentials are sent.
    pub(super) fn redirected(mut self, status: u16, location: &str) -> Result<Self, HttpError> {
        let target = self.target.join(location).map_err(|why| {
            HttpError::InvalidResponse(format!("it redirects to {location:?}, which is no URL: {why}"))
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
        return Err(format!("it has {} headers, and {MOST_HEADERS} are allowed", given.len()));
    }
    if size > LARGEST_HEADERS {
        return Err(format!("its headers have {size} bytes, and {LARGEST_HEADERS} are allowed"));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is no name of a header"))?;
        if CONNECTION.contains(&parsed.as_str()) || parsed.as_str().starts_with("proxy-") {
            return Err(format!("the header `{parsed}` is the host's to set"));
        }
        let value = HeaderValue::from_str(value).ok().filter(|value| value.to_str().is_ok()).ok_or_else(|| {
            format!("the value of the header `{parsed}` holds something else than visible ASCII, blanks and tabs")
        })?;
        headers.try_append(parsed, value).map_err(|_| "it has too many headers".to_owned())?;
    }
    Ok(headers)
}
