//! Whether something is young enough.

use super::{Duration, Timestamp};

/// How far a moment may lie after the snapshot and still count as now: the clocks of two systems differ a little.
const CLOCK_DIFFERENCE: Duration = Duration::from_millis(60_000);

/// Whether something is young enough, by the moment at which it was measured, made or run.
///
/// ```
/// use lockgate_plugin::time::{Duration, Freshness, Timestamp};
///
/// let at = Timestamp::from_millis;
/// let (now, hour) = (at(10_000_000), Duration::from_millis(3_600_000));
/// assert_eq!(Freshness::of(Some(at(6_400_000)), now, hour), Freshness::Fresh);
/// assert_eq!(Freshness::of(Some(at(6_399_999)), now, hour), Freshness::TooOld(at(6_399_999)));
/// assert_eq!(Freshness::of(None, now, hour), Freshness::Undated);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It is not older than the greatest age.
    Fresh,
    /// It is older: it is of this moment.
    TooOld(Timestamp),
    /// Nobody knows how old it is.
    Undated,
    /// It is of this moment, which lies more than a minute after the snapshot, so nobody knows how old it is.
    InTheFuture(Timestamp),
}

impl Freshness {
    /// Compares the age of something of that moment with the greatest age.
    pub fn of(moment: Option<Timestamp>, now: Timestamp, greatest_age: Duration) -> Self {
        match moment {
            None => Self::Undated,
            Some(moment) if moment > now.saturating_add(CLOCK_DIFFERENCE) => Self::InTheFuture(moment),
            Some(moment) if now.since(moment) > greatest_age => Self::TooOld(moment),
            Some(_) => Self::Fresh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_that_is_just_allowed_is_fresh_and_a_little_ahead_is_now() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let of = |seconds: i64| Freshness::of(Some(at(seconds)), at(1000), Duration::from_millis(100_000));
        assert_eq!(of(899), Freshness::TooOld(at(899)));
        for seconds in [900, 1000, 1060] {
            assert_eq!(of(seconds), Freshness::Fresh, "{seconds}");
        }
        assert_eq!(of(1061), Freshness::InTheFuture(at(1061)));
    }

    #[test]
    fn the_ends_of_time_are_no_fault() {
        let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        let never = Duration::from_millis(i64::MAX);
        assert_eq!(Freshness::of(Some(last), last, never), Freshness::Fresh);
        assert_eq!(Freshness::of(Some(first), last, never), Freshness::Fresh);
        assert_eq!(Freshness::of(Some(last), first, never), Freshness::InTheFuture(last));
    }
}
