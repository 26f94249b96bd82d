//! An operator's grant of `http`.

use std::net::IpAddr;
use std::time::Duration;

use super::address::{self, AddressRange};
use super::method::HttpMethod;
use super::origin::Origin;

/// An origin that a plugin may send requests to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpGrant {
    /// The origin.
    pub origin: Origin,
    /// The methods that are allowed there. Default: `get` and `head`.
    pub methods: Vec<HttpMethod>,
    /// Private, local and other special addresses that its host name may resolve to. Public addresses are always allowed.
    /// Default: none.
    pub addresses: Vec<AddressRange>,
    /// The largest body of a response, in bytes. Default: 1 MiB.
    pub response_size: u64,
    /// The most redirects of a request that starts at the origin. Every target has to be granted, too. Default: 3.
    pub redirects: u32,
    /// The time for a request that starts at the origin, with its redirects, from the name lookup to the last byte of the
    /// body. Default: 2 s.
    pub timeout: Duration,
}

impl HttpGrant {
    /// A grant of the origin with the defaults.
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            methods: vec![HttpMethod::Get, HttpMethod::Head],
            addresses: Vec::new(),
            response_size: 1 << 20,
            redirects: 3,
            timeout: Duration::from_secs(2),
        }
    }

    /// Whether a connection to the address is allowed. The address is not an IPv4-mapped IPv6 address.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        address::is_public(address) || self.addresses.iter().any(|range| range.contains(address))
    }

    /// Checks that the grant allows at least one request.
    ///
    /// # Errors
    /// If it has no method or a timeout of 0.
    pub fn check(&self) -> Result<(), HttpGrantError> {
        if self.methods.is_empty() {
            return Err(HttpGrantError::NoMethods { origin: self.origin.clone() });
        }
        if self.timeout.is_zero() {
            return Err(HttpGrantError::NoTime { origin: self.origin.clone() });
        }
        Ok(())
    }
}

/// Why a grant of `http` is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpGrantError {
    /// A grant has no method.
    #[error("the grant of `{origin}` has no method: add one, or leave out `methods` to grant `get` and `head`")]
    NoMethods {
        /// The origin of the grant.
        origin: Origin,
    },
    /// A grant has a timeout of 0.
    #[error("the grant of `{origin}` has a timeout of 0, so every request would fail: set a longer one")]
    NoTime {
        /// The origin of the grant.
        origin: Origin,
    },
    /// Two grants name the same origin.
    #[error("`{origin}` is granted twice: merge both grants into one")]
    Twice {
        /// The origin of the grant.
        origin: Origin,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn by_default_public_addresses_may_be_read_from() {
        let grant = HttpGrant::new("https://scanner.example.com".parse().unwrap());
        assert_eq!(grant.methods, [HttpMethod::Get, HttpMethod::Head]);
        assert_eq!((grant.response_size, grant.redirects, grant.timeout), (1_048_576, 3, Duration::from_millis(2_000)));
        assert!(grant.allows("93.184.216.34".parse().unwrap()));
        assert!(!grant.allows("10.1.2.3".parse().unwrap()));
    }

    #[test]
    fn a_private_address_is_allowed_once_it_is_named() {
        let mut grant = HttpGrant::new("https://scanner.example.com".parse().unwrap());
        grant.addresses = vec!["10.1.2.0/24".parse().unwrap()];
        assert!(grant.allows("10.1.2.3".parse().unwrap()));
        assert!(!grant.allows("10.1.3.3".parse().unwrap()));
    }

    #[test]
    fn a_method_is_a_word_in_lower_case() {
        assert_eq!("patch".parse(), Ok(HttpMethod::Patch));
        assert_eq!(
            "GET".parse::<HttpMethod>().unwrap_err().to_string(),
            "`GET` is not a method: use `get`, `head`, `post`, `put`, `patch` or `delete`"
        );
        assert!("connect".parse::<HttpMethod>().is_err());
    }
}
