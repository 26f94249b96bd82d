//! Carries out a rollout step by step: a pipeline asks for the next step, does it, and reports the outcome.
//!
//! The strategy decides what comes next, forward and on the way back. The host keeps the progress, runs the analyses itself,
//! and enforces its own rule: after the point of no return, a rollout cannot go back. What the strategy says and how an analysis
//! ended are decisions, which are recorded with the events that follow from them. Asking again changes nothing: the answer
//! names the step under way until a report says how it ended.

use std::sync::Arc;

use lockgate_domain::{
    Action, CredentialKind, DigestError, Direction, Gate, Progress, Reason, Right, RolloutQuestion, Snapshot, Stage,
    Step, StepAction, StepState, StepStatus, Timestamp, Wait,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::moves::MoveEntries;
use super::read::LoadedDeployment;
use super::snapshot_cache::{CachedSnapshot, GateSnapshot};
use super::stops::{passed_stops, wait_for_stop};
use super::value_turns::ValueTurn;
use super::write::WriteChange;
use super::{DeploymentRef, DeploymentService, InputError, RuleRefusal, ServiceError, WriteAnswer, WriteContext};
use crate::authority::Actor;
use crate::lifecycle::{DeploymentEvent, EventActor, LifecycleMove, StagePosition};
use crate::namespaces::{LedgerNamespaces, value_changes};
use lockgate_engine::gate::RolloutAnswer;
use lockgate_engine::rollout::{RolloutError, analysing, carrying};
use lockgate_engine::{LoadedModel, PendingValues};
use lockgate_ledger::{ContentBlob, EntryDraft};

/// The most analyses and holds that one request goes through.
const ROUNDS: usize = 64;

/// The next step of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "next", rename_all = "kebab-case")]
pub enum NextStep {
    /// Carry out this step, then report its outcome with `POST …/rollout/steps/{step}`.
    Perform {
        /// The step to carry out.
        step: Step,
        /// Whether the step is one of the way forward or of the way back.
        direction: Direction,
        /// The number of times that the step was begun, this time included.
        attempt: u32,
    },
    /// Do nothing for now, and ask again later.
    Wait {
        /// The time to ask again, and the reason for the wait.
        wait: Wait,
        /// The roles in one of which a person may resume the hold that is under way. Empty if time alone ends it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        resume_by: Vec<String>,
    },
    /// Stop here until people decide.
    Pause {
        /// The reason for the pause.
        reason: Reason,
    },
    /// The rollout is complete. On the way forward: report the activities, then pass the exit of fulfill. On the way back: complete
    /// the rollback, with `POST …/moves/complete-rollback`.
    Complete {
        /// Whether the way forward or the way back is complete.
        direction: Direction,
    },
}

/// The report about a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepReport {
    /// The outcome of the step: `succeeded` or `failed`; or `resumed`, for a hold and for a step at which the rollout is paused.
    pub outcome: StepOutcome,
    /// The explanation of the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// The step succeeded.
    Succeeded,
    /// The step failed.
    Failed,
    /// A person resumes: a hold before its time is over, or a step at which the rollout is paused.
    Resumed,
}

/// A rollout that goes on, and what is written for it.
struct AdvancedRollout {
    by: EventActor,
    /// The deployment after the events.
    now: LoadedDeployment,
    events: Vec<DeploymentEvent>,
    /// The decisions, and the content that they need.
    change: WriteChange,
    values: Arc<PendingValues>,
}

impl AdvancedRollout {
    fn happen(&mut self, event: DeploymentEvent, at: Timestamp) {
        self.now = self.now.after([&event], &self.by, at);
        self.events.push(event);
    }

    fn keep(&mut self, (entry, content): (EntryDraft, Vec<ContentBlob>)) {
        self.change.entries.push(entry);
        self.change.content.extend(content);
    }
}

