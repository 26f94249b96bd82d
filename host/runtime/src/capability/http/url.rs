//! Parses the URL of a request, and resolves the target of a redirect.

use std::fmt;

use super::origin::Origin;

/// The longest URL, in bytes.
const LONGEST: usize = 8 << 10;

/// An absolute URL without its fragment, which is never sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestUrl {
    pub(super) origin: Origin,
    /// Path and query, beginning with `/`.
    path: String,
}

impl RequestUrl {
    /// Parses an absolute URL, or returns what is wrong with it.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        if url.len() > LONGEST {
            return Err(format!("it has {} bytes; the limit is {LONGEST}", url.len()));
        }
        let (origin, rest) = Origin::split(url)?;
        let path = before(rest, '#');
        if let Some(character) = path.chars().find(|character| !stands_in_urls(*character)) {
            return Err(format!("{character:?} has to be percent-encoded"));
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self { origin, path: format!("{slash}{path}") })
    }

    /// Resolves a reference against this URL (RFC 3986, section 5.2), or returns what is wrong with it.
    pub(super) fn join(&self, reference: &str) -> Result<Self, String> {
        let reference = before(reference, '#');
        let first_segment = before(before(reference, '?'), '/');
        if first_segment.contains(':') {
            return Self::parse(reference);
        }
        if reference.starts_with("//") {
            return Self::parse(&format!("{}:{reference}", self.origin.scheme().as_str()));
        }
        let own_path = before(&self.path, '?');
        let joined = match reference.split_once('?') {
            None if reference.is_empty() => self.path.clone(),
            Some(("", query)) => format!("{own_path}?{query}"),
            Some((path, query)) => format!("{}?{query}", merged(own_path, path)),
            None => merged(own_path, reference),
        };
        Self::parse(&format!("{}{joined}", self.origin))
    }
}

impl fmt::Display for RequestUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

/// The text before the first `separator`; the whole text if it has none.
fn before(text: &str, separator: char) -> &str {
    text.split_once(separator).map_or(text, |(before, _)| before)
}

/// Whether RFC 3986 allows the character in a URL.
fn stands_in_urls(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~:/?[]@!$&'()*+,;=%".contains(character)
}

/// Merges the path of a reference with the path of its base, and removes `.` and `..`.
fn merged(base: &str, path: &str) -> String {
    let folder = if path.starts_with('/') { "" } else { base.rsplit_once('/').map_or("", |(folder, _)| folder) };
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = folder.split('/').skip(1).chain(path.strip_prefix('/').unwrap_or(path).split('/')).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_url_is_an_origin_and_a_path_without_the_fragment() {
        for (url, read) in [
            ("https://a", "https://a/"),
            ("https://A:443/B?c=D#e", "https://a/B?c=D"),
            ("https://a?q", "https://a/?q"),
            ("https://a#x@evil/", "https://a/"),
            ("http://a:8080/%20/[x]?y=%0d", "http://a:8080/%20/[x]?y=%0d"),
        ] {
            assert_eq!(RequestUrl::parse(url).unwrap().to_string(), read, "`{url}`");
        }
    }

    #[test]
    fn what_is_no_url_says_why() {
        let why = |url: &str| RequestUrl::parse(url).unwrap_err();
        assert_eq!(why("/path"), "it does not start with `http://` or `https://`");
        assert_eq!(why("file:///etc/passwd"), "its scheme is neither `http` nor `https`");
        assert_eq!(why("https://a/b c"), "' ' has to be percent-encoded");
        assert_eq!(why("https://a/b\r\nx: y"), "'\\r' has to be percent-encoded");
        assert_eq!(why("https://a/\u{202e}"), "'\\u{202e}' has to be percent-encoded");
        assert_eq!(why("https://a\\@b/"), "it contains user information: send credentials in a header");
        assert_eq!(why(&format!("https://a/{}", "b".repeat(8_183))), "it has 8193 bytes; the limit is 8192");
        assert!(RequestUrl::parse(&format!("https://a/{}", "b".repeat(8_182))).is_ok());
    }

    #[test]
    fn a_reference_is_read_from_where_it_stands() {
        let base = RequestUrl::parse("http://a/b/c/d;p?q").unwrap();
        for (reference, read) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("//g:8080/h", "http://g:8080/h"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"),
            ("g#s", "http://a/b/c/g"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../../g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("/./g/../h", "http://a/h"),
            ("g..", "http://a/b/c/g.."),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("https://b/x", "https://b/x"),
            ("HTTP://B", "http://b/"),
        ] {
            assert_eq!(base.join(reference).unwrap().to_string(), read, "`{reference}`");
        }
        for none in ["javascript:alert(1)", "mailto:a@b", "http:g", "//", "http://", "file:///etc/passwd", "\\\\evil"] {
            assert!(base.join(none).is_err(), "`{none}`");
        }
    }
}
