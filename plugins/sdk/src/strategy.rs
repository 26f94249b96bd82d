//! Deployment strategies: how is it rolled out?
//!
//! A strategy plans all steps of a rollout, and then says, again and again, what to do next. Most rollouts run one step
//! after another: [`Sequence`] does that, and handles steps that fail.

mod planned;
mod sequence;
mod step;
mod way_back;

pub use crate::bindings::lockgate::types::rollouts::{
    Analysis, AnalyzeAction, BackStep, CallAction, CheckState, DeployAction, Direction, HoldAction, Progress, Rollout,
    RouteAction, Step, StepAction, StepState, StepStatus, Target, WorkAction,
};
pub use crate::bindings::strategy::exports::lockgate::strategy::strategy::{Action, Skip, Wait};
use crate::{Evaluation, Plugin, PluginError};
pub use planned::PlannedTimes;
pub use sequence::{OnInconclusive, Sequence};
pub use way_back::way_back;

/// A plugin that plans how a deployment is rolled out and says what to do next.
///
/// It is a pure planner: the host keeps the state and performs the effects, so any call may be repeated.
pub trait Strategy: Plugin {
    /// Plans all steps, forward and back. People approve them together with the plan.
    ///
    /// # Errors
    /// If the deployment cannot be rolled out.
    fn plan(&self, evaluation: &Evaluation<'_>) -> Result<Rollout, PluginError>;

    /// Says what to do next, forward and back: [`Evaluation::rollout`] is what was laid out, and
    /// [`Evaluation::progress`] how far it has come. The same snapshot must give the same action.
    ///
    /// # Errors
    /// If it cannot tell. That never causes a rollback: the host waits for people.
    fn advance(&self, evaluation: &Evaluation<'_>) -> Result<Action, PluginError>;
}

impl Action {
    /// Do the step with this id.
    pub fn perform(id: impl Into<String>) -> Self {
        Self::Perform(vec![id.into()])
    }
}

impl Rollout {
    /// All steps, forward and back.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().chain(self.back.iter().map(|back| &back.step))
    }
}

impl Progress {
    /// The state of the step with this id, forward or back.
    pub fn state(&self, id: &str) -> Option<&StepState> {
        self.steps.iter().chain(&self.back).find(|state| state.id == id)
    }

    /// Whether a step of the way back is due: one of the steps that it undoes has begun, or it names none.
    pub fn is_due(&self, back: &BackStep) -> bool {
        let has_begun = |id: &String| self.steps.iter().any(|state| state.id == *id && state.attempts > 0);
        back.undoes.is_empty() || back.undoes.iter().any(has_begun)
    }
}
