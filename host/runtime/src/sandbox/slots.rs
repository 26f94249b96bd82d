//! As many slots as the pool has sandboxes.
//!
//! The pool answers an error when it is exhausted; here one waits instead, for a bounded time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The free places of the pool.
#[derive(Debug)]
pub(crate) struct Slots {
    free: Mutex<u32>,
    freed: Condvar,
}

/// The right to run one sandbox. Given back when it is dropped, which must be after the sandbox's store is.
#[derive(Debug)]
pub(crate) struct Slot<'a>(&'a Slots);

impl Slots {
    pub(crate) fn new(count: u32) -> Self {
        Self { free: Mutex::new(count.max(1)), freed: Condvar::new() }
    }

    /// A slot, as soon as one is free; none if that takes longer than `at_most`.
    pub(crate) fn take(&self, at_most: Duration) -> Option<Slot<'_>> {
        let mut free = self.lock();
        if *free == 0 {
            let until = Instant::now().checked_add(at_most);
            while *free == 0 {
                let left = match until {
                    Some(until) => until.checked_duration_since(Instant::now())?,
                    None => at_most,
                };
                free = self.freed.wait_timeout(free, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        *free -= 1;
        Some(Slot(self))
    }

    /// A count has no half-changed state, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, u32> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.lock() += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_slot_that_is_given_back_can_be_taken_by_who_waits() {
        let slots = Slots::new(1);
        let slot = slots.take(Duration::ZERO).unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| slots.take(Duration::from_secs(60)).is_some());
            drop(slot);
            assert!(waiter.join().unwrap());
        });
    }

    #[test]
    fn waiting_for_a_slot_ends() {
        let slots = Slots::new(1);
        let _slot = slots.take(Duration::ZERO).unwrap();
        assert!(slots.take(Duration::from_millis(5)).is_none());
    }
}
