//! Plays the host's part in a rollout, with a clock that the test sets.

#![expect(clippy::panic, reason = "a rehearsal is only used in tests, which fail by panicking")]

use super::Fixture;
use crate::Strategy;
use crate::strategy::{Action, Progress, Rollout, StepAction, StepState, StepStatus};

/// The progress of a rollout at its beginning.
pub fn progress(rollout: Rollout) -> Progress {
    let pending = |id: &str| StepState {
        id: id.to_owned(),
        status: StepStatus::Pending,
        began: None,
        ended: None,
        attempts: 0,
        resumed: false,
    };
    let steps = rollout.steps.iter().map(|step| pending(&step.id)).collect();
    Progress { rollout, steps, past_point_of_no_return: false }
}

/// A rehearsed rollout: each step that the strategy names succeeds, unless the test says otherwise.
#[derive(Debug)]
pub struct Rehearsal {
    /// The snapshot, including the time.
    pub fixture: Fixture,
    /// The progress of the rollout.
    pub progress: Progress,
}

impl Rehearsal {
    /// Has the strategy plan the rollout.
    ///
    /// # Panics
    /// If it cannot.
    pub fn new<S: Strategy>(strategy: &S, fixture: Fixture) -> Self {
        let rollout = strategy.plan(&fixture.evaluation());
        let rollout = rollout.unwrap_or_else(|error| panic!("{}: {}", error.code, error.message));
        Self { fixture, progress: progress(rollout) }
    }

    /// Performs steps as long as the strategy names one. Returns their ids and the strategy's last action. A hold keeps
    /// running; an analysis ends with the result of `analysis` for the step's id.
    ///
    /// # Panics
    /// If the strategy cannot tell what to do, names an unknown step, or never comes to an end.
    pub fn run<S: Strategy>(
        &mut self,
        strategy: &S,
        mut analysis: impl FnMut(&str) -> StepStatus,
    ) -> (Vec<String>, Action) {
        let mut performed = Vec::new();
        for _ in 0..1000 {
            let action = strategy.advance(&self.fixture.evaluation(), &self.progress);
            let id = match action.unwrap_or_else(|error| panic!("{}: {}", error.code, error.message)) {
                Action::Perform(id) => id,
                other => return (performed, other),
            };
            let step = self.progress.rollout.steps.iter().find(|step| step.id == id);
            let end = match step.map(|step| &step.action) {
                None => panic!("there is no step `{id}`"),
                Some(StepAction::Hold(_)) => StepStatus::Running,
                Some(StepAction::Analyze(_)) => analysis(&id),
                Some(_) => StepStatus::Succeeded,
            };
            self.note(&id, end);
            performed.push(id);
        }
        panic!("the rollout never comes to an end: {performed:?}")
    }

    /// Records that a person resumes the step.
    pub fn resume(&mut self, id: &str) {
        for state in self.progress.steps.iter_mut().filter(|state| state.id == id) {
            state.resumed = true;
        }
    }

    fn note(&mut self, id: &str, status: StepStatus) {
        let now = Some(self.fixture.now.as_millis());
        self.progress.past_point_of_no_return |= self.progress.rollout.point_of_no_return.as_deref() == Some(id);
        for state in self.progress.steps.iter_mut().filter(|state| state.id == id) {
            state.status = status;
            state.began = now;
            state.ended = if status == StepStatus::Running { None } else { now };
            state.attempts += 1;
            state.resumed = false;
        }
    }
}
