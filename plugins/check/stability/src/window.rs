//! The time in which the service has to be stable.

use lockgate_plugin::Evaluation;
use lockgate_plugin::time::{Duration, Timestamp};
use lockgate_plugin::types::{Phase, Stage};

/// The time that is looked at: from the deployment to now, and at most as long as the service has to be stable. So what broke
/// the service counts until it lies that far back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// When the release was deployed.
    pub(crate) deployed: Timestamp,
    /// How long the service has to be stable.
    pub(crate) stable_for: Duration,
    /// The time of the snapshot.
    pub(crate) now: Timestamp,
}

impl Window {
    /// The window of the snapshot. None if the exit of fulfill was not passed.
    pub(crate) fn of(stable_for: Duration, evaluation: &Evaluation) -> Option<Self> {
        let passed = evaluation.gates_passed();
        let deployed = passed.iter().find(|passage| (passage.stage, passage.phase) == (Stage::Fulfill, Phase::Exit))?;
        Some(Self { deployed: deployed.at.into(), stable_for, now: evaluation.now() })
    }

    /// When the window begins.
    pub(crate) fn start(&self) -> Timestamp {
        let earliest = self.now.as_millis().saturating_sub(self.stable_for.as_millis());
        self.deployed.max(Timestamp::from_millis(earliest))
    }

    /// When the service has been deployed for long enough.
    pub(crate) fn end(&self) -> Timestamp {
        self.deployed.saturating_add(self.stable_for)
    }

    /// Whether the service has been deployed for long enough.
    pub(crate) fn is_complete(&self) -> bool {
        self.end() <= self.now
    }

    /// How long the window is so far.
    pub(crate) fn length(&self) -> Duration {
        self.now.since(self.start())
    }

    /// Whether something that lasted from one moment to another, or goes on, lasted in the window. What has no beginning began
    /// before.
    pub(crate) fn meets(&self, begin: Option<i64>, end: Option<i64>) -> bool {
        let ended = end.is_some_and(|end| Timestamp::from(end) < self.start());
        let begins_later = begin.is_some_and(|begin| Timestamp::from(begin) > self.now);
        !ended && !begins_later
    }

    /// When something that ended then lies before the window.
    pub(crate) fn over(&self, end: i64) -> Timestamp {
        Timestamp::from(end).saturating_add(self.stable_for).saturating_add(Duration::from_millis(1))
    }

    /// `34m of 1h`, or `1h`.
    pub(crate) fn in_words(&self) -> String {
        match self.is_complete() {
            true => self.stable_for.to_string(),
            false => {
                // Nobody reads milliseconds here.
                let seconds = self.length().as_millis() / 1_000 * 1_000;
                format!("{} of {}", Duration::from_millis(seconds), self.stable_for)
            }
        }
    }
}
