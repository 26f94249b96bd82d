//! Carries out a rollout, step by step.
//!
//! The strategy is a pure planner: it says what to do next. The host keeps the state, asks again after every change,
//! performs the effects through a [`World`], runs the analyses itself, and enforces its own rule: after the point of no
//! return, a rollout cannot go back. Every call may be repeated and every effect is idempotent, so a rollout can be
//! resumed where it stopped: only its [`Progress`] has to be kept.

mod lay_out;

use std::sync::Arc;

use lockgate_domain::{
    Action, Analysis, BindingOutcome, DigestError, Direction, Failure, FailureKind, Finding, Progress, Reason,
    Snapshot, Step, StepAction, StepEnd, StepState, StepStatus, Wait,
};
use lockgate_runtime::{PluginFunction, PluginOutput};

use crate::gate::{AnswerSource, Asked, RecordCalls, RolloutAnswer};
use crate::load::{LoadedModel, LoadedPluginUse};
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

    /// Does what a step says, forward or back, unless it is a hold or an analysis. A step that is `repeatable` must be
    /// safe to repeat.
    ///
    /// # Errors
    /// If it could not be done. The step then fails.
    fn perform(&mut self, step: &Step) -> Result<(), EffectError>;

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
    /// The strategy leaves a step out.
    Skipped(&'a Step, &'a Reason),
    /// The rollout turns to the way back, for this reason.
    TurnedBack(&'a Reason),
    /// The rollout waits.
    Waiting(&'a Wait),
}

/// How a call of [`LoadedModel::drive`] ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RolloutEnd {
    /// All steps are done.
    Completed,
    /// The way back is done.
    RolledBack,
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
    /// The rollout has not begun.
    #[error("no rollout has begun: pass the entrance of fulfill first")]
    NotBegun,
    /// The snapshot has no canonical JSON form.
    #[error(transparent)]
    Digest(#[from] DigestError),
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
    /// The strategy asked for a step again that must not be repeated, and no person confirmed it.
    #[error(
        "the strategy asked for step `{0}` again, which must not be repeated without a person: resume the step, once \
         somebody has made sure"
    )]
    NotRepeatable(String),
    /// The strategy took the way back twice.
    #[error("the strategy asked for the way back, and the rollout is on it already")]
    OnTheWayBack,
    /// A rule of the host forbids it.
    #[error("{}", .0.message)]
    Refused(Box<Finding>),
    /// An effect of the [`World`] failed.
    #[error(transparent)]
    World(#[from] EffectError),
}

impl LoadedModel {
    /// Continues a rollout until it is complete, forward or back, or paused or waiting. Later calls see the changes that plugins
    /// make in their namespaces. The changes are dropped at the end, because there is no write that they belong to.
    ///
    /// # Errors
    /// If the strategy could not answer or broke the contract, a rule forbids the next step, or the world fails.
    pub fn drive(&self, progress: &mut Progress, world: &mut dyn World) -> Result<RolloutEnd, RolloutError> {
        let values = self.unwritten_values();
        loop {
            let snapshot = world.snapshot(progress)?;
            match self.next(progress, &snapshot, &values)? {
                // The planner is pure: asked again, it names those that are left.
                Action::Perform(ids) => {
                    let first = ids.first().map_or("", String::as_str);
                    self.perform(first, &snapshot, &values, progress, world)?;
                }
                Action::Skip(skip) => {
                    let end = StepEnd { reason: Some(skip.reason.clone()), ..StepEnd::new(StepStatus::Skipped, None) };
                    progress.end(&skip.step, end, snapshot.now);
                    if let Some(step) = progress.step(&skip.step).cloned() {
                        world.note(&RolloutEvent::Skipped(&step, &skip.reason), progress);
                    }
                }
                Action::Wait(wait) => {
                    world.note(&RolloutEvent::Waiting(&wait), progress);
                    if !world.wait(&wait)? {
                        return Ok(RolloutEnd::Waiting(wait));
                    }
                }
                Action::GoBack(reason) => {
                    progress.turn_back(snapshot.now);
                    world.note(&RolloutEvent::TurnedBack(&reason), progress);
                }
                Action::Pause(reason) => return Ok(RolloutEnd::Paused(reason)),
                Action::Complete => {
                    return Ok(match progress.direction {
                        Direction::Forward => RolloutEnd::Completed,
                        Direction::Back => RolloutEnd::RolledBack,
                    });
                }
            }
        }
    }

