//! Public addresses, and the special ones that an operator has to grant by name.
//!
//! The host runs in a private network, next to services that trust every client that can reach them, for example the metadata
//! service at 169.254.169.254 that returns the credentials of a cloud machine. A plugin reaches them only if its operator
//! granted the address.
//!
//! The ranges are those of IANA's registries of special-purpose addresses (RFC 6890) and of IPv6 unicast addresses. A range
//! that they call "globally reachable" within a special one counts as special here, because no web server uses it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const fn v4(a: u8, b: u8, c: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), prefix)
}

const fn v6(a: u16, b: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

/// IPv4 ranges that are not public.
const SPECIAL_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 8),       // "this network", and what systems take for themselves
    v4(10, 0, 0, 8),      // private
    v4(100, 64, 0, 10),   // shared by the customers of a provider
    v4(127, 0, 0, 8),     // this machine
    v4(169, 254, 0, 16),  // link-local, with the metadata of clouds
    v4(172, 16, 0, 12),   // private
    v4(192, 0, 0, 24),    // protocol assignments
    v4(192, 0, 2, 24),    // documentation
    v4(192, 88, 99, 24),  // relays from IPv6, deprecated
    v4(192, 168, 0, 16),  // private
    v4(198, 18, 0, 15),   // benchmarks
    v4(198, 51, 100, 24), // documentation
    v4(203, 0, 113, 24),  // documentation
    v4(224, 0, 0, 4),     // multicast
    v4(240, 0, 0, 4),     // reserved, with the broadcast
];

/// The IPv6 range of public addresses. Outside are, among others, this machine, link-local and site-local addresses,
/// multicast, and addresses that embed an IPv4 address.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);

/// IPv6 ranges within [`GLOBAL_V6`] that are not public.
const SPECIAL_V6: [Ipv6Net; 4] = [
    v6(0x2001, 0, 23), // protocol assignments, with the Teredo tunnel, which embeds IPv4, and with benchmarks
    v6(0x2001, 0xdb8, 32), // documentation
    v6(0x2002, 0, 16), // the 6to4 tunnel, which embeds IPv4
    v6(0x3fff, 0, 20), // documentation
];

/// IPv4 addresses as seen from IPv6 networks (RFC 6052). They are public if the IPv4 address is.
const TRANSLATED: Ipv6Net = v6(0x64, 0xff9b, 96);

/// Whether the address is public. It is not an IPv4-mapped IPv6 address: see [`plain`].
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|range| range.contains(&address)),
        IpAddr::V6(address) if TRANSLATED.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            is_public(Ipv4Addr::new(a, b, c, d).into())
        }
        IpAddr::V6(address) => GLOBAL_V6.contains(&address) && !SPECIAL_V6.iter().any(|range| range.contains(&address)),
    }
}

/// The address that the system would connect to: 10.0.0.1 for `::ffff:10.0.0.1`.
pub(super) fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// A range of IP addresses. Its text form is an address or a prefix: `10.1.2.3`, `10.1.2.0/24`, `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange(IpNet);

/// A text that is not a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a range of addresses: {why}")]
pub struct AddressRangeError {
    text: String,
    /// What is wrong with it.
    why: String,
}

impl AddressRange {
    /// Whether the address is in the range. An IPv4-mapped IPv6 address counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&plain(address))
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |why: String| AddressRangeError { text: text.to_owned(), why };
        let range = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => {
                text.parse::<IpNet>().map_err(|_| invalid("write `10.1.2.3`, `10.1.2.0/24` or `fd00::/8`".into()))?
            }
        };
        if range != range.trunc() {
            return Err(invalid(format!(
                "the address has bits beyond `/{}`: write `{}`",
                range.prefix_len(),
                range.trunc()
            )));
        }
        match range.addr() {
            IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => {
                Err(invalid("it is a range of IPv4 addresses in IPv6 form: write it as IPv4".into()))
            }
            _ => Ok(Self(range)),
        }
    }
}

impl Serialize for AddressRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AddressRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn public(text: &str) -> bool {
        is_public(plain(text.parse().unwrap()))
    }

    #[test]
    fn what_the_public_uses_is_public() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "93.184.216.34",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2000::",
            "2001:200::1",
            "2606:2800:220:1::1",
            "2a00::1",
            "3ffe:ffff::1",
            "64:ff9b::1.1.1.1",
            "::ffff:1.1.1.1",
        ] {
            assert!(public(address), "`{address}`");
        }
    }

    #[test]
    fn what_is_private_local_or_special_is_not_public() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "100::1",
            "2001:db8::1",
            "2001:2::1",
            "2001:10::1",
            "3fff::1",
            "5f00::1",
            "4000::1",
            "1fff:ffff::1",
        ] {
            assert!(!public(address), "`{address}`");
        }
    }

    #[test]
    fn a_private_address_stays_private_in_any_clothes() {
        for address in [
            "::ffff:127.0.0.1",            // mapped
            "::ffff:169.254.169.254",      // mapped
            "::127.0.0.1",                 // compatible
            "::10.0.0.1",                  // compatible
            "2002:7f00:1::",               // 6to4
            "2002:a00:1::1",               // 6to4
            "2001:0:4136:e378::f5ff:fffe", // Teredo
            "64:ff9b::127.0.0.1",          // NAT64
            "64:ff9b::10.0.0.1",           // NAT64
            "64:ff9b:1::10.0.0.1",         // NAT64, local
            "64:ff9b:1::1.1.1.1",          // NAT64, local
        ] {
            assert!(!public(address), "`{address}`");
        }
    }

    #[test]
    fn a_range_is_an_address_or_the_bits_that_addresses_share() {
        let holds =
            |range: &str, address: &str| range.parse::<AddressRange>().unwrap().contains(address.parse().unwrap());
        assert!(holds("10.1.2.0/24", "10.1.2.255"));
        assert!(!holds("10.1.2.0/24", "10.1.3.0"));
        assert!(holds("127.0.0.1", "127.0.0.1"));
        assert!(!holds("127.0.0.1", "127.0.0.2"));
        assert!(holds("fd00::/8", "fdff::1"));
        assert!(!holds("0.0.0.0/0", "::1"));
        assert!(!holds("::/0", "10.0.0.1"));
    }

    #[test]
    fn a_range_is_written_as_it_is_read() {
        for text in ["10.1.2.3", "10.1.2.0/24", "::1", "fd00::/8", "0.0.0.0/0"] {
            assert_eq!(text.parse::<AddressRange>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_range_is_refused_and_said_how_to_write() {
        let refused = |text: &str| text.parse::<AddressRange>().unwrap_err().to_string();
        assert_eq!(
            refused("10.1.2.3/24"),
            "`10.1.2.3/24` is not a range of addresses: the address has bits beyond `/24`: write `10.1.2.0/24`"
        );
        assert_eq!(
            refused("localhost"),
            "`localhost` is not a range of addresses: write `10.1.2.3`, `10.1.2.0/24` or `fd00::/8`"
        );
        assert_eq!(
            refused("::ffff:10.0.0.0/104"),
            "`::ffff:10.0.0.0/104` is not a range of addresses: it is a range of IPv4 addresses in IPv6 form: write it as IPv4"
        );
        for text in ["", "10.1.2", "10.1.2.0/33", "10.1.2.0/", "10.1.2.0-10.1.2.9", "fd00::/129", "*"] {
            assert!(text.parse::<AddressRange>().is_err(), "`{text}`");
        }
    }
}
