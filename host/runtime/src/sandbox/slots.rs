//! Slots for sandboxes: a semaphore with a time-out.
//!
//! Wasmtime's pool returns an error when it is exhausted; a thread that takes a slot first waits instead. A free slot is taken
//! without a lock, so threads that need not wait do not wait for each other.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// The free slots of the pool, or of the share of one plugin.
#[derive(Debug)]
pub(crate) struct SandboxSlots {
    free: AtomicU32,
    waiting: AtomicU32,
    /// Held by a waiting thread while it checks, and by a thread that gives a slot back before it notifies, so that no
    /// notification is lost in between.
    queue: Mutex<()>,
    freed: Condvar,
}

/// The right to run one sandbox. It is given back when it is dropped, which has to be after the store of the sandbox.
#[derive(Debug)]
pub(crate) struct SandboxSlot<'a>(&'a SandboxSlots);

impl SandboxSlots {
    pub(crate) fn new(count: u32) -> Self {
        Self {
            free: AtomicU32::new(count.max(1)),
            waiting: AtomicU32::new(0),
            queue: Mutex::new(()),
            freed: Condvar::new(),
        }
    }

    /// Takes a slot as soon as one is free; none if that takes longer than `at_most`.
    pub(crate) fn take(&self, at_most: Duration) -> Option<SandboxSlot<'_>> {
        self.try_take().or_else(|| {
            self.waiting.fetch_add(1, SeqCst);
            let taken = self.wait(at_most);
            self.waiting.fetch_sub(1, SeqCst);
            taken
        })
    }

    fn try_take(&self) -> Option<SandboxSlot<'_>> {
        self.free.fetch_update(SeqCst, SeqCst, |free| free.checked_sub(1)).ok().map(|_| SandboxSlot(self))
    }

    fn wait(&self, at_most: Duration) -> Option<SandboxSlot<'_>> {
        let until = Instant::now().checked_add(at_most);
        let mut queue = self.queue.lock();
        loop {
            if let Some(slot) = self.try_take() {
                return Some(slot);
            }
            let left = match until {
                Some(until) => until.checked_duration_since(Instant::now())?,
                None => at_most,
            };
            self.freed.wait_for(&mut queue, left);
        }
    }
}

impl Drop for SandboxSlot<'_> {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, SeqCst);
        if self.0.waiting.load(SeqCst) > 0 {
            drop(self.0.queue.lock());
            self.0.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_slot_that_is_given_back_can_be_taken_by_who_waits() {
        let slots = SandboxSlots::new(1);
        let slot = slots.take(Duration::ZERO).unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| slots.take(Duration::from_secs(60)).is_some());
            drop(slot);
            assert!(waiter.join().unwrap());
        });
    }

    #[test]
    fn waiting_for_a_slot_ends() {
        let slots = SandboxSlots::new(1);
        let _slot = slots.take(Duration::ZERO).unwrap();
        assert!(slots.take(Duration::from_millis(5)).is_none());
    }

    #[test]
    fn many_threads_share_few_slots_and_none_is_lost() {
        let slots = SandboxSlots::new(2);
        let (inside, most) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _slot = slots.take(Duration::from_secs(60)).unwrap();
                        most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 2);
        assert_eq!(slots.free.into_inner(), 2);
    }
}
