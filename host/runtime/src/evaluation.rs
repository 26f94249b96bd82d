//! What comes back from one call of a plugin.

use lockgate_domain::{Failure, LogLine, Receipt};

use crate::capability::NamespaceChanges;
use crate::sandbox::CapabilityExchange;

/// One call of a plugin: what it answered or why it did not, what it used, and what it logged.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation<T> {
    /// The answer, already checked against the contract, or why there is none. A failure is never a "no".
    pub outcome: Result<T, Failure>,
    /// What the call was and what it used. There is one whatever the outcome.
    pub receipt: Receipt,
    /// The first lines that the plugin logged, up to its limits.
    pub log: Vec<LogLine>,
    /// How many more lines it logged.
    pub log_dropped: u64,
    /// What it asked its capabilities, and what they answered, in order. What it saw of the snapshot is not among it:
    /// that follows from the snapshot.
    pub exchanges: Vec<CapabilityExchange>,
    /// Whether it would come to the same on the same picture at any other moment: it has not looked at the time, nor at
    /// random numbers, which differ from moment to moment, and has asked nothing outside.
    pub timeless: bool,
    /// What it wants to be kept in its namespace; none if it gave no answer, changed nothing, or was answered out of a
    /// recording. Nothing of it is kept yet.
    pub changes: Option<NamespaceChanges>,
}

impl<T> Evaluation<T> {
    /// The same call with its answer turned into something else.
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
