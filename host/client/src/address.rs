//! Where a server is.

use std::fmt;
use std::str::FromStr;

use ureq::http::Uri;

/// The URL of a server, for example `https://deploy.example.com`. It may have a path, where a proxy serves Lockgate below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress(String);

/// A text is not the URL of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{address}` is not the URL of a server: {reason}; write for example `https://deploy.example.com`")]
pub struct InvalidAddress {
    /// What was given, without a user name and a password.
    address: String,
    reason: &'static str,
}

impl ServerAddress {
    /// The URL, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ServerAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = |reason| InvalidAddress { address: text.to_owned(), reason };
        let uri: Uri = text.parse().map_err(|_| invalid("it is not a URL"))?;
        let authority = uri.authority().ok_or_else(|| invalid("it has no host"))?.as_str();
        if let Some((_, host)) = authority.rsplit_once('@') {
            let reason = "it has a user name or a password, and a server takes only tokens";
            return Err(InvalidAddress { address: host.to_owned(), reason });
        }
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(invalid("it begins neither with `http://` nor with `https://`"));
        }
        if uri.query().is_some() {
            return Err(invalid("it has a query"));
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_is_not_a_servers_is_refused_without_showing_a_password() {
        for (address, says) in [
            ("deploy.example.com", "neither with `http://` nor with `https://`"),
            ("ftp://deploy.example.com", "neither with `http://` nor with `https://`"),
            ("https://deploy.example.com?a=b", "it has a query"),
            ("https://me:hunter2@deploy.example.com", "takes only tokens"),
            ("", "it is not a URL"),
        ] {
            let error = address.parse::<ServerAddress>().unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("hunter2"), "{address}: {error}");
        }
    }

    #[test]
    fn a_slash_at_the_end_is_dropped_and_a_path_is_kept() {
        let address: ServerAddress = "https://example.com/lockgate/".parse().unwrap();
        assert_eq!(address.as_str(), "https://example.com/lockgate");
    }
}
