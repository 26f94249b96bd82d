//! Origins: the scheme, the host and the port that a request goes to.
//!
//! Every URL is parsed here and nowhere else, and strictly: an attack succeeds if the check and the connection read one
//! URL differently. So user information, backslashes, host names that are numbers in disguise, and characters that
//! other parsers fold into ASCII are refused.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Whether the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// The host of an origin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Host {
    /// In lower case.
    Name(String),
    Address(IpAddr),
}

/// A scheme, a host and a port (RFC 6454). Its text form is in lower case, without the default port of the scheme, for
/// example `https://scanner.example.com` or `http://[fd00::1]:8080`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    scheme: Scheme,
    host: Host,
    port: u16,
}

/// A text that is not an origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an origin: {why}")]
pub struct OriginError {
    text: String,
    /// What is wrong with it.
    why: String,
}

impl Scheme {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Origin {
    pub(super) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Takes the origin off the front of an absolute URL, and returns it with the rest; else what is wrong.
    pub(super) fn split(url: &str) -> Result<(Self, &str), String> {
        let (scheme, rest) = url.split_once("://").ok_or("it does not start with `http://` or `https://`")?;
        let scheme =
            [Scheme::Http, Scheme::Https].into_iter().find(|known| known.as_str().eq_ignore_ascii_case(scheme));
        let scheme = scheme.ok_or("its scheme is neither `http` nor `https`")?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err("it contains user information: send credentials in a header".to_owned());
        }
        let (host, port) = match authority.strip_prefix('[').map(|inside| inside.split_once(']')) {
            Some(Some((address, after))) => (ipv6(address)?, after),
            Some(None) => return Err(format!("the `[` of its host `{authority}` is not closed")),
            None => {
                let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
                (name_or_ipv4(host)?, port)
            }
        };
        let port = if port.is_empty() { scheme.port() } else { port_of(port)? };
        Ok((Self { scheme, host, port }, rest))
    }
}

fn ipv6(text: &str) -> Result<Host, String> {
    let address: Ipv6Addr = text.parse().map_err(|_| format!("its host `[{text}]` is not an IPv6 address"))?;
    Ok(Host::Address(address.into()))
}

/// A host name or an IPv4 address of four numbers. A name that ends in a number is neither: the system would read `127.1` and
/// `0x7f000001` as addresses.
fn name_or_ipv4(text: &str) -> Result<Host, String> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Address(address.into()));
    }
    if !text.is_ascii() {
        return Err(format!("its host `{text}` is not ASCII: write the form that starts with `xn--`"));
    }
    let is_label = |label: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len())
            && label.bytes().all(is_part)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_number = |label: &str| match label.strip_prefix("0x").or(label.strip_prefix("0X")) {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    };
    let is_name = text.len() <= 253 && text.split('.').all(is_label);
    match text.rsplit('.').next() {
        Some(last) if is_name && !is_number(last) => Ok(Host::Name(text.to_ascii_lowercase())),
        _ => Err(format!("its host `{text}` is neither a host name nor an IP address")),
    }
}

/// The port in the text after the host, for example `:8080`.
fn port_of(text: &str) -> Result<u16, String> {
    let digits = text.strip_prefix(':').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(port) if port != 0 => Ok(port),
        _ => Err(format!("`{text}` after its host is not a port")),
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port == self.scheme.port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |why: String| OriginError { text: text.to_owned(), why };
        match Self::split(text).map_err(invalid)? {
            (origin, "") => Ok(origin),
            (origin, _) => Err(invalid(format!("an origin ends after host and port: write `{origin}`"))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn written(text: &str) -> String {
        text.parse::<Origin>().unwrap().to_string()
    }

    fn refused(text: &str) -> String {
        text.parse::<Origin>().unwrap_err().to_string()
    }

    #[test]
    fn an_origin_is_written_in_one_way() {
        for (text, origin) in [
            ("https://scanner.example.com", "https://scanner.example.com"),
            ("HTTPS://Scanner.Example.COM:443", "https://scanner.example.com"),
            ("http://scanner:80", "http://scanner"),
            ("http://scanner:0443", "http://scanner:443"),
            ("https://scanner:80", "https://scanner:80"),
            ("http://my_service", "http://my_service"),
            ("http://node.7seas", "http://node.7seas"),
            ("http://10.1.2.3:8080", "http://10.1.2.3:8080"),
            ("http://[FD00:0:0::1]:8080", "http://[fd00::1]:8080"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(written(text), origin, "`{text}`");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "scanner",
            "ftp://scanner",
            "https:/scanner",
            "https://",
            "https://:443",
            "https://scanner/",
            "https://scanner?a",
            "https://scanner#a",
            "https://user@scanner",
            "https://user:word@scanner",
            "https://scanner:",
            "https://scanner:0",
            "https://scanner:65536",
            "https://scanner:+1",
            "https://scanner:1:2",
            "https://scan ner",
            "https://scanner\\a",
            "https://scanner.",
            "https://.scanner",
            "https://a..b",
            "https://-a",
            "https://a-",
            "https://bücher.example",
            "https://sc%61nner",
            "https://[fd00::1",
            "https://fd00::1",
            "https://[fd00::1]a",
            "https://[scanner]",
            "https://[fe80::1%25eth0]",
            "http://127.1",
            "http://0x7f000001",
            "http://2130706433",
            "http://0177.0.0.1",
            "http://1.2.3.4.5",
            "https://*.example.com",
            "https://*",
        ] {
            assert!(text.parse::<Origin>().is_err(), "`{text}`");
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong_and_what_to_write() {
        assert_eq!(
            refused("https://Scanner/api"),
            "`https://Scanner/api` is not an origin: an origin ends after host and port: write `https://scanner`"
        );
        assert_eq!(
            refused("https://bücher.example"),
            "`https://bücher.example` is not an origin: its host `bücher.example` is not ASCII: write the form that starts with `xn--`"
        );
    }
}