impl DeploymentService {
    /// The next thing to do in the rollout of a deployment that is in fulfill or on the way back.
    ///
    /// # Errors
    /// If the actor may not ask, no rollout is under way, or the strategy cannot answer.
    pub fn next_step(
        &self,
        write: &WriteContext<'_>,
        at: DeploymentRef<'_>,
    ) -> Result<WriteAnswer<NextStep>, ServiceError> {
        write.actor.require(Right::Drive)?;
        self.once(
            write,
            &("next-step", at, write.if_match),
            || self.load(write.actor, at),
            |loaded, digest| {
                loaded.matches(write)?;
                is_carried_out(&loaded)?;
                let GateSnapshot { cached, snapshot, .. } =
                    self.gate_snapshot(&loaded, Gate::FULFILL_EXIT, write.now)?;
                if cached.model.strategy().is_none() {
                    return Err(RolloutError::NoStrategy(cached.model.model().id.clone()).into());
                }
                let snapshot = before_rollout(&loaded, &cached.model, snapshot)?;
                let _turn = self.0.value_turns.take(&cached.model.writable_namespaces_of_rollout());
                let mut advanced = AdvancedRollout {
                    by: EventActor::from(write.actor),
                    now: (*loaded).clone(),
                    events: Vec::new(),
                    change: WriteChange::default(),
                    values: LedgerNamespaces::pending(Arc::clone(&self.0.storage)),
                };
                let next = self.advance(write, &loaded, &cached, &snapshot, &mut advanced)?;
                let AdvancedRollout { now, events, change, values, .. } = advanced;
                if events.is_empty() {
                    // Nothing has happened, so nothing is written: neither an event, nor a decision, nor the values that the
                    // strategy wants to keep.
                    return Ok(WriteAnswer {
                        value: next,
                        version: loaded.state.version,
                        repeated: false,
                        stream: None,
                    });
                }
                let MoveEntries { entries, expect } = self.move_entries(&loaded, now.state.position, write.now)?;
                let mut change = WriteChange { events, values: value_changes(&values), ..change };
                change.entries.extend(entries);
                change.expect.extend(expect);
                change.expect.extend(cached.expect.iter().cloned());
                self.record(write, digest, &loaded, change, |_| Ok(next))
            },
        )
    }

