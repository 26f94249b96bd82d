//! The ledger's clock: the system's clock, but never before the newest entry.
//!
//! An entry proves that its moment has passed. So if the system's clock is behind the newest entry, because somebody
//! set it back or a machine started without one, the ledger uses the time of that entry, and what has expired by then
//! stays expired.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use lockgate_domain::{Duration, Timestamp};

/// The source of the system's time.
#[derive(Clone)]
pub struct SystemClock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl SystemClock {
    /// A clock that takes its time from the function. Tests use it to set the time.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl Default for SystemClock {
    /// The clock of this machine.
    #[expect(clippy::disallowed_methods, reason = "everything else asks this clock")]
    fn default() -> Self {
        Self::new(Timestamp::now)
    }
}

impl fmt::Debug for SystemClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemClock")
    }
}

/// The clock of one ledger in one process.
#[derive(Debug)]
pub struct LedgerClock {
    system: SystemClock,
    /// The time of the newest known entry, in milliseconds since 1970.
    newest: AtomicI64,
    /// Whether the system's clock was behind the newest entry at the last reading.
    behind: AtomicBool,
}

impl LedgerClock {
    /// A ledger clock over the system's clock. It knows no entries yet.
    pub fn new(system: SystemClock) -> Self {
        Self { system, newest: AtomicI64::new(i64::MIN), behind: AtomicBool::new(false) }
    }

    /// The system's time, or the time of the newest entry if the system's clock is behind it.
    pub fn now(&self) -> Timestamp {
        let system = self.system.now();
        let newest = self.newest.load(Ordering::Acquire);
        let behind = system.as_millis() < newest;
        if behind != self.behind.load(Ordering::Relaxed) && self.behind.swap(behind, Ordering::Relaxed) != behind {
            log_change(behind, system, newest);
        }
        if behind { Timestamp::from_millis(newest) } else { system }
    }

    /// The system's time, for measuring durations: the ledger's time stands still while the system's clock is behind.
    pub fn system(&self) -> Timestamp {
        self.system.now()
    }

    /// How far the system's clock is behind the newest entry; zero if it is not.
    pub fn behind(&self) -> Duration {
        let newest = self.newest.load(Ordering::Acquire);
        let ahead = newest.saturating_sub(self.system.now().as_millis());
        Duration::from_millis(u64::try_from(ahead).unwrap_or(0))
    }

    /// Records the time of an entry.
    pub(crate) fn saw(&self, entry: Timestamp) {
        self.newest.fetch_max(entry.as_millis(), Ordering::AcqRel);
    }
}

/// Logs once that the clock is behind, and once that it is right again.
fn log_change(behind: bool, system: Timestamp, newest: i64) {
    if behind {
        let newest = Timestamp::from_millis(newest);
        tracing::warn!(%system, %newest, "the system's clock is behind the newest entry of the ledger, whose time is used instead: set the clock");
    } else {
        tracing::info!(%system, "the system's clock is not behind the newest entry of the ledger any more");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_never_before_the_newest_entry() {
        let system = Arc::new(AtomicI64::new(1_000));
        let shown = Arc::clone(&system);
        let clock = LedgerClock::new(SystemClock::new(move || Timestamp::from_millis(shown.load(Ordering::Relaxed))));
        let seen = || (clock.now().as_millis(), clock.behind().as_millis());
        assert_eq!(seen(), (1_000, 0));
        clock.saw(Timestamp::from_millis(5_000));
        clock.saw(Timestamp::from_millis(3_000));
        assert_eq!(seen(), (5_000, 4_000));
        system.store(5_001, Ordering::Relaxed);
        assert_eq!(seen(), (5_001, 0));
    }
}
