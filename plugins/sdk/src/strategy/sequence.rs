//! Walks a rollout one step after another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Progress, Step, StepAction, StepState, StepStatus, Wait};
use crate::Reason;
use crate::time::{Duration, Timestamp};
use crate::types::WayBack;

/// What to do when an analysis had not enough data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnInconclusive {
    /// Stop where it is and let people decide.
    #[default]
    Pause,
    /// Look again after a while, so many times; then stop and let people decide.
    Retry,
    /// Take the way back; after the point of no return, stop and let people decide.
    RollBack,
}

/// Performs the steps of a rollout one after another.
///
/// It uses only the progress and the time, so any call may be repeated, and it follows the approved rollout even if the
/// settings have changed since.
///
/// - A step that has not begun, or that began and has no known outcome, is performed.
/// - A hold waits until its time is over, or until a person resumes it.
/// - After a failed step it rolls back; after the point of no return, or if no rollback is possible, it pauses.
/// - An inconclusive step is handled as [`OnInconclusive`] says.
/// - A failed step that a person resumes is performed again. An inconclusive step that a person resumes counts as done,
///   because the person has judged it.
#[derive(Clone, Copy, Debug)]
pub struct Sequence {
    /// How to handle an analysis that lacks data.
    pub on_inconclusive: OnInconclusive,
    /// The most attempts at an inconclusive step, including the first.
    pub max_attempts: u32,
    /// How long to wait before the next attempt at an inconclusive step.
    pub retry_after: Duration,
}

impl Sequence {
    /// The next action.
    pub fn advance(&self, now: Timestamp, progress: &Progress) -> Action {
        for step in &progress.rollout.steps {
            // A step without a state has not begun.
            let Some(state) = progress.steps.iter().find(|state| state.id == step.id) else {
                return Action::Perform(step.id.clone());
            };
            if let Some(action) = self.step(now, progress, step, state) {
                return action;
            }
        }
        Action::Complete
    }

    /// The action for this step. None if the step is done.
    fn step(&self, now: Timestamp, progress: &Progress, step: &Step, state: &StepState) -> Option<Action> {
        match state.status {
            StepStatus::Succeeded => None,
            StepStatus::Pending => Some(Action::Perform(step.id.clone())),
            StepStatus::Running => match step.action {
                StepAction::Hold(length) => hold(now, step, state, length),
                _ => Some(Action::Perform(step.id.clone())),
            },
            StepStatus::Failed if state.resumed => Some(Action::Perform(step.id.clone())),
            StepStatus::Failed => Some(back(progress, "step-failed", format!("“{}” failed", step.title))),
            StepStatus::Inconclusive if state.resumed => None,
            StepStatus::Inconclusive => Some(self.inconclusive(now, progress, step, state)),
        }
    }

    fn inconclusive(&self, now: Timestamp, progress: &Progress, step: &Step, state: &StepState) -> Action {
        let found = format!("“{}” did not have enough data for a result", step.title);
        match self.on_inconclusive {
            OnInconclusive::Pause => Action::Pause(Reason::new("step-inconclusive", found)),
            OnInconclusive::RollBack => back(progress, "step-inconclusive", found),
            OnInconclusive::Retry if state.attempts >= self.max_attempts => {
                let message = format!(
                    "{found}, after {} {}",
                    state.attempts,
                    if state.attempts == 1 { "attempt" } else { "attempts" }
                );
                Action::Pause(Reason::new("attempts-used-up", message))
            }
            OnInconclusive::Retry => {
                let again = state.ended.map(|ended| Timestamp::from(ended).saturating_add(self.retry_after));
                match again {
                    Some(again) if now < again => {
                        let message = format!("{found}; the check runs again at {again}");
                        Action::Wait(Wait {
                            until: Some(again.as_millis()),
                            for_person: false,
                            reason: Reason::new("retry-later", message),
                        })
                    }
                    _ => Action::Perform(step.id.clone()),
                }
            }
        }
    }
}

/// Rolls back if that is possible, and pauses otherwise.
fn back(progress: &Progress, code: &str, found: String) -> Action {
    if progress.past_point_of_no_return {
        let message = format!("{found}, and it cannot be rolled back after the point of no return");
        return Action::Pause(Reason::new(code, message));
    }
    match progress.rollout.way_back {
        WayBack::ForwardOnly => Action::Pause(Reason::new(code, format!("{found}, and the plan has no way back"))),
        WayBack::Removal | WayBack::LastKnownGood(_) => Action::RollBack(Reason::new(code, found)),
    }
}

/// Waits for the end of a hold. None if it is over.
fn hold(now: Timestamp, step: &Step, state: &StepState, length: Option<i64>) -> Option<Action> {
    if state.resumed {
        return None;
    }
    let Some(length) = length.map(Duration::from_millis) else {
        let reason = Reason::new("waiting-for-person", format!("“{}”: a person has to say to go on", step.title));
        return Some(Action::Wait(Wait { until: None, for_person: true, reason }));
    };
    // A hold without a known beginning begins now.
    let Some(began) = state.began.map(Timestamp::from) else { return Some(Action::Perform(step.id.clone())) };
    let until = began.saturating_add(length);
    if until <= now {
        return None;
    }
    let reason = Reason::new("holding", format!("“{}”: {length} from {began} on, until {until}", step.title));
    Some(Action::Wait(Wait { until: Some(until.as_millis()), for_person: false, reason }))
}

#[cfg(test)]
mod tests;