    /// Asks the strategy, and runs analyses, until there is something to do for somebody.
    fn advance(
        &self,
        write: &WriteContext<'_>,
        loaded: &LoadedDeployment,
        cached: &CachedSnapshot,
        snapshot: &Arc<Snapshot>,
        advanced: &mut AdvancedRollout,
    ) -> Result<NextStep, ServiceError> {
        for _ in 0..ROUNDS {
            let progress = progress_of(&advanced.now)?.settled(write.now);
            let direction = progress.direction;
            if let Some((step, attempt)) = under_way(&progress) {
                return Ok(NextStep::Perform { step, direction, attempt });
            }
            let question = carrying(snapshot, &progress, None);
            let decided = self.decide_in_rollout(cached, &question, &RolloutQuestion::Advance, &advanced.values)?;
            let decision = Some(decided.decision.id.clone());
            let RolloutAnswer::Next(action) = decided.answer.clone() else { return Err(RolloutError::NotBegun.into()) };
            // While the line is stopped, nothing begins. The way back stays open.
            if matches!(action, Action::Perform(_) | Action::Skip(_))
                && direction == Direction::Forward
                && let Some(wait) = wait_for_stop(&cached.model, snapshot)
            {
                return Ok(NextStep::Wait { wait, resume_by: Vec::new() });
            }
            match action {
                // The strategy is a pure planner: asked again, it names the steps that are left.
                Action::Perform(ids) => {
                    let id = ids.into_iter().next().unwrap_or_default();
                    let step = progress.step(&id).cloned().ok_or_else(|| RolloutError::UnknownStep(id.clone()))?;
                    advanced.keep(self.rollout_entry(write.actor, loaded, &question, decided)?);
                    if direction == Direction::Forward {
                        let at = (Gate::FULFILL_EXIT, write.actor);
                        for taken in passed_stops(&advanced.now, &cached.model, snapshot, at)? {
                            advanced.happen(taken, write.now);
                        }
                    }
                    advanced.happen(DeploymentEvent::StepBegan { step: id, decision }, write.now);
                    if let StepAction::Analyze { .. } = &step.action {
                        self.run_analysis(write, loaded, cached, (snapshot, &step), advanced)?;
                    }
                }
                Action::Skip(skip) => {
                    advanced.keep(self.rollout_entry(write.actor, loaded, &question, decided)?);
                    let event = DeploymentEvent::StepSkipped { step: skip.step, reason: skip.reason, decision };
                    advanced.happen(event, write.now);
                }
                Action::GoBack(reason) => {
                    self.check_move(&advanced.now.state, LifecycleMove::RollBack)?;
                    advanced.keep(self.rollout_entry(write.actor, loaded, &question, decided)?);
                    let event = DeploymentEvent::RollbackBegan { reason: reason.message, decision };
                    advanced.happen(event, write.now);
                }
                Action::Wait(wait) => {
                    let waiting = progress.waits_for_person();
                    let resume_by = waiting.map(|step| resumers(step, &cached.model)).unwrap_or_default();
                    return Ok(NextStep::Wait { wait, resume_by });
                }
                Action::Pause(reason) => {
                    // It is recorded once, however often somebody asks.
                    if advanced.now.state.paused.as_ref() != Some(&reason) {
                        let event = DeploymentEvent::RolloutPaused {
                            reason: reason.clone(),
                            decision: decided.decision.id.clone(),
                        };
                        advanced.keep(self.rollout_entry(write.actor, loaded, &question, decided)?);
                        advanced.happen(event, write.now);
                    }
                    return Ok(NextStep::Pause { reason });
                }
                Action::Complete => return Ok(NextStep::Complete { direction }),
            }
        }
        Err(RolloutError::TooManyAttempts { step: "analyze".to_owned() }.into())
    }

    /// Runs the checks of an analysis that has begun, and notes how it ended.
    fn run_analysis(
        &self,
        write: &WriteContext<'_>,
        loaded: &LoadedDeployment,
        cached: &CachedSnapshot,
        (snapshot, step): (&Arc<Snapshot>, &Step),
        advanced: &mut AdvancedRollout,
    ) -> Result<(), ServiceError> {
        let question = analysing(snapshot, progress_of(&advanced.now)?, step);
        let attempt = question.deployment.analysis.as_ref().map_or(1, |analysis| analysis.attempt);
        let asked = RolloutQuestion::Analyze { step: step.id.clone(), attempt };
        let decided = self.decide_in_rollout(cached, &question, &asked, &advanced.values)?;
        let decision = Some(decided.decision.id.clone());
        let RolloutAnswer::Analysed(end) = decided.answer.clone() else { return Err(RolloutError::NotBegun.into()) };
        advanced.keep(self.rollout_entry(write.actor, loaded, &question, decided)?);
        let why = end.reason.map(|reason| reason.message);
        let (status, checks) = (end.status, end.checks);
        let event = DeploymentEvent::StepEnded { step: step.id.clone(), status, why, checks, decision };
        advanced.happen(event, write.now);
        Ok(())
    }

