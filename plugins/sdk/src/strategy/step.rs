//! Constructors for steps.

use super::{DeployAction, RouteAction, Step, StepAction};
use crate::time::Duration;

impl Step {
    /// A step. `id` is unique within the rollout, `title` is for people.
    pub fn new(id: impl Into<String>, title: impl Into<String>, action: StepAction) -> Self {
        Self { id: id.into(), title: title.into(), action }
    }

    /// Installs the release's components into a slot, with this much of the capacity in percent.
    pub fn deploy(id: impl Into<String>, title: impl Into<String>, slot: &str, capacity: u8) -> Self {
        Self::new(id, title, StepAction::Deploy(DeployAction { slot: slot.to_owned(), capacity }))
    }

    /// Sends this share of the consumers to a slot, in percent.
    pub fn route(id: impl Into<String>, title: impl Into<String>, slot: &str, weight: u8) -> Self {
        Self::new(id, title, StepAction::Route(RouteAction { slot: slot.to_owned(), weight }))
    }

    /// Waits for this long.
    pub fn hold(id: impl Into<String>, title: impl Into<String>, length: Duration) -> Self {
        Self::new(id, title, StepAction::Hold(Some(length.as_millis())))
    }

    /// Waits until a person says to go on.
    pub fn confirm(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self::new(id, title, StepAction::Hold(None))
    }

    /// Runs checks, by the ids that the deployment model gives them.
    pub fn analyze(id: impl Into<String>, title: impl Into<String>, checks: &[String]) -> Self {
        Self::new(id, title, StepAction::Analyze(checks.to_vec()))
    }

    /// Takes a slot out of use and removes its content.
    pub fn retire(id: impl Into<String>, title: impl Into<String>, slot: &str) -> Self {
        Self::new(id, title, StepAction::Retire(slot.to_owned()))
    }
}
