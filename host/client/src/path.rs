//! The path and the query of a request, with every value escaped.

use std::fmt::{self, Write as _};

/// The path and the query of a request.
///
/// ```
/// use lockgate_client::RequestPath;
///
/// let path = RequestPath::new("/api/v1/decisions").segment("a/b #1").segment("proof").query("wait", "20s");
/// assert_eq!(path.to_string(), "/api/v1/decisions/a%2Fb%20%231/proof?wait=20s");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPath {
    path: String,
    query: String,
}

impl RequestPath {
    /// A fixed path, which begins with `/` and needs no escaping.
    pub fn new(path: &'static str) -> Self {
        Self { path: path.to_owned(), query: String::new() }
    }

    /// The path below this one: one more segment.
    #[must_use]
    pub fn segment(mut self, segment: impl fmt::Display) -> Self {
        self.path.push('/');
        escape(&segment.to_string(), &mut self.path);
        self
    }

    /// The same path with one more parameter in its query.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        escape(name, &mut self.query);
        self.query.push('=');
        escape(&value.to_string(), &mut self.query);
        self
    }
}

impl fmt::Display for RequestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        f.write_str(&self.query)
    }
}

/// Escapes all but the unreserved characters of RFC 3986.
fn escape(text: &str, escaped: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
            // Writing into a text cannot fail.
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
    }
}
