//! Carries out a rollout, step by step.
//!
//! The strategy is a pure planner: it says what to do next. The host keeps the state, asks again after every change,
//! performs the effects through a [`World`], runs the analyses itself, and enforces its own rule: after the point of no
//! return, a rollout cannot go back. Every call may be repeated and every effect is idempotent, so a rollout can be
//! resumed where it stopped: only its [`Progress`] has to be kept.

pub(crate) mod analysis;

use std::sync::Arc;

use lockgate_domain::{
    Action, BindingOutcome, Failure, FailureKind, Progress, Reason, Rollout, Snapshot, Step, StepAction, StepStatus,
    Violation, Wait, WayBack, rules,
};
use lockgate_runtime::{Plugin, PluginFunction, PluginOutput};

use crate::gate::declared_analyses;
use crate::load::LoadedModel;
use crate::values::PendingValues;

/// The most attempts at one step. A strategy that asks more often is broken.
pub const MAX_ATTEMPTS: u32 = 100;

/// The environment that a rollout changes, and its clock.
pub trait World {
    /// A fresh snapshot: the present time, instances and evidence.
    ///
    /// # Errors
    /// If the snapshot cannot be taken.
    fn snapshot(&mut self, progress: &Progress) -> Result<Arc<Snapshot>, EffectError>;

    /// Does what a step says (`deploy`, `route`, `retire`, `activity`). It must be safe to repeat.
    ///
    /// # Errors
    /// If it could not be done. The step then fails.
    fn perform(&mut self, step: &Step) -> Result<(), EffectError>;

    /// Rolls back.
    ///
    /// # Errors
    /// If it could not be done.
    fn roll_back(&mut self, way_back: &WayBack, progress: &Progress) -> Result<(), EffectError>;

    /// Waits. Returns whether to ask again: `false` leaves the rollout as it is, to be resumed later.
    ///
    /// # Errors
    /// If it cannot wait.
    fn wait(&mut self, wait: &Wait) -> Result<bool, EffectError>;

    /// Reports an event. This is also the place to store the progress.
    fn note(&mut self, event: &RolloutEvent<'_>, progress: &Progress);
}

/// Why an effect failed, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EffectError(pub String);

/// An event of a rollout.
#[derive(Debug)]
#[non_exhaustive]
pub enum RolloutEvent<'a> {
    /// A step begins, for the first time or again.
    Began(&'a Step),
    /// A check of an analysis has answered.
    Analysed(&'a Step, &'a BindingOutcome),
    /// A step ended. If it failed, the text says why.
    Ended(&'a Step, StepStatus, Option<&'a str>),
    /// The rollout waits.
    Waiting(&'a Wait),
}

/// How a call of [`LoadedModel::drive`] ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RolloutEnd {
    /// All steps are done.
    Completed,
    /// The rollout was rolled back.
    RolledBack(Reason),
    /// The rollout stands still until people decide.
    Paused(Reason),
    /// The rollout waits, and is to be resumed later.
    Waiting(Wait),
}

/// Why a rollout could not go on. The progress says how far it came.
#[derive(Debug, thiserror::Error)]
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
    /// The strategy asked for the same step too often.
    #[error("the strategy asked for step `{step}` more than {limit} times", limit = MAX_ATTEMPTS)]
    TooManyAttempts { step: String },
    /// The strategy asked for a step that has already succeeded.
    #[error("the strategy asked for step `{0}` again, which has succeeded: steps are done once, in their order")]
    DoneAlready(String),
    /// The strategy asked for a step before its turn.
    #[error(
        "the strategy asked for step `{step}`{} before its time: step `{first}` comes first, and has not succeeded",
        if *.no_return { ", the point of no return," } else { "" }
    )]
    TooEarly {
        step: String,
        /// The first step that has to succeed before.
        first: String,
        no_return: bool,
    },
    /// The strategy says that everything is done, but some steps are not.
    #[error("the strategy says that all is done, but step `{0}` has not succeeded")]
    NotDone(String),
    /// A rule of the host forbids it.
    #[error("{}", .0.message)]
    Refused(Box<Violation>),
    /// An effect of the [`World`] failed.
    #[error(transparent)]
    World(#[from] EffectError),
}

