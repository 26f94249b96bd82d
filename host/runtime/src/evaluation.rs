//! The result of one call of a plugin.

use lockgate_domain::{Failure, LogLine, Receipt};

use crate::capability::NamespaceChanges;
use crate::sandbox::CapabilityExchange;

/// The result of one call of a plugin: its answer or failure, what it used, and what it logged.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation<T> {
    /// The answer, which follows the contract, or the failure. A failure never means "no".
    pub outcome: Result<T, Failure>,
    /// What was called and what the call used, whatever the outcome.
    pub receipt: Receipt,
    /// The first lines that the plugin logged, up to [`Limits::log_lines`](crate::Limits::log_lines) and
    /// [`Limits::log_bytes`](crate::Limits::log_bytes).
    pub log: Vec<LogLine>,
    /// The number of lines that it logged beyond these limits.
    pub log_dropped: u64,
    /// What it asked its capabilities and what they answered, in order. Its calls of the snapshot are not listed, because
    /// their results follow from the snapshot.
    pub exchanges: Vec<CapabilityExchange>,
    /// Whether the call would give the same result for the same snapshot at any other time: it read neither the time nor
    /// random numbers, and asked no capability.
    pub timeless: bool,
    /// The changes to its namespace, which the caller stores or drops; none if the call failed, changed nothing, or was
    /// answered from a recording.
    pub changes: Option<NamespaceChanges>,
}

impl<T> Evaluation<T> {
    /// The same result with the answer converted.
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> Evaluation<U> {
        Evaluation {
            outcome: self.outcome.map(turn),
            receipt: self.receipt,
            log: self.log,
            log_dropped: self.log_dropped,
            exchanges: self.exchanges,
            timeless: self.timeless,
            changes: self.changes,
        }
    }
}
