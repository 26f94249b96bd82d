//! What plugins said of one picture, for as long as the picture stands.
//!
//! A pipeline that waits asks the same gate about the same picture again and again, and only the moment differs. A plugin
//! that has looked neither at the time nor outside would say the same, with the same fuel: so it is not called again. Its
//! receipt says that its answer was used again. Failures are not remembered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use lockgate_domain::BindingOutcome;

use crate::load::LoadedBinding;

/// How large an answer is, with what was logged, in bytes of text, that is remembered: an engine keeps many pictures.
const LARGEST: u64 = 16 << 10;

/// What the bindings of one gate said of one picture, whatever the moment.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<BTreeMap<String, Arc<BindingOutcome>>>);

impl Remembered {
    /// What the binding said before.
    pub(super) fn said(&self, binding: &LoadedBinding) -> Option<BindingOutcome> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&binding.model.id).cloned();
        known.map(|outcome| BindingOutcome::clone(&outcome))
    }

    /// Whether all of them, or all but one, are known.
    pub(super) fn knows_most_of(&self, bindings: &[LoadedBinding]) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len() + 1 >= bindings.len()
    }

    /// Takes note of what a binding said: an answer of that size, which holds at any moment.
    pub(super) fn note(&self, outcome: &BindingOutcome, size: u64) {
        let logged: u64 = outcome.log.iter().map(|line| line.message.len() as u64).sum();
        if size.saturating_add(logged) > LARGEST {
            return;
        }
        let mut outcome = outcome.clone();
        if let Some(receipt) = &mut outcome.receipt {
            receipt.reused = true;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(outcome.id.clone(), Arc::new(outcome));
    }
}
