//! Remembers the answers of plugins about one snapshot, as long as the snapshot is valid.
//!
//! A pipeline that waits asks the same gate about the same snapshot again and again, and only the moment differs. A
//! plugin that has read neither the time nor anything outside would give the same answer with the same fuel, so it is
//! not called again. Its receipt says that its answer was used again. Failures are not remembered.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use lockgate_domain::BindingOutcome;
use parking_lot::Mutex;

use crate::load::LoadedBinding;

/// The largest answer that is remembered, as JSON, in bytes: an engine keeps many snapshots.
const LARGEST: usize = 16 << 10;

/// The answers of one gate's bindings about one snapshot, which hold at any moment.
#[derive(Debug, Default)]
pub struct AnswerCache(Mutex<BTreeMap<String, Arc<BindingOutcome>>>);

impl AnswerCache {
    /// The earlier answer of the binding.
    pub(super) fn said(&self, binding: &LoadedBinding) -> Option<BindingOutcome> {
        let known = self.0.lock().get(&binding.model.id).cloned();
        known.map(|outcome| BindingOutcome::clone(&outcome))
    }

    /// Whether the answers of all of them, or of all but one, are known.
    pub(super) fn knows_most_of(&self, bindings: &[LoadedBinding]) -> bool {
        self.0.lock().len() + 1 >= bindings.len()
    }

    /// Remembers the answer of a binding, which holds at any moment, unless it is too large.
    pub(super) fn note(&self, outcome: &BindingOutcome) {
        if serde_json::to_writer(Room(LARGEST), outcome).is_err() {
            return;
        }
        let mut outcome = outcome.clone();
        if let Some(receipt) = &mut outcome.receipt {
            receipt.reused = true;
        }
        let mut known = self.0.lock();
        known.insert(outcome.id.clone(), Arc::new(outcome));
    }
}

/// A writer that accepts this many bytes and no more. It only counts them.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_over_16_kib_are_not_cached() {
        let fits = |strings: usize| serde_json::to_writer(Room(LARGEST), &vec![""; strings]).is_ok();
        // Each empty text takes three bytes, with its comma.
        assert!(fits(LARGEST / 3));
        assert!(!fits(LARGEST / 3 + 1));
    }
}
