//! Walks a rollout one step after another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Direction, HoldAction, Progress, Rollout, Step, StepAction, StepState, StepStatus, Wait};
use crate::time::{Duration, Timestamp};
use crate::types::WayBackKind;
use crate::{Evaluation, PluginError, Reason};

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
    GoBack,
}

/// Performs the steps of a rollout one after another, forward and back.
///
/// It uses only the progress and the time, so any call may be repeated, and it follows the approved rollout even if the
/// settings have changed since.
///
/// - A step that has not begun, or that began and has no known outcome, is performed.
/// - A hold waits until its time is over, or until a person resumes it.
/// - After a failed step it takes the way back; after the point of no return, if there is no way back, or on the way back,
///   it pauses.
/// - An inconclusive step is handled as [`OnInconclusive`] says.
/// - A failed step that a person resumes is performed again. An inconclusive step that a person resumes counts as done,
///   because the person has judged it.
/// - On the way back it performs the steps of `back` that are due.
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
    /// The next action of the rollout that the evaluation carries.
    ///
    /// # Errors
    /// `no-rollout` if none is carried out.
    pub fn next(&self, evaluation: &Evaluation<'_>) -> Result<Action, PluginError> {
        match (evaluation.rollout(), evaluation.progress()) {
            (Some(rollout), Some(progress)) => Ok(self.advance(evaluation.now(), &rollout, &progress)),
            _ => Err(PluginError::new("no-rollout", "no rollout is carried out")),
        }
    }

    /// The next action.
    pub fn advance(&self, now: Timestamp, rollout: &Rollout, progress: &Progress) -> Action {
        let due: Vec<&Step> = match progress.direction {
            Direction::Forward => rollout.steps.iter().collect(),
            Direction::Back => {
                rollout.back.iter().filter(|back| progress.is_due(back)).map(|back| &back.step).collect()
            }
        };
        for step in due {
            // A step without a state has not begun.
            let Some(state) = progress.state(&step.id) else {
                return Action::perform(&step.id);
            };
            if let Some(action) = self.step(now, rollout, progress, step, state) {
                return action;
            }
        }
        Action::Complete
    }

    /// The action for this step. None if the step is done.
    fn step(
        &self,
        now: Timestamp,
        rollout: &Rollout,
        progress: &Progress,
        step: &Step,
        state: &StepState,
    ) -> Option<Action> {
        let is_resumed = state.resumed_by.is_some();
        match state.status {
            StepStatus::Succeeded | StepStatus::Skipped => None,
            StepStatus::Pending => Some(Action::perform(&step.id)),
            StepStatus::Running => match &step.action {
                StepAction::Hold(length) => hold(now, step, state, length),
                _ => Some(Action::perform(&step.id)),
            },
            StepStatus::Failed if is_resumed => Some(Action::perform(&step.id)),
            StepStatus::Failed => Some(back(rollout, progress, "step-failed", format!("“{}” failed", step.title))),
            StepStatus::Inconclusive if is_resumed => None,
            StepStatus::Inconclusive => Some(self.inconclusive(now, rollout, progress, (step, state))),
        }
    }

    fn inconclusive(
        &self,
        now: Timestamp,
        rollout: &Rollout,
        progress: &Progress,
        (step, state): (&Step, &StepState),
    ) -> Action {
        let found = format!("“{}” did not have enough data for a result", step.title);
        match self.on_inconclusive {
            OnInconclusive::Pause => Action::Pause(Reason::new("step-inconclusive", found)),
            OnInconclusive::GoBack => back(rollout, progress, "step-inconclusive", found),
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
                            role: None,
                            reason: Reason::new("retry-later", message),
                        })
                    }
                    _ => Action::perform(&step.id),
                }
            }
        }
    }
}

/// Takes the way back if that is possible, and pauses otherwise.
fn back(rollout: &Rollout, progress: &Progress, code: &str, found: String) -> Action {
    if progress.direction == Direction::Back {
        return Action::Pause(Reason::new(code, format!("{found}, on the way back")));
    }
    if progress.past_point_of_no_return {
        let message = format!("{found}, and it cannot be rolled back after the point of no return");
        return Action::Pause(Reason::new(code, message));
    }
    match rollout.way_back.kind {
        WayBackKind::ForwardOnly => Action::Pause(Reason::new(code, format!("{found}, and the plan has no way back"))),
        WayBackKind::Removal | WayBackKind::LastKnownGood => Action::GoBack(Reason::new(code, found)),
    }
}

/// Waits for the end of a hold. None if it is over.
fn hold(now: Timestamp, step: &Step, state: &StepState, hold: &HoldAction) -> Option<Action> {
    if state.resumed_by.is_some() {
        return None;
    }
    let Some(length) = hold.length.map(Duration::from_millis) else {
        let reason = Reason::new("waiting-for-person", format!("“{}”: a person has to say to go on", step.title));
        return Some(Action::Wait(Wait { until: None, role: hold.role.clone(), reason }));
    };
    // A hold without a known beginning begins now.
    let Some(began) = state.began.map(Timestamp::from) else { return Some(Action::perform(&step.id)) };
    let until = began.saturating_add(length);
    if until <= now {
        return None;
    }
    let reason = Reason::new("holding", format!("“{}”: {length} from {began} on, until {until}", step.title));
    Some(Action::Wait(Wait { until: Some(until.as_millis()), role: hold.role.clone(), reason }))
}

#[cfg(test)]
mod tests;
