//! Counts the failed attempts of each address, so that further failures are answered slowly and with 429.
//!
//! Nobody guesses secrets of 256 random bits. This module keeps the attempts cheap for the server, and makes them
//! visible. A valid credential is accepted, whatever else comes from its address, because many clients share one. Only
//! failures are counted, so it is a leaky bucket that can be read without being filled. The caller passes the time in:
//! an address only stores the moment at which its bucket is empty again.

use std::collections::HashMap;
use std::net::SocketAddr;

use lockgate_domain::{Duration, Timestamp};
use parking_lot::Mutex;

use crate::connection::AddressKey;

/// The most addresses that are kept: about 4 MiB. If more addresses fail at the same time, counting by address is of no
/// use anyway. New addresses are then not counted until others are forgotten.
const MOST_PEERS: usize = 65_536;

/// The failed attempts of all addresses.
#[derive(Debug)]
pub(super) struct Throttle {
    /// The amount that each failure adds, in milliseconds.
    each: i64,
    /// The capacity, in milliseconds.
    full: i64,
    /// The moment at which each bucket is empty again, in milliseconds since 1970.
    empty_at: Mutex<HashMap<AddressKey, i64>>,
}

impl Throttle {
    /// Allows `failures` at once, and one more each time that a share of `per` has passed.
    pub(super) fn new(failures: u32, per: Duration) -> Self {
        let full = i64::try_from(per.as_millis()).unwrap_or(i64::MAX / 4).clamp(1, i64::MAX / 4);
        let each = (full / i64::from(failures.max(1))).max(1);
        Self { each, full, empty_at: Mutex::default() }
    }

    /// The seconds after which a failed attempt of this address is answered as usual. None: now.
    pub(super) fn blocked(&self, peer: SocketAddr, now: Timestamp) -> Option<u64> {
        let buckets = self.empty_at.lock();
        let level = self.level(buckets.get(&peer.ip().into()).copied(), now);
        let over = level + self.each - self.full;
        (over > 0).then(|| over.unsigned_abs().div_ceil(1000))
    }

    /// Counts a failed attempt of this address.
    pub(super) fn failed(&self, peer: SocketAddr, now: Timestamp) {
        let key = AddressKey::from(peer.ip());
        let mut buckets = self.empty_at.lock();
        let known = buckets.get(&key).copied();
        if known.is_none() && buckets.len() >= MOST_PEERS {
            buckets.retain(|_, empty_at| *empty_at > now.as_millis());
            if buckets.len() >= MOST_PEERS {
                return;
            }
        }
        // Attempts that were in progress when the bucket became full must not overfill it.
        let level = (self.level(known, now) + self.each).min(self.full);
        buckets.insert(key, now.as_millis().saturating_add(level));
    }

    /// The level of a bucket, in milliseconds. At most full, even if the clock was set back.
    fn level(&self, empty_at: Option<i64>, now: Timestamp) -> i64 {
        empty_at.map_or(0, |empty_at| empty_at.saturating_sub(now.as_millis()).clamp(0, self.full))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::net::IpAddr;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
    }

    fn peer(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 4711)
    }

    fn three_a_minute() -> Throttle {
        Throttle::new(3, Duration::from_millis(60_000))
    }

    #[test]
    fn after_as_many_failures_as_are_allowed_the_address_has_to_wait() {
        let throttle = three_a_minute();
        for _ in 0..2 {
            throttle.failed(peer("192.0.2.1"), at(0));
        }
        assert_eq!(throttle.blocked(peer("192.0.2.1"), at(0)), None);
        throttle.failed(peer("192.0.2.1"), at(0));
        assert_eq!(throttle.blocked(peer("192.0.2.1"), at(0)), Some(20));
        assert_eq!(throttle.blocked(peer("192.0.2.1"), at(19)), Some(1));
        assert_eq!(throttle.blocked(peer("192.0.2.1"), at(20)), None);
        assert_eq!(throttle.blocked(peer("192.0.2.2"), at(0)), None);
    }

    #[test]
    fn more_failures_at_once_do_not_make_the_wait_longer() {
        let throttle = three_a_minute();
        for _ in 0..100 {
            throttle.failed(peer("192.0.2.1"), at(0));
        }
        assert_eq!(throttle.blocked(peer("192.0.2.1"), at(0)), Some(20));
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_as_one() {
        let throttle = three_a_minute();
        for host in 1..=3 {
            throttle.failed(peer(&format!("2001:db8:0:1::{host}")), at(0));
        }
        assert_eq!(throttle.blocked(peer("2001:db8:0:1:ffff::9"), at(0)), Some(20));
        assert_eq!(throttle.blocked(peer("2001:db8:0:2::1"), at(0)), None);
    }

    #[test]
    fn an_ipv4_address_written_as_ipv6_is_the_same_address() {
        let throttle = three_a_minute();
        for _ in 0..3 {
            throttle.failed(peer("::ffff:192.0.2.1"), at(0));
        }
        assert_eq!(throttle.blocked(peer("192.0.2.1"), at(0)), Some(20));
    }

    #[test]
    fn a_clock_that_was_set_back_blocks_for_no_longer_than_usual() {
        let throttle = three_a_minute();
        for _ in 0..3 {
            throttle.failed(peer("192.0.2.1"), at(100_000));
        }
        assert_eq!(throttle.blocked(peer("192.0.2.1"), at(0)), Some(20));
    }

    #[test]
    fn the_memory_it_takes_is_bounded() {
        let throttle = three_a_minute();
        for address in 0..u32::try_from(MOST_PEERS).unwrap() + 10 {
            throttle.failed(SocketAddr::new(IpAddr::V4(address.into()), 1), at(0));
        }
        assert_eq!(throttle.empty_at.lock().len(), MOST_PEERS);
        throttle.failed(peer("255.0.0.1"), at(61));
        assert_eq!(throttle.empty_at.lock().len(), 1);
    }
}