impl LoadedModel {
    /// Has the model's strategy plan the rollout. Nothing is persisted: changes that it makes in its namespace are
    /// dropped.
    ///
    /// # Errors
    /// If the model has no strategy, the strategy could not answer, or the plan cannot be carried out.
    pub fn plan(&self, snapshot: &Arc<Snapshot>) -> Result<Rollout, RolloutError> {
        self.lay_out(snapshot, &self.unwritten_values())
    }

    /// As [`LoadedModel::plan`], but adds the changes that the strategy makes in its namespace to `values`.
    pub fn lay_out(&self, snapshot: &Arc<Snapshot>, values: &Arc<PendingValues>) -> Result<Rollout, RolloutError> {
        match self.ask_strategy(&PluginFunction::Plan, snapshot, values)? {
            PluginOutput::Rollout(rollout) => {
                self.can_carry_out(&rollout, None)?;
                Ok(rollout)
            }
            other => Err(other_said(&other)),
        }
    }

    /// Checks that the model has every analysis that a rollout asks for. `at` is the place of the rollout in the
    /// deployment, if it has one there.
    ///
    /// # Errors
    /// The first analysis that the model does not have.
    pub fn can_carry_out(&self, rollout: &Rollout, at: Option<&str>) -> Result<(), RolloutError> {
        match declared_analyses::unknown(self.model(), rollout, at).into_iter().next() {
            Some(violation) => Err(RolloutError::Refused(Box::new(violation))),
            None => Ok(()),
        }
    }

    /// Continues a rollout until it is done, rolled back, paused, or waiting. Later calls see the changes that plugins
    /// make in their namespaces. The changes are dropped at the end, because there is no write that they belong to.
    ///
    /// # Errors
    /// If the strategy could not answer or broke the contract, a rule forbids the next step, or the world fails.
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

    /// The next action of the strategy, for callers that keep the progress and perform the effects elsewhere. Ends
    /// holds whose time is over in the progress first. Adds the changes that the strategy makes in its namespace to
    /// `values`.
    pub fn next(
        &self,
        progress: &mut Progress,
        snapshot: &Arc<Snapshot>,
        values: &Arc<PendingValues>,
    ) -> Result<Action, RolloutError> {
        progress.settle(snapshot.now);
        let action = match self.ask_strategy(&PluginFunction::Advance(progress.clone()), snapshot, values)? {
            PluginOutput::Action(action) => action,
            other => return Err(other_said(&other)),
        };
        check_action(&action, progress)?;
        Ok(action)
    }

    /// Calls the strategy, and adds the changes that it makes in its namespace to `values`.
    fn ask_strategy(
        &self,
        call: &PluginFunction,
        snapshot: &Arc<Snapshot>,
        values: &Arc<PendingValues>,
    ) -> Result<PluginOutput, RolloutError> {
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
                let snapshot = world.snapshot(progress)?;
                let (status, why, outcomes) = self.analyse(checks, &snapshot, values);
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
        // The step ends by the clock of the snapshot on which it began: nothing but the snapshot knows the time.
        progress.end(id, status, snapshot.now);
        world.note(&RolloutEvent::Ended(&step, status, why.as_deref()), progress);
        Ok(())
    }
}

/// Checks an action of a strategy. Steps are done in their order and once, so that no irreversible step begins before
/// earlier ones are done. A rollback is possible only before the point of no return. Everything is done when all steps
/// are.
fn check_action(action: &Action, progress: &Progress) -> Result<(), RolloutError> {
    let undone = progress.steps.iter().find(|state| state.status != StepStatus::Succeeded);
    match (action, undone) {
        (Action::Perform(id), undone) => match (progress.state(id), undone) {
            (None, _) => Err(RolloutError::UnknownStep(id.clone())),
            (Some(state), _) if state.status == StepStatus::Succeeded => Err(RolloutError::DoneAlready(id.clone())),
            (Some(_), Some(first)) if first.id != *id => Err(RolloutError::TooEarly {
                step: id.clone(),
                first: first.id.clone(),
                no_return: progress.rollout.point_of_no_return.as_ref() == Some(id),
            }),
            (Some(state), _) if state.attempts >= MAX_ATTEMPTS => {
                Err(RolloutError::TooManyAttempts { step: id.clone() })
            }
            _ => Ok(()),
        },
        (Action::RollBack(_), _) => {
            rules::may_roll_back(progress).map_err(|breach| RolloutError::Refused(Box::new(breach)))
        }
        (Action::Complete, Some(state)) => Err(RolloutError::NotDone(state.id.clone())),
        (Action::Complete, None) | (Action::Wait(_) | Action::Pause(_), _) => Ok(()),
    }
}