    /// The next action of the strategy. Ends holds whose time is over in the progress first. Adds the changes that the strategy
    /// makes in its namespace to `values`.
    fn next(
        &self,
        progress: &mut Progress,
        snapshot: &Arc<Snapshot>,
        values: &Arc<PendingValues>,
    ) -> Result<Action, RolloutError> {
        progress.settle(snapshot.now);
        let snapshot = carrying(snapshot, progress, None);
        match self.advise(&snapshot, AnswerSource::Live(RecordCalls::No), values)?.answer {
            RolloutAnswer::Next(action) => Ok(action),
            other => Err(other_said(&other)),
        }
    }

    /// Calls the strategy, and adds the changes that it makes in its namespace to `values`.
    fn ask_strategy(
        &self,
        call: PluginFunction,
        snapshot: &Arc<Snapshot>,
        values: &Arc<PendingValues>,
    ) -> Result<PluginOutput, RolloutError> {
        let asked = self.planner()?.on(snapshot).reading_from(Arc::<PendingValues>::clone(values)).ask(call);
        let said = asked.outcome.map_err(RolloutError::Strategy)?;
        asked.changes.map_or(Ok(()), |changes| values.add(&changes)).map_err(RolloutError::Strategy)?;
        Ok(said)
    }

    fn planner(&self) -> Result<&LoadedPluginUse, RolloutError> {
        self.strategy_use().ok_or_else(|| RolloutError::NoStrategy(self.model().id.clone()))
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
        let end = match &step.action {
            // The host ends a hold when its time is over or a person resumes it: see `Progress::settle`.
            StepAction::Hold { .. } => return Ok(()),
            StepAction::Analyze { .. } => {
                let snapshot = world.snapshot(progress)?;
                let snapshot = analysing(&snapshot, progress, &step);
                let asked: Asked = self.analyse_step(id, &snapshot, AnswerSource::Live(RecordCalls::No), values);
                asked.outcomes().for_each(|outcome| world.note(&RolloutEvent::Analysed(&step, outcome), progress));
                match asked.answer {
                    RolloutAnswer::Analysed(end) => end,
                    other => return Err(other_said(&other)),
                }
            }
            _ => match world.perform(&step) {
                Ok(()) => StepEnd::new(StepStatus::Succeeded, None),
                Err(error) => StepEnd::new(StepStatus::Failed, Some(error.to_string())),
            },
        };
        let (status, why) = (end.status, end.reason.as_ref().map(|reason| reason.message.clone()));
        // The step ends by the clock of the snapshot on which it began: nothing but the snapshot knows the time.
        progress.end(id, end, snapshot.now);
        world.note(&RolloutEvent::Ended(&step, status, why.as_deref()), progress);
        Ok(())
    }
}

/// The snapshot on which the checks of an analysis are asked: with this progress, in which the step has begun.
pub fn analysing(snapshot: &Arc<Snapshot>, progress: &Progress, step: &Step) -> Arc<Snapshot> {
    let (candidate, baseline) = match &step.action {
        StepAction::Analyze { candidate, baseline, .. } => (candidate.clone(), baseline.clone()),
        _ => (None, None),
    };
    let state = progress.state(&step.id);
    let analysis = Analysis {
        step: step.id.clone(),
        attempt: state.map_or(1, |state| state.attempts),
        began: state.and_then(|state| state.began).unwrap_or(snapshot.now),
        candidate,
        baseline,
    };
    carrying(snapshot, progress, Some(analysis))
}

/// The snapshot with this progress, and with the analysis that a check is asked for.
pub fn carrying(snapshot: &Arc<Snapshot>, progress: &Progress, analysis: Option<Analysis>) -> Arc<Snapshot> {
    let mut carrying = Snapshot::clone(snapshot);
    let deployment = Arc::make_mut(&mut carrying.deployment);
    deployment.progress = Some(progress.clone());
    deployment.analysis = analysis;
    Arc::new(carrying)
}