    /// Records how a step ended.
    ///
    /// # Errors
    /// If the actor may not report, or the step is not under way. For `resumed`, if the actor is not a person in a role
    /// that the model names, or the step is not waiting for a person.
    pub fn report_step(
        &self,
        write: &WriteContext<'_>,
        at: DeploymentRef<'_>,
        step: &str,
        report: &StepReport,
    ) -> Result<WriteAnswer<Progress>, ServiceError> {
        let resumed = report.outcome == StepOutcome::Resumed;
        write.actor.require(if resumed { Right::Resume } else { Right::Drive })?;
        let permit = || {
            let loaded = self.load(write.actor, at)?;
            if resumed {
                self.may_resume(write, &loaded, step)?;
            }
            Ok(loaded)
        };
        self.once(write, &("report-step", at, step, report, write.if_match), permit, |loaded, digest| {
            is_carried_out(&loaded)?;
            let not_under_way = |why: String| RuleRefusal::StepNotUnderWay { step: step.to_owned(), why };
            let progress = progress_of(&loaded)?;
            let (Some(known), Some(state)) = (progress.step(step), progress.state(step)) else {
                let back = progress.rollout.back.iter().map(|back| &back.step);
                let all = progress.rollout.steps.iter().chain(back);
                let names: Vec<&str> = all.map(|step| step.id.as_str()).collect();
                return Err(not_under_way(format!("the rollout has the steps `{}`", names.join("`, `"))).into());
            };
            if resumed {
                let (change, _turn) = self.resume(write, &loaded, (known, state), report.why.as_ref())?;
                return self.record(write, digest, &loaded, change, |after| progress_of(after).cloned());
            }
            if state.status != StepStatus::Running {
                let why = match under_way(progress) {
                    Some((running, _)) => format!("the running step is `{}`", running.id),
                    None => "no step is: ask for the next one first, with `POST …/rollout/next`".to_owned(),
                };
                return Err(not_under_way(why).into());
            }
            let hold = matches!(known.action, StepAction::Hold { .. });
            let event = match report.outcome {
                StepOutcome::Succeeded | StepOutcome::Failed if !hold => DeploymentEvent::StepEnded {
                    step: step.to_owned(),
                    status: match report.outcome {
                        StepOutcome::Succeeded => StepStatus::Succeeded,
                        _ => StepStatus::Failed,
                    },
                    why: report.why.clone(),
                    checks: Vec::new(),
                    decision: None,
                },
                _ => {
                    let message = "a hold ends by its time, or is `resumed` by a person";
                    return Err(ServiceError::Invalid(vec![InputError::new("/outcome", message)]));
                }
            };
            self.record(write, digest, &loaded, WriteChange::of(event), |after| progress_of(after).cloned())
        })
    }
}

impl DeploymentService {
    /// Checks that the actor may resume the rollout, by the deployment's model.
    fn may_resume(&self, write: &WriteContext<'_>, loaded: &LoadedDeployment, step: &str) -> Result<(), ServiceError> {
        let GateSnapshot { cached, .. } = self.gate_snapshot(loaded, Gate::FULFILL_EXIT, write.now)?;
        let known = loaded.state.progress.as_ref().and_then(|progress| progress.step(step));
        let roles = known.map_or_else(|| resume_by(&cached.model), |step| resumers(step, &cached.model));
        Ok(may_resume(write.actor, roles)?)
    }

    /// Records that a person resumes a step: a hold that is under way, or a step that failed or lacked data and for
    /// which the strategy pauses the rollout until people decide.
    fn resume(
        &self,
        write: &WriteContext<'_>,
        loaded: &LoadedDeployment,
        (step, state): (&Step, &StepState),
        why: Option<&String>,
    ) -> Result<(WriteChange, Option<ValueTurn>), ServiceError> {
        let GateSnapshot { cached, snapshot, .. } = self.gate_snapshot(loaded, Gate::FULFILL_EXIT, write.now)?;
        let refuse = |why: &str| RuleRefusal::StepNotUnderWay { step: step.id.clone(), why: why.to_owned() };
        let turn = self.0.value_turns.take(&cached.model.writable_namespaces_of_rollout());
        let values = LedgerNamespaces::pending(Arc::clone(&self.0.storage));
        let (mut change, mut decision) = (WriteChange::default(), None);
        match state.status {
            StepStatus::Running if matches!(step.action, StepAction::Hold { .. }) => {}
            StepStatus::Failed | StepStatus::Inconclusive => {
                let snapshot = before_rollout(loaded, &cached.model, snapshot)?;
                let question = carrying(&snapshot, &progress_of(loaded)?.settled(write.now), None);
                let decided = self.decide_in_rollout(&cached, &question, &RolloutQuestion::Advance, &values)?;
                if !matches!(decided.answer, RolloutAnswer::Next(Action::Pause(_))) {
                    return Err(refuse(
                        "the strategy does not pause for it: ask for the next step, with `POST …/rollout/next`",
                    )
                    .into());
                }
                decision = Some(decided.decision.id.clone());
                let (entry, content) = self.rollout_entry(write.actor, loaded, &question, decided)?;
                (change.entries, change.content) = (vec![entry], content);
                change.expect.clone_from(&cached.expect);
            }
            _ => return Err(refuse("only a hold, or a step for which the rollout is paused, can be `resumed`").into()),
        }
        change.events = vec![DeploymentEvent::StepResumed { step: step.id.clone(), why: why.cloned(), decision }];
        change.values = value_changes(&values);
        Ok((change, turn))
    }
}

