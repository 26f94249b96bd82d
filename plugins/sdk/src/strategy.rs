//! Deployment strategies: how is it rolled out?
//!
//! A strategy plans all steps of a rollout, and then says, again and again, what to do next. Most rollouts run one step
//! after another: [`Sequence`] does that, and handles steps that fail.

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
/// It is a pure planner: the host keeps the state and performs the effects, so any call may be repeated.
pub trait Strategy: Plugin {
    /// Plans all steps. People approve them together with the plan.
    ///
    /// # Errors
    /// If the deployment cannot be rolled out.
    fn plan(&self, evaluation: &Evaluation<'_>) -> Result<Rollout, PluginError>;

    /// Says what to do next. The same snapshot and progress must give the same action.
    ///
    /// # Errors
    /// If it cannot tell. That never causes a rollback: the host waits for people.
    fn advance(&self, evaluation: &Evaluation<'_>, progress: &Progress) -> Result<Action, PluginError>;
}