/// Checks an action of a strategy. Steps are done in their order and once, so that no irreversible step begins before
/// earlier ones are done. Everything is done when all steps of
/// the present direction are.
pub(crate) fn check_action(action: &Action, progress: &Progress) -> Result<(), RolloutError> {
    match action {
        Action::Perform(ids) => {
            let left = progress.left();
            for (place, id) in ids.iter().enumerate() {
                let state = is_next(id, left.get(place).copied(), progress)?;
                if state.attempts >= MAX_ATTEMPTS {
                    return Err(RolloutError::TooManyAttempts { step: id.clone() });
                }
                let repeatable = progress.step(id).is_none_or(|step| step.repeatable);
                if state.attempts > 0 && !repeatable && state.resumed_by.is_none() {
                    return Err(RolloutError::NotRepeatable(id.clone()));
                }
            }
            Ok(())
        }
        Action::Skip(skip) => is_next(&skip.step, progress.left().first().copied(), progress).map(|_| ()),
        Action::GoBack(_) if progress.direction == Direction::Back => Err(RolloutError::OnTheWayBack),
        Action::Complete => match progress.left().first() {
            Some(step) => Err(RolloutError::NotDone((*step).to_owned())),
            None => Ok(()),
        },
        // Whether it may still go back is a rule of the host: if not, people decide.
        Action::GoBack(_) | Action::Wait(_) | Action::Pause(_) => Ok(()),
    }
}

/// Checks that a step is the next one that is left to do, and returns its state.
fn is_next<'a>(id: &str, next: Option<&str>, progress: &'a Progress) -> Result<&'a StepState, RolloutError> {
    let state = progress.state(id).ok_or_else(|| RolloutError::UnknownStep(id.to_owned()))?;
    match next {
        _ if state.status.is_done() => Err(RolloutError::DoneAlready(id.to_owned())),
        Some(next) if next == id => Ok(state),
        Some(next) => Err(RolloutError::TooEarly {
            step: id.to_owned(),
            first: next.to_owned(),
            no_return: progress.rollout.point_of_no_return.as_deref() == Some(id),
        }),
        None => Err(RolloutError::UnknownStep(id.to_owned())),
    }
}

/// The error for a plugin that was asked one function and answered another.
pub(crate) fn other_said(said: &dyn std::fmt::Debug) -> RolloutError {
    let message = format!("the strategy answered another function than it was asked: {said:?}");
    RolloutError::Strategy(Failure {
        kind: FailureKind::ContractViolation,
        message,
        code: None,
        transient: false,
        limit: None,
        used: None,
    })
}

#[cfg(test)]
mod tests {
    use lockgate_domain::{BackStep, Duration, Rollout, Skip, Target, Timestamp, WayBack, WayBackKind};

    use super::*;

    fn step(id: &str) -> Step {
        Step {
            id: id.to_owned(),
            title: "a step".to_owned(),
            action: StepAction::Remove(Target::default()),
            planned: Duration::from_millis(1),
            at_most: None,
            repeatable: true,
        }
    }

    /// A rollout with four steps, the third of which cannot be undone, and a step back for each of the first two. The
    /// first `done` steps have succeeded.
    fn progress(done: usize) -> Progress {
        let back = |id: &str| BackStep { step: step(&format!("undo-{id}")), undoes: vec![id.to_owned()] };
        let mut progress = Progress::new(Rollout {
            steps: ["a", "b", "c", "d"].into_iter().map(step).collect(),
            back: ["b", "a"].into_iter().map(back).collect(),
            point_of_no_return: Some("c".to_owned()),
            way_back: WayBack::new(WayBackKind::Removal),
            summary: "four steps".to_owned(),
        });
        for id in ["a", "b", "c", "d"].into_iter().take(done) {
            progress.begin(id, now());
            progress.end(id, StepEnd::new(StepStatus::Succeeded, None), now());
        }
        progress
    }

    fn now() -> Timestamp {
        Timestamp::from_millis(0)
    }

    /// What is wrong with asking for these steps.
    fn wrong(progress: &Progress, ids: &[&str]) -> Option<String> {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        check_action(&Action::Perform(ids), progress).err().map(|error| error.to_string())
    }