/// The roles that the model gives the right to resume a rollout.
fn resume_by(model: &LoadedModel) -> Vec<String> {
    let strategy = model.model().strategy.as_ref();
    strategy.map(|strategy| strategy.resume_by.iter().cloned().collect()).unwrap_or_default()
}

/// The roles in one of which a person may resume this step: that of the hold if it names one, else those of the model.
fn resumers(step: &Step, model: &LoadedModel) -> Vec<String> {
    match &step.action {
        StepAction::Hold { role: Some(role), .. } => vec![role.clone()],
        _ => resume_by(model),
    }
}

/// Checks that the actor may resume a rollout: a person, in one of these roles.
fn may_resume(actor: &Actor, roles: Vec<String>) -> Result<(), RuleRefusal> {
    let holds = actor.person.roles.iter().any(|role| roles.contains(role));
    if actor.kind == CredentialKind::Person && holds {
        return Ok(());
    }
    let (person, held) = (actor.person.id.clone(), actor.person.roles.clone());
    Err(RuleRefusal::PersonDecides { person, kind: actor.kind, held, roles })
}

/// The snapshot with what a rollback rests on as it was when fulfillment began.
fn before_rollout(
    loaded: &LoadedDeployment,
    model: &LoadedModel,
    snapshot: Arc<Snapshot>,
) -> Result<Arc<Snapshot>, DigestError> {
    let Some(before) = &loaded.state.before else { return Ok(snapshot) };
    let mut restored = Snapshot::clone(&snapshot);
    before.restore(Arc::make_mut(&mut restored.deployment));
    restored.subject = Snapshot::subject_of(&restored.deployment, &restored.evidence, model.digest())?;
    Ok(Arc::new(restored))
}

fn is_carried_out(loaded: &LoadedDeployment) -> Result<(), ServiceError> {
    match loaded.state.position {
        StagePosition::InProgress { stage: Stage::Fulfill } | StagePosition::RollingBack { .. } => Ok(()),
        position => {
            let why =
                format!("the deployment is {position}, and a rollout is carried out in fulfill and on the way back");
            Err(RuleRefusal::RolloutNotRunning { why }.into())
        }
    }
}

fn progress_of(loaded: &LoadedDeployment) -> Result<&Progress, ServiceError> {
    let none = || RuleRefusal::RolloutNotRunning {
        why: "no rollout was approved for the deployment, so there are no steps: report the activities".to_owned(),
    };
    Ok(loaded.state.progress.as_ref().ok_or_else(none)?)
}

/// The step that somebody is carrying out, and how often it was begun.
fn under_way(progress: &Progress) -> Option<(Step, u32)> {
    let states = match progress.direction {
        Direction::Forward => &progress.steps,
        Direction::Back => &progress.back,
    };
    let state = states.iter().find(|state| {
        let known = progress.step(&state.id);
        state.status == StepStatus::Running
            && known.is_some_and(|step| !matches!(step.action, StepAction::Hold { .. } | StepAction::Analyze { .. }))
    })?;
    Some((progress.step(&state.id)?.clone(), state.attempts))
}
