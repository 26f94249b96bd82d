//! Constructors for steps.

use super::{AnalyzeAction, BackStep, DeployAction, HoldAction, RouteAction, Step, StepAction, Target};
use crate::time::Duration;

/// Hundredths of a percent.
fn share(percent: u8) -> u16 {
    u16::from(percent) * 100
}

impl Target {
    /// All of a slot.
    pub fn slot(slot: impl Into<String>) -> Self {
        Self { slot: Some(slot.into()), instances: Vec::new() }
    }
}

impl Step {
    /// A step that can be repeated without harm. `id` is unique within the rollout, `title` is for people. Its planned
    /// length is that of a hold, else 0: see [`planned`](Self::planned) and
    /// [`PlannedTimes`](crate::strategy::PlannedTimes).
    pub fn new(id: impl Into<String>, title: impl Into<String>, action: StepAction) -> Self {
        let planned = match &action {
            StepAction::Hold(HoldAction { length: Some(length), .. }) => *length,
            _ => 0,
        };
        Self { id: id.into(), title: title.into(), action, planned, at_most: None, repeatable: true }
    }

    /// Installs the release's components into a slot, with this much of the capacity in percent.
    pub fn deploy(id: impl Into<String>, title: impl Into<String>, slot: &str, percent: u8) -> Self {
        let to = Target::slot(slot);
        let deploy = DeployAction { to, components: Vec::new(), capacity: share(percent) };
        Self::new(id, title, StepAction::Deploy(deploy))
    }

    /// Sends this share of the consumers to a slot, in percent.
    pub fn route(id: impl Into<String>, title: impl Into<String>, slot: &str, percent: u8) -> Self {
        let route = RouteAction { slot: slot.to_owned(), weight: share(percent), audience: None };
        Self::new(id, title, StepAction::Route(route))
    }

    /// Waits for this long.
    pub fn hold(id: impl Into<String>, title: impl Into<String>, length: Duration) -> Self {
        let hold = HoldAction { length: Some(length.as_millis()), role: None };
        Self::new(id, title, StepAction::Hold(hold))
    }

    /// Waits until a person says to go on.
    pub fn confirm(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self::new(id, title, StepAction::Hold(HoldAction { length: None, role: None }))
    }

    /// Runs checks, by the ids that the deployment model gives them.
    pub fn analyze(id: impl Into<String>, title: impl Into<String>, checks: &[String]) -> Self {
        let analyze = AnalyzeAction { checks: checks.to_vec(), candidate: None, baseline: None };
        Self::new(id, title, StepAction::Analyze(analyze))
    }

    /// Takes a slot out of use and keeps its content.
    pub fn disable(id: impl Into<String>, title: impl Into<String>, slot: &str) -> Self {
        Self::new(id, title, StepAction::Disable(Target::slot(slot)))
    }

    /// Takes a slot out of use and removes its content.
    pub fn remove(id: impl Into<String>, title: impl Into<String>, slot: &str) -> Self {
        Self::new(id, title, StepAction::Remove(Target::slot(slot)))
    }

    /// For an analysis: the slot whose instances are examined, and the one that they are compared with.
    #[must_use]
    pub fn compare(mut self, candidate: &str, baseline: &str) -> Self {
        if let StepAction::Analyze(analyze) = &mut self.action {
            (analyze.candidate, analyze.baseline) = (Some(candidate.to_owned()), Some(baseline.to_owned()));
        }
        self
    }

    /// Sets the planned length.
    #[must_use]
    pub fn planned(mut self, length: Duration) -> Self {
        self.planned = length.as_millis();
        self
    }

    /// Makes it a step of the way back that undoes these steps: it is due once one of them has begun.
    pub fn undoes<I>(self, steps: I) -> BackStep
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        BackStep { step: self, undoes: steps.into_iter().map(Into::into).collect() }
    }
}
