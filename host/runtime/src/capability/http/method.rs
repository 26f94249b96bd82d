//! The HTTP methods that a plugin can use.
//!
//! `CONNECT` is not among them, because it would make the host a tunnel, and neither is `TRACE`, because it returns the
//! request.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ureq::http;

/// An HTTP method (RFC 9110, RFC 5789). Its text form is the name in lower case, for example `get`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpMethod {
    /// Retrieves a resource.
    Get,
    /// Retrieves the header that `get` would return.
    Head,
    /// Sends a body that the server processes.
    Post,
    /// Replaces a resource with the body.
    Put,
    /// Changes a part of a resource.
    Patch,
    /// Removes a resource.
    Delete,
}

/// A text that is not a method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a method: use `get`, `head`, `post`, `put`, `patch` or `delete`")]
pub struct HttpMethodError {
    text: String,
}

impl HttpMethod {
    /// All methods.
    pub const ALL: [Self; 6] = [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The name in lower case, for example `get`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Head => "head",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// Whether a request always has a `content-length`, even without a body (RFC 9110, section 8.6).
    pub(super) fn expects_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }

    /// Whether a request never has a body. A body on `get` would be a way to smuggle requests past caches and proxies.
    pub(super) fn forbids_body(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

impl fmt::Display for HttpMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HttpMethod {
    type Err = HttpMethodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|method| method.as_str() == text);
        named.ok_or_else(|| HttpMethodError { text: text.to_owned() })
    }
}

impl From<HttpMethod> for http::Method {
    fn from(method: HttpMethod) -> Self {
        match method {
            HttpMethod::Get => Self::GET,
            HttpMethod::Head => Self::HEAD,
            HttpMethod::Post => Self::POST,
            HttpMethod::Put => Self::PUT,
            HttpMethod::Patch => Self::PATCH,
            HttpMethod::Delete => Self::DELETE,
        }
    }
}
