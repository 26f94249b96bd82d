//! Deployment strategies: how is it rolled out?
//!
//! A strategy lays the whole way out in steps and then says, again and again, what to do next. Most ways are walked in
//! the same manner, one step after another: [`Sequence`] does that, and says what happens when a step does not go well.

mod sequence;
mod step;
mod way_back;

pub use crate::bindings::strategy::exports::lockgate::strategy::strategy::{
    Action, DeployAction, Progress, Rollout, RouteAction, Step, StepAction, StepState, StepStatus, Wait,
};
use crate::{Evaluation, Plugin, PluginError};
pub use sequence::{OnInconclusive, Sequence};
pub use way_back::way_back;

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
