//! How long a rollout takes, from the planned lengths of its steps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{BackStep, Deployment, Direction, Duration, Rollout, Step, TimeWindow, Timestamp};

/// How long a rollout takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// The window of the change, or else the slot that the plan has booked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<TimeWindow>,
    /// The planned length of all steps together.
    pub forward: Duration,
    /// The planned length of the longest way back: the one from just before the point of no return, or else from the end.
    pub back: Duration,
    /// The planned length of the steps that are not done, in the present direction.
    pub rest: Duration,
    /// The latest time (RFC 3339) at which the longest way back can begin and still end within the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moment_of_no_return: Option<Timestamp>,
}

impl Deployment {
    /// How long the rollout takes; none if nobody laid it out yet.
    pub fn timing(&self) -> Option<Timing> {
        let rollout = self.laid_out()?;
        let forward = length(&rollout.steps);
        let back = length(rollout.longest_way_back());
        let rest = match &self.progress {
            None => forward,
            Some(progress) => {
                let left = progress.left();
                let steps: Vec<&Step> = match progress.direction {
                    Direction::Forward => rollout.steps.iter().collect(),
                    Direction::Back => progress.due().collect(),
                };
                length(steps.into_iter().filter(|step| left.contains(&step.id.as_str())))
            }
        };
        let (window, moment_of_no_return) = (self.window(), self.moment_of_no_return());
        Some(Timing { window, forward, back, rest, moment_of_no_return })
    }

    /// The latest time at which the longest way back can begin and still end within the window; without a rollout, the end of the
    /// window. None if there is no window.
    pub fn moment_of_no_return(&self) -> Option<Timestamp> {
        let back = self.laid_out().map_or(Duration::from_millis(0), |rollout| length(rollout.longest_way_back()));
        self.window().map(|window| window.end.saturating_sub(back))
    }

    /// The window of the change, or else the slot that the plan has booked.
    fn window(&self) -> Option<TimeWindow> {
        self.change.window.or_else(|| self.plan.as_ref().and_then(|plan| plan.slot))
    }
}

impl Rollout {
    /// The steps of the longest way back: those that are due once all steps before the point of no return have begun.
    fn longest_way_back(&self) -> impl Iterator<Item = &Step> {
        let is_before = |step: &&Step| self.point_of_no_return.as_ref() != Some(&step.id);
        let begun: Vec<&str> = self.steps.iter().take_while(is_before).map(|step| step.id.as_str()).collect();
        let is_due =
            move |back: &&BackStep| back.undoes.is_empty() || back.undoes.iter().any(|id| begun.contains(&id.as_str()));
        self.back.iter().filter(is_due).map(|back| &back.step)
    }
}

fn length<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Duration {
    let millis = steps.into_iter().fold(0, |sum: u64, step| sum.saturating_add(step.planned.as_millis()));
    Duration::from_millis(millis)
}