    #[test]
    fn a_strategy_asks_for_steps_in_their_order() {
        for (done, next) in ["a", "b", "c", "d"].into_iter().enumerate() {
            assert_eq!(wrong(&progress(done), &[next]), None);
        }
        assert_eq!(wrong(&progress(1), &["b", "c", "d"]), None, "side by side");
        let early = "the strategy asked for step `d` before its time: step `b` comes first, and has not succeeded";
        assert_eq!(wrong(&progress(1), &["d"]).as_deref(), Some(early));
        let gap = "the strategy asked for step `d` before its time: step `c` comes first, and has not succeeded";
        assert_eq!(wrong(&progress(1), &["b", "d"]).as_deref(), Some(gap));
        assert_eq!(
            wrong(&progress(0), &["z"]).as_deref(),
            Some("the strategy asked for step `z`, which its rollout does not have")
        );
    }

    #[test]
    fn the_point_of_no_return_is_not_passed_before_its_time() {
        let early = "the strategy asked for step `c`, the point of no return, before its time: step `a` comes first, and has \
                     not succeeded";
        assert_eq!(wrong(&progress(0), &["c"]).as_deref(), Some(early));
        let mut failed = progress(1);
        for status in [StepStatus::Failed, StepStatus::Inconclusive, StepStatus::Running] {
            failed.end("b", StepEnd::new(status, None), now());
            assert!(wrong(&failed, &["c"]).is_some_and(|why| why.contains("step `b` comes first")), "{status:?}");
            assert_eq!(wrong(&failed, &["b"]), None, "a step that {status:?} is done again");
        }
    }

    #[test]
    fn a_step_that_has_succeeded_is_not_done_again() {
        let again = "the strategy asked for step `a` again, which has succeeded: steps are done once, in their order";
        assert_eq!(wrong(&progress(1), &["a"]).as_deref(), Some(again));
        assert!(wrong(&progress(4), &["d"]).is_some());
    }

    #[test]
    fn a_step_that_must_not_be_repeated_is_done_again_only_after_a_person_resumed_it() {
        let mut progress = progress(0);
        progress.rollout.steps.iter_mut().take(1).for_each(|step| step.repeatable = false);
        assert_eq!(wrong(&progress, &["a"]), None);
        progress.begin("a", now());
        progress.end("a", StepEnd::new(StepStatus::Failed, None), now());
        assert!(wrong(&progress, &["a"]).is_some_and(|why| why.contains("without a person")));
        progress.resume("a", "kim");
        assert_eq!(wrong(&progress, &["a"]), None);
    }

    #[test]
    fn all_is_done_when_all_steps_are() {
        let reason = || Reason::new("c", "m");
        assert!(check_action(&Action::Complete, &progress(3)).is_err());
        assert!(check_action(&Action::Complete, &progress(4)).is_ok());
        assert!(check_action(&Action::GoBack(reason()), &progress(2)).is_ok());
        assert!(check_action(&Action::Pause(reason()), &progress(3)).is_ok());
    }

    #[test]
    fn only_what_has_begun_is_undone_and_in_the_order_of_the_way_back() {
        let mut began_one = progress(1);
        began_one.turn_back(now());
        assert_eq!(began_one.left(), ["undo-a"]);
        assert_eq!(wrong(&began_one, &["undo-a"]), None);
        assert!(wrong(&began_one, &["undo-b"]).is_some(), "step b has not begun");
        assert!(wrong(&began_one, &["b"]).is_some(), "the way forward is over");
        assert!(check_action(&Action::GoBack(Reason::new("c", "m")), &began_one).is_err());

        let mut began_two = progress(2);
        began_two.turn_back(now());
        assert_eq!(began_two.left(), ["undo-b", "undo-a"]);
        assert!(wrong(&began_two, &["undo-a"]).is_some_and(|why| why.contains("step `undo-b` comes first")));
        assert!(check_action(&Action::Complete, &began_two).is_err());
        for id in ["undo-b", "undo-a"] {
            began_two.begin(id, now());
            began_two.end(id, StepEnd::new(StepStatus::Succeeded, None), now());
        }
        assert!(check_action(&Action::Complete, &began_two).is_ok());
    }

    #[test]
    fn the_next_step_alone_can_be_skipped_and_then_counts_as_done() {
        let skip = |step: &str| Action::Skip(Skip { step: step.to_owned(), reason: Reason::new("c", "m") });
        let mut progress = progress(1);
        assert!(check_action(&skip("c"), &progress).is_err());
        assert!(check_action(&skip("b"), &progress).is_ok());
        progress.end("b", StepEnd::new(StepStatus::Skipped, None), now());
        assert_eq!(wrong(&progress, &["c"]), None);
    }
}
