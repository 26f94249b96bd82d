//! Turns at namespaces that many decisions want to change at once.
//!
//! A decision that changes values names the version of the namespace that it read. Of several decisions that read the
//! same version, one is written, and the others are made again. After such a conflict, the decisions of this process
//! take turns, in the order in which they came, until none waits any more. A decision that has the turn then competes
//! only with decisions that began earlier, and with writers in other processes. It keeps its turn if it loses to
//! another process. Decisions do not queue for a namespace without conflicts.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_ledger::{Conflict, Error};
use parking_lot::{Condvar, Mutex, MutexGuard};

/// The longest wait for a turn. The decision is then made without one, so that a plugin that hangs blocks nobody.
const PATIENCE: Duration = Duration::from_secs(10);

/// The turns of one engine. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct ValueTurns(Arc<TurnQueue>);

#[derive(Debug, Default)]
struct TurnQueue {
    state: Mutex<TurnQueueState>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct TurnQueueState {
    /// The namespaces, by their names in the ledger, over which decisions have conflicted.
    contended: BTreeSet<String>,
    /// The decisions that have or await their turn, in the order in which they came: each with its number and
    /// namespaces.
    line: VecDeque<(u64, BTreeSet<String>)>,
    last: u64,
}

/// A turn at some namespaces. It ends when it is dropped, after the decision is written or given up.
#[derive(Debug)]
pub(super) struct ValueTurn {
    line: Arc<TurnQueue>,
    number: u64,
    /// The namespaces that the turn covers.
    wanted: BTreeSet<String>,
}

impl ValueTurn {
    /// Whether the error is a conflict over a namespace that this turn covers: then the other writer is in another
    /// process.
    pub(super) fn covers(&self, error: &Error) -> bool {
        matches!(error, Error::Conflict(Conflict::Namespace { namespace, .. }) if self.wanted.contains(namespace))
    }
}

/// The thread would have to wait for the turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WouldWait;

impl ValueTurns {
    /// Notes that decisions have conflicted over a namespace.
    pub(super) fn contend(&self, namespace: &str) {
        self.0.lock().contended.insert(namespace.to_owned());
    }

    /// Waits for a turn at those of the namespaces that are contended. None if none of them is.
    pub(super) fn take(&self, namespaces: &BTreeSet<String>) -> Option<ValueTurn> {
        if namespaces.is_empty() {
            return None;
        }
        let mut state = self.0.lock();
        let (number, wanted) = state.join(namespaces)?;
        let begun = Instant::now();
        while !state.is_next(number, &wanted) {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break;
            }
            self.0.moved.wait_for(&mut state, left);
        }
        drop(state);
        Some(ValueTurn { line: Arc::clone(&self.0), number, wanted })
    }

    /// The same, for a thread that must not wait.
    pub(super) fn try_take(&self, namespaces: &BTreeSet<String>) -> Result<Option<ValueTurn>, WouldWait> {
        if namespaces.is_empty() {
            return Ok(None);
        }
        let mut state = self.0.lock();
        let Some((number, wanted)) = state.join(namespaces) else { return Ok(None) };
        if !state.is_next(number, &wanted) {
            state.leave(number);
            return Err(WouldWait);
        }
        drop(state);
        Ok(Some(ValueTurn { line: Arc::clone(&self.0), number, wanted }))
    }
}

impl TurnQueue {
    fn lock(&self) -> MutexGuard<'_, TurnQueueState> {
        self.state.lock()
    }
}

impl TurnQueueState {
    /// Joins the line for those of the namespaces that are contended.
    fn join(&mut self, namespaces: &BTreeSet<String>) -> Option<(u64, BTreeSet<String>)> {
        let wanted: BTreeSet<String> = self.contended.intersection(namespaces).cloned().collect();
        if wanted.is_empty() {
            return None;
        }
        self.last += 1;
        self.line.push_back((self.last, wanted.clone()));
        Some((self.last, wanted))
    }

    /// Whether no earlier decision in the line wants one of the namespaces.
    fn is_next(&self, number: u64, wanted: &BTreeSet<String>) -> bool {
        let before = self.line.iter().take_while(|(other, _)| *other != number);
        before.into_iter().all(|(_, theirs)| theirs.is_disjoint(wanted))
    }

    /// Leaves the line. A namespace without decisions in line is not contended any more.
    fn leave(&mut self, number: u64) {
        self.line.retain(|(other, _)| *other != number);
        let Self { contended, line, .. } = self;
        contended.retain(|namespace| line.iter().any(|(_, wanted)| wanted.contains(namespace)));
    }
}

impl Drop for ValueTurn {
    fn drop(&mut self) {
        self.line.lock().leave(self.number);
        self.line.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_namespace_that_nobody_fights_over_is_not_queued_for() {
        let turns = ValueTurns::default();
        assert!(matches!(turns.try_take(&names(&["a"])), Ok(None)));
        turns.contend("b");
        assert!(matches!(turns.try_take(&names(&["a"])), Ok(None)));
    }

    #[test]
    fn a_contended_namespace_is_had_by_one_at_a_time_until_nobody_wants_it() {
        let turns = ValueTurns::default();
        turns.contend("a");
        let first = turns.try_take(&names(&["a", "b"]));
        assert!(matches!(first, Ok(Some(_))));
        assert!(matches!(turns.try_take(&names(&["a"])), Err(WouldWait)));
        assert!(matches!(turns.try_take(&names(&["b"])), Ok(None)), "nobody has conflicted over `b`");
        drop(first);
        assert!(matches!(turns.try_take(&names(&["a"])), Ok(None)), "the line was empty");
    }

    #[test]
    fn who_waits_gets_the_turn_when_the_one_before_is_done() {
        let turns = ValueTurns::default();
        turns.contend("a");
        let first = turns.take(&names(&["a"]));
        let waiting = turns.clone();
        let second = std::thread::spawn(move || waiting.take(&names(&["a"])).is_some());
        while turns.0.lock().line.len() < 2 {
            std::thread::yield_now();
        }
        drop(first);
        assert!(second.join().is_ok_and(|had_a_turn| had_a_turn));
        assert!(turns.0.lock().line.is_empty());
    }
}
