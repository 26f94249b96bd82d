//! What an operator grants.

use std::net::IpAddr;
use std::time::Duration;

use super::address::{self, AddressRange};
use super::method::HttpMethod;
use super::origin::Origin;

/// An origin that a plugin may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpGrant {
    /// Which.
    pub origin: Origin,
    /// What may be done there. Default: `get` and `head`.
    pub methods: Vec<HttpMethod>,
    /// Addresses that its name may stand for although they are not public: private, local and other special ones.
    /// Public addresses always are allowed. Default: none.
    pub addresses: Vec<AddressRange>,
    /// The largest body that is taken from there, in bytes. Default: 1 MiB.
    pub response_size: u64,
    /// How often a request that starts there is redirected, at most; every place on the way has to be granted too.
    /// Default: 3.
    pub redirects: u32,
    /// How long a request that starts there may take, with its redirects, from looking up the name to the last byte of
    /// the body. Default: 2 s.
    pub timeout: Duration,
}

impl HttpGrant {
    /// Grants the origin, with the defaults.
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

    /// Whether a connection may go there. The address is no IPv4 address in the clothes of an IPv6 one.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        address::is_public(address) || self.addresses.iter().any(|range| range.contains(address))
    }

    /// Whether it grants anything.
    ///
    /// # Errors
    /// If it names no method, or no time.
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

/// Why something cannot be granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpGrantError {
    /// No method is granted on an origin.
    #[error("`{origin}` is granted with no method: name one, or leave out `methods` for `get` and `head`")]
    NoMethods {
        /// The origin.
        origin: Origin,
    },
    /// No time is granted to an origin.
    #[error("`{origin}` is granted with a timeout of 0: nothing would ever be answered in it")]
    NoTime {
        /// The origin.
        origin: Origin,
    },
    /// There are two grants of one origin, and it is not said which of them counts.
    #[error("`{origin}` is granted twice: put what is granted there into one grant")]
    Twice {
        /// The origin.
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
            "`GET` is no method: write `get`, `head`, `post`, `put`, `patch` or `delete`"
        );
        assert!("connect".parse::<HttpMethod>().is_err());
    }
}
