//! Carrying out a rollout, step by step.
//!
//! The strategy is a pure planner: it says what to do next. The host keeps the state, asks again after every change, does
//! the effects through a [`World`], runs the analyses itself, and holds to its own rule: after the point of no return
//! there is no way back. Since every call may be repeated and every effect is idempotent, a rollout can be picked up
//! where it was left: the [`Progress`] is all there is to keep.

mod analysis;

use std::sync::Arc;

use lockgate_domain::{
    Action, BindingOutcome, Failure, FailureKind, Progress, Reason, Rollout, Snapshot, Step, StepAction, StepStatus,
    Violation, Wait, WayBack, rules,
};
use lockgate_runtime::{Call, Plugin, Said};

use crate::load::LoadedModel;
use crate::namespaces::PendingValues;

/// More often than this no step is begun: a strategy that keeps asking for it is broken.
pub const MAX_ATTEMPTS: u32 = 100;

/// The environment that a rollout changes, and the clock that it goes by.
pub trait World {
    /// A fresh picture: time, actual instances and evidence as they are now.
    ///
    /// # Errors
    /// If the picture cannot be taken.
    fn snapshot(&mut self, progress: &Progress) -> Result<Arc<Snapshot>, EffectError>;

    /// Does what a step says (`deploy`, `route`, `retire`, `activity`). Doing it again must do no harm.
    ///
    /// # Errors
    /// If it could not be done: the step has failed.
    fn perform(&mut self, step: &Step) -> Result<(), EffectError>;

    /// Takes the way back.
    ///
    /// # Errors
    /// If it could not be taken.
    fn roll_back(&mut self, way_back: &WayBack, progress: &Progress) -> Result<(), EffectError>;

    /// Waits. Returns whether to ask again: `false` leaves the rollout where it is, to be picked up later.
    ///
    /// # Errors
    /// If it cannot wait.
    fn wait(&mut self, wait: &Wait) -> Result<bool, EffectError>;

    /// Takes note of what happened; the place to store the progress, too.
    fn note(&mut self, event: &RolloutEvent<'_>, progress: &Progress);
}

/// Why an effect could not be had, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EffectError(pub String);

/// What happens in a rollout.
#[derive(Debug)]
#[non_exhaustive]
pub enum RolloutEvent<'a> {
    /// A step begins, or begins again.
    Began(&'a Step),
    /// A check of an analysis has answered.
    Analysed(&'a Step, &'a BindingOutcome),
    /// A step ended; if it failed, why.
    Ended(&'a Step, StepStatus, Option<&'a str>),
    /// Nothing happens for now.
    Waiting(&'a Wait),
}

/// How a rollout was left.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RolloutEnd {
    /// All is done.
    Completed,
    /// The way back was taken.
    RolledBack(Reason),
    /// It stands where it is, and people decide.
    Paused(Reason),
    /// It waits, and is to be picked up later.
    Waiting(Wait),
}

/// Why a rollout could not go on. The progress says how far it has come.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RolloutError {
    /// The model has no strategy.
    #[error("model `{0}` has no strategy: add a `[strategy]` table to it")]
    NoStrategy(String),
    /// The strategy could not answer.
    #[error("the strategy could not answer: {0}")]
    Strategy(Failure),
    /// The strategy asked for a step that its rollout does not have.
    #[error("the strategy asked for step `{0}`, which its rollout does not have")]
    UnknownStep(String),
    /// The strategy asked for the same step again and again.
    #[error("the strategy asked for step `{step}` more than {limit} times", limit = MAX_ATTEMPTS)]
    TooManyAttempts {
        /// The step.
        step: String,
    },
    /// The strategy says that all is done while steps are not.
    #[error("the strategy says that all is done, but step `{0}` has not succeeded")]
    NotDone(String),
    /// A host rule stands in the way.
    #[error("{}", .0.message)]
    Refused(Box<Violation>),
    /// The world could not be looked at, waited for, or led back.
    #[error(transparent)]
    World(#[from] EffectError),
}

impl LoadedModel {
    /// Lets the model's strategy lay out the way. What it changes in its namespace is dropped: nothing is written.
    ///
    /// # Errors
    /// If the model has no strategy, or the strategy could not answer.
    pub fn plan(&self, snapshot: &Arc<Snapshot>) -> Result<Rollout, RolloutError> {
        self.lay_out(snapshot, &self.unwritten_values())
    }

    /// The same; what the strategy changes in its namespace is added to `values`.
    pub(crate) fn lay_out(
        &self,
        snapshot: &Arc<Snapshot>,
        values: &Arc<PendingValues>,
    ) -> Result<Rollout, RolloutError> {
        match self.ask_strategy(&Call::Plan, snapshot, values)? {
            Said::Rollout(rollout) => Ok(rollout),
            other => Err(other_said(&other)),
        }
    }

