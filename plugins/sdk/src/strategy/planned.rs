//! How long the steps of a rollout are planned to take, as an operator writes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HoldAction, Rollout, Step, StepAction};
use crate::time::Duration;

/// The planned lengths of steps, by their kind. People approve them, and the host computes from them whether there is
/// still time to go back. A hold takes as long as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PlannedTimes {
    /// To install a release in a slot.
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "90d"))]
    pub deploy: Duration,
    /// To send consumers to a slot.
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "90d"))]
    pub route: Duration,
    /// To run the checks of an analysis.
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "90d"))]
    pub analyze: Duration,
    /// Until a person has decided.
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "90d"))]
    pub confirm: Duration,
    /// To take a slot out of use and remove its content.
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "90d"))]
    pub remove: Duration,
}

impl Default for PlannedTimes {
    fn default() -> Self {
        let minutes = |minutes: i64| Duration::from_millis(minutes * 60_000);
        Self { deploy: minutes(10), route: minutes(1), analyze: minutes(5), confirm: minutes(15), remove: minutes(5) }
    }
}

impl PlannedTimes {
    /// Gives each step of a rollout its planned length, forward and back.
    #[must_use]
    pub fn fill(&self, mut rollout: Rollout) -> Rollout {
        let back = rollout.back.iter_mut().map(|back| &mut back.step);
        for step in rollout.steps.iter_mut().chain(back) {
            step.planned = self.of(step).as_millis();
        }
        rollout
    }

    fn of(&self, step: &Step) -> Duration {
        match &step.action {
            StepAction::Deploy(_) => self.deploy,
            StepAction::Route(_) => self.route,
            StepAction::Hold(HoldAction { length: Some(length), .. }) => Duration::from_millis(*length),
            StepAction::Hold(HoldAction { length: None, .. }) => self.confirm,
            StepAction::Analyze(_) => self.analyze,
            StepAction::Disable(_) | StepAction::Remove(_) => self.remove,
            StepAction::Work(_) | StepAction::Activity(_) | StepAction::Custom(_) => {
                Duration::from_millis(step.planned)
            }
        }
    }
}