/// The error for a plugin that was asked one function and answered another.
fn other_said(said: &PluginOutput) -> RolloutError {
    let message = format!("the strategy answered another function than it was asked: {said:?}");
    RolloutError::Strategy(Failure {
        kind: FailureKind::ContractViolation,
        message,
        code: None,
        limit: None,
        used: None,
    })
}

#[cfg(test)]
mod tests {
    use lockgate_domain::Timestamp;

    use super::*;

    /// A rollout with four steps, the third of which cannot be undone. The first `done` steps have succeeded.
    fn progress(done: usize) -> Progress {
        let step = |id: &&str| Step {
            id: (*id).to_owned(),
            title: String::new(),
            action: StepAction::Retire("blue".to_owned()),
        };
        let mut progress = Progress::new(Rollout {
            steps: ["a", "b", "c", "d"].iter().map(step).collect(),
            point_of_no_return: Some("c".to_owned()),
            way_back: WayBack::Removal,
            summary: String::new(),
        });
        let now = Timestamp::from_millis(0);
        for id in ["a", "b", "c", "d"].into_iter().take(done) {
            progress.begin(id, now);
            progress.end(id, StepStatus::Succeeded, now);
        }
        progress
    }

    /// What is wrong with asking for a step.
    fn wrong(progress: &Progress, id: &str) -> Option<String> {
        check_action(&Action::Perform(id.to_owned()), progress).err().map(|error| error.to_string())
    }

    #[test]
    fn a_strategy_asks_for_steps_in_their_order() {
        for (done, next) in ["a", "b", "c", "d"].into_iter().enumerate() {
            assert_eq!(wrong(&progress(done), next), None);
        }
        let early = "the strategy asked for step `d` before its time: step `b` comes first, and has not succeeded";
        assert_eq!(wrong(&progress(1), "d").as_deref(), Some(early));
        assert_eq!(
            wrong(&progress(0), "z").as_deref(),
            Some("the strategy asked for step `z`, which its rollout does not have")
        );
    }

    #[test]
    fn the_point_of_no_return_is_not_passed_before_its_time() {
        let early = "the strategy asked for step `c`, the point of no return, before its time: step `a` comes first, and has \
                     not succeeded";
        assert_eq!(wrong(&progress(0), "c").as_deref(), Some(early));
        let mut failed = progress(1);
        for status in [StepStatus::Failed, StepStatus::Inconclusive, StepStatus::Running] {
            failed.end("b", status, Timestamp::from_millis(0));
            assert!(wrong(&failed, "c").is_some_and(|why| why.contains("step `b` comes first")), "{status:?}");
            assert_eq!(wrong(&failed, "b"), None, "a step that {status:?} is done again");
        }
    }

    #[test]
    fn a_step_that_has_succeeded_is_not_done_again() {
        let again = "the strategy asked for step `a` again, which has succeeded: steps are done once, in their order";
        assert_eq!(wrong(&progress(1), "a").as_deref(), Some(again));
        assert!(wrong(&progress(4), "d").is_some());
    }

    #[test]
    fn all_is_done_when_all_steps_are_and_there_is_no_way_back_after_the_point_of_no_return() {
        let reason = || Reason { code: "c".to_owned(), message: "m".to_owned(), pointer: None };
        assert!(check_action(&Action::Complete, &progress(3)).is_err());
        assert!(check_action(&Action::Complete, &progress(4)).is_ok());
        assert!(check_action(&Action::RollBack(reason()), &progress(2)).is_ok());
        assert!(check_action(&Action::RollBack(reason()), &progress(3)).is_err());
        assert!(check_action(&Action::Pause(reason()), &progress(3)).is_ok());
    }
}