    /// Carries a rollout on from where it is, until it is done, taken back, paused, or left waiting. What plugins change in
    /// their namespaces is seen by the calls that come after, and dropped at the end: there is nothing that it is written with.
    ///
    /// # Errors
    /// If the strategy could not answer or broke the contract, if a rule stands in the way, or if the world fails.
    pub fn drive(&self, progress: &mut Progress, world: &mut dyn World) -> Result<RolloutEnd, RolloutError> {
        let values = self.unwritten_values();
        loop {
            let snapshot = world.snapshot(progress)?;
            match self.next(progress, &snapshot, &values)? {
                Action::Perform(id) => self.perform(&id, &snapshot, &values, progress, world)?,
                Action::Wait(wait) => {
                    world.note(&RolloutEvent::Waiting(&wait), progress);
                    if !world.wait(&wait)? {
                        return Ok(RolloutEnd::Waiting(wait));
                    }
                }
                Action::RollBack(reason) => {
                    let way_back = progress.rollout.way_back.clone();
                    world.roll_back(&way_back, progress)?;
                    return Ok(RolloutEnd::RolledBack(reason));
                }
                Action::Pause(reason) => return Ok(RolloutEnd::Paused(reason)),
                Action::Complete => return Ok(RolloutEnd::Completed),
            }
        }
    }

    /// What the strategy says to do next, for whoever keeps the progress and does the effects elsewhere. Holds that are
    /// over are ended in the progress first. What the strategy changes in its namespace is added to `values`.
    pub(crate) fn next(
        &self,
        progress: &mut Progress,
        snapshot: &Arc<Snapshot>,
        values: &Arc<PendingValues>,
    ) -> Result<Action, RolloutError> {
        progress.settle(snapshot.now);
        let action = match self.ask_strategy(&Call::Advance(progress.clone()), snapshot, values)? {
            Said::Action(action) => action,
            other => return Err(other_said(&other)),
        };
        match &action {
            Action::Perform(id) if progress.step(id).is_none() => Err(RolloutError::UnknownStep(id.clone())),
            Action::Perform(id) if progress.state(id).is_some_and(|state| state.attempts >= MAX_ATTEMPTS) => {
                Err(RolloutError::TooManyAttempts { step: id.clone() })
            }
            Action::RollBack(_) => match rules::may_roll_back(progress) {
                Ok(()) => Ok(action),
                Err(breach) => Err(RolloutError::Refused(Box::new(breach))),
            },
            Action::Complete => match progress.steps.iter().find(|state| state.status != StepStatus::Succeeded) {
                None => Ok(action),
                Some(state) => Err(RolloutError::NotDone(state.id.clone())),
            },
            Action::Perform(_) | Action::Wait(_) | Action::Pause(_) => Ok(action),
        }
    }

    /// Calls the strategy, and adds what it changes in its namespace to `values`.
    fn ask_strategy(
        &self,
        call: &Call,
        snapshot: &Arc<Snapshot>,
        values: &Arc<PendingValues>,
    ) -> Result<Said, RolloutError> {
        let asked = self.planner()?.ask_on(call, snapshot, Arc::<PendingValues>::clone(values));
        let said = asked.outcome.map_err(RolloutError::Strategy)?;
        asked.changes.map_or(Ok(()), |changes| values.add(&changes)).map_err(RolloutError::Strategy)?;
        Ok(said)
    }

    fn planner(&self) -> Result<&Plugin, RolloutError> {
        self.strategy().ok_or_else(|| RolloutError::NoStrategy(self.model().id.clone()))
    }

    fn perform(
        &self,
        id: &str,
        snapshot: &Arc<Snapshot>,
        values: &Arc<PendingValues>,
        progress: &mut Progress,
        world: &mut dyn World,
    ) -> Result<(), RolloutError> {
        let Some(step) = progress.step(id).cloned() else { return Err(RolloutError::UnknownStep(id.to_owned())) };
        progress.begin(id, snapshot.now);
        world.note(&RolloutEvent::Began(&step), progress);
        let (status, why) = match &step.action {
            // The host ends a hold when its time is over or a person resumes it: see `Progress::settle`.
            StepAction::Hold(_) => return Ok(()),
            StepAction::Analyze(checks) => {
                let picture = world.snapshot(progress)?;
                let (status, why, outcomes) = self.analyse(checks, &picture, values);
                outcomes.iter().for_each(|outcome| world.note(&RolloutEvent::Analysed(&step, outcome), progress));
                (status, why)
            }
            StepAction::Deploy { .. } | StepAction::Route { .. } | StepAction::Retire(_) | StepAction::Activity(_) => {
                match world.perform(&step) {
                    Ok(()) => (StepStatus::Succeeded, None),
                    Err(error) => (StepStatus::Failed, Some(error.to_string())),
                }
            }
        };
        // The step ends on the clock of the picture it began on: nothing but the snapshot knows the time.
        progress.end(id, status, snapshot.now);
        world.note(&RolloutEvent::Ended(&step, status, why.as_deref()), progress);
        Ok(())
    }
}

/// A plugin that is asked one function does not answer another one.
fn other_said(said: &Said) -> RolloutError {
    let message = format!("the strategy answered another function than it was asked: {said:?}");
    RolloutError::Strategy(Failure {
        kind: FailureKind::ContractViolation,
        message,
        code: None,
        limit: None,
        used: None,
    })
}
