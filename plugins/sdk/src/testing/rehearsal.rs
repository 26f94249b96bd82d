//! Plays the host's part in a rollout, with a clock that the test sets.

#![expect(clippy::panic, reason = "a rehearsal is only used in tests, which fail by panicking")]

use super::Fixture;
use crate::Strategy;
use crate::strategy::{Action, Direction, Progress, Rollout, StepAction, StepState, StepStatus};

/// The progress of a rollout at its beginning.
pub fn progress(rollout: &Rollout) -> Progress {
    let pending = |id: &String| StepState {
        id: id.clone(),
        status: StepStatus::Pending,
        began: None,
        ended: None,
        attempts: 0,
        resumed_by: None,
        checks: Vec::new(),
        reason: None,
    };
    Progress {
        direction: Direction::Forward,
        steps: rollout.steps.iter().map(|step| pending(&step.id)).collect(),
        back: rollout.back.iter().map(|back| pending(&back.step.id)).collect(),
        past_point_of_no_return: false,
    }
}

/// A rehearsed rollout: each step that the strategy names succeeds, unless the test says otherwise.
#[derive(Debug)]
pub struct Rehearsal {
    /// The snapshot, with the time, the rollout and its progress.
    pub fixture: Fixture,
}

impl Rehearsal {
    /// Has the strategy plan the rollout.
    ///
    /// # Panics
    /// If it cannot.
    pub fn new<S: Strategy>(strategy: &S, mut fixture: Fixture) -> Self {
        let rollout = strategy.plan(&fixture.evaluation());
        let rollout = rollout.unwrap_or_else(|error| panic!("{}: {}", error.code, error.message));
        fixture.progress = Some(progress(&rollout));
        fixture.rollout = Some(rollout);
        Self { fixture }
    }

    /// The progress of the rollout.
    ///
    /// # Panics
    /// If the test took it out of the fixture.
    pub fn progress(&mut self) -> &mut Progress {
        self.fixture.progress.as_mut().unwrap_or_else(|| panic!("the fixture has no progress"))
    }

    /// Performs steps as long as the strategy names some, forward and back. Returns their ids and the strategy's last
    /// action. A hold keeps running; an analysis ends with the result of `analysis` for the step's id. The way back is
    /// taken where the strategy says so only after [`turn_back`](Self::turn_back).
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
            let action = strategy.advance(&self.fixture.evaluation());
            let ids = match action.unwrap_or_else(|error| panic!("{}: {}", error.code, error.message)) {
                Action::Perform(ids) => ids,
                other => return (performed, other),
            };
            for id in ids {
                let rollout = self.fixture.rollout.as_ref();
                let step = rollout.and_then(|rollout| rollout.all_steps().find(|step| step.id == id));
                let end = match step.map(|step| &step.action) {
                    None => panic!("there is no step `{id}`"),
                    Some(StepAction::Hold(_)) => StepStatus::Running,
                    Some(StepAction::Analyze(_)) => analysis(&id),
                    Some(_) => StepStatus::Succeeded,
                };
                self.note(&id, end);
                performed.push(id);
            }
        }
        panic!("the rollout never comes to an end: {performed:?}")
    }

    /// Records that a person resumes the step.
    pub fn resume(&mut self, id: &str) {
        for state in self.progress().steps.iter_mut().filter(|state| state.id == id) {
            state.resumed_by = Some("kim".to_owned());
        }
    }

    /// Takes the way back.
    pub fn turn_back(&mut self) {
        self.progress().direction = Direction::Back;
    }

    fn note(&mut self, id: &str, status: StepStatus) {
        let now = Some(self.fixture.now.as_millis());
        let no_return = self.fixture.rollout.as_ref().and_then(|rollout| rollout.point_of_no_return.clone());
        let progress = self.progress();
        progress.past_point_of_no_return |= no_return.as_deref() == Some(id);
        for state in progress.steps.iter_mut().chain(&mut progress.back).filter(|state| state.id == id) {
            state.status = status;
            state.began = now;
            state.ended = if status == StepStatus::Running { None } else { now };
            state.attempts += 1;
            state.resumed_by = None;
        }
    }
}
