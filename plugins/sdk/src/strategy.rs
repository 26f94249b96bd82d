//! Deployment strategies: how is it rolled out?

pub use crate::bindings::strategy::exports::lockgate::strategy::strategy::{
    Action, DeployAction, Progress, Rollout, RouteAction, Step, StepAction, StepState, StepStatus, Wait,
};
use crate::{Evaluation, Plugin, PluginError};

/// A plugin that plans how a deployment is rolled out and says what to do next.
///
/// A pure planner: the host keeps the state and does the effects, so any call may be repeated.
pub trait Strategy: Plugin {
    /// Lays out the whole way. It is approved together with the plan.
    ///
    /// # Errors
    /// If there is no way.
    fn plan(&self, evaluation: &Evaluation<'_>) -> Result<Rollout, PluginError>;

    /// Says what to do next. The same snapshot and progress must give the same action.
    ///
    /// # Errors
    /// If it cannot tell. That is never a step back: the host waits for people.
    fn advance(&self, evaluation: &Evaluation<'_>, progress: &Progress) -> Result<Action, PluginError>;
}
