//! Carries out a rollout step by step: a pipeline asks for the next step, does it, and reports the outcome.
//!
//! The strategy decides what comes next. The host keeps the progress, runs the analyses itself, and enforces its own
//! rule: after the point of no return, a rollout cannot go back. Asking again changes nothing: the answer names the
//! step under way until a report says how it ended.

use std::sync::Arc;

use lockgate_domain::{
    Action, CredentialKind, Gate, Phase, Progress, Reason, Right, Stage, Step, StepAction, StepState, StepStatus, Wait,
    WayBack, rules,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::moves::MoveEntries;
use super::read::LoadedDeployment;
use super::snapshot_cache::GateSnapshot;
use super::value_turns::ValueTurn;
use super::write::WriteChange;
use super::{DeploymentRef, DeploymentService, InputError, RuleRefusal, ServiceError, WriteAnswer, WriteContext};
use crate::authority::Actor;
use crate::lifecycle::{DeploymentEvent, EventActor, LifecycleMove, StagePosition};
use crate::namespaces::{LedgerNamespaces, value_changes};
use lockgate_engine::LoadedModel;
use lockgate_engine::rollout::RolloutError;

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
    /// Take the way back and report it. The rollback has begun.
    GoBack {
        /// The reason for the rollback.
        reason: Reason,
        /// How the deployment is rolled back.
        way_back: WayBack,
        /// The steps of the way back that are due, in the order in which to carry them out.
        steps: Vec<Step>,
    },
    /// Stop here until people decide.
    Pause {
        /// The reason for the pause.
        reason: Reason,
    },
    /// The rollout is complete: report the activities, then pass the exit of fulfill.
    Complete,
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

impl DeploymentService {
    /// The next thing to do in the rollout of a deployment that is in fulfill.
    ///
    /// # Errors
    /// If the actor may not ask, the deployment is not in fulfill, the model has no strategy, or the strategy cannot
    /// answer.
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
                in_fulfill(&loaded)?;
                let gate = Gate { stage: Stage::Fulfill, phase: Phase::Exit };
                let GateSnapshot { cached, snapshot, .. } = self.gate_snapshot(&loaded, gate, write.now)?;
                let model = &cached.model;
                let _turn = self.0.value_turns.take(&model.writable_namespaces_of_rollout());
                let values = LedgerNamespaces::pending(Arc::clone(&self.0.storage));
                let by = EventActor::from(write.actor);
                let mut now = (*loaded).clone();
                let mut events = Vec::new();
                let mut happen = |now: &mut LoadedDeployment, event: DeploymentEvent| {
                    *now = now.after([&event], &by, write.now);
                    events.push(event);
                };
                if now.state.progress.is_none() {
                    // The approved rollout if there is one; otherwise the strategy lays one out now.
                    let rollout = match snapshot.deployment.rollout.clone() {
                        Some(rollout) => {
                            model.can_carry_out(&rollout, Some("/rollout"))?;
                            rollout
                        }
                        None => model.lay_out(&snapshot, &values)?,
                    };
                    if let Some(plan) = snapshot.deployment.plan.as_ref() {
                        let kept = rules::keeps_to_plan(&rollout, plan);
                        kept.map_err(|breach| RolloutError::Refused(Box::new(breach)))?;
                    }
                    happen(&mut now, DeploymentEvent::RolloutLaidOut { rollout });
                }
                let mut next = None;
                for _ in 0..ROUNDS {
                    let mut progress = progress_of(&now)?.clone();
                    if let Some((step, attempt)) = under_way(&progress) {
                        next = Some(NextStep::Perform { step, attempt });
                        break;
                    }
                    let action = model.next(&mut progress, &snapshot, &values)?;
                    match action {
                        // The strategy is a pure planner: asked again, it names the steps that are left.
                        Action::Perform(ids) => {
                            let step_id = ids.into_iter().next().unwrap_or_default();
                            let step = progress.step(&step_id).cloned();
                            let step = step.ok_or_else(|| RolloutError::UnknownStep(step_id.clone()))?;
                            happen(&mut now, DeploymentEvent::StepBegan { step: step_id.clone() });
                            if let StepAction::Analyze { .. } = &step.action {
                                let (end, _) = model.analyse(&step, progress_of(&now)?, &snapshot, &values);
                                let why = end.reason.map(|reason| reason.message);
                                let (status, checks) = (end.status, end.checks);
                                happen(&mut now, DeploymentEvent::StepEnded { step: step_id, status, why, checks });
                            }
                        }
                        Action::Skip(skip) => {
                            happen(&mut now, DeploymentEvent::StepSkipped { step: skip.step, reason: skip.reason });
                        }
                        Action::Wait(wait) => {
                            let waiting = progress.waits_for_person();
                            let resume_by = waiting.map(|step| resumers(step, model)).unwrap_or_default();
                            next = Some(NextStep::Wait { wait, resume_by });
                        }
                        Action::Pause(reason) => next = Some(NextStep::Pause { reason }),
                        Action::Complete => next = Some(NextStep::Complete),
                        Action::GoBack(reason) => {
                            self.check_move(&now.state, LifecycleMove::RollBack)?;
                            let way_back = progress.rollout.way_back.clone();
                            let steps = progress.due().cloned().collect();
                            happen(&mut now, DeploymentEvent::RollbackBegan { reason: reason.message.clone() });
                            next = Some(NextStep::GoBack { reason, way_back, steps });
                        }
                    }
                    if next.is_some() {
                        break;
                    }
                }
                let next = next.ok_or_else(|| RolloutError::TooManyAttempts { step: "analyze".to_owned() })?;
                if events.is_empty() {
                    // Nothing has happened, so nothing is written: neither an event nor the values that the strategy
                    // wants to keep.
                    return Ok(WriteAnswer {
                        value: next,
                        version: loaded.state.version,
                        repeated: false,
                        stream: None,
                    });
                }
                let MoveEntries { entries, expect } = self.move_entries(&loaded, now.state.position, write.now)?;
                let values = value_changes(&values);
                let change = WriteChange { events, entries, expect, values, ..WriteChange::default() };
                self.record(write, digest, &loaded, change, |_| Ok(next))
            },
        )
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
            in_fulfill(&loaded)?;
            let not_under_way = |why: String| RuleRefusal::StepNotUnderWay { step: step.to_owned(), why };
            let progress = progress_of(&loaded)?;
            let (Some(known), Some(state)) = (progress.step(step), progress.state(step)) else {
                let names: Vec<&str> = progress.rollout.steps.iter().map(|step| step.id.as_str()).collect();
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
        let gate = Gate { stage: Stage::Fulfill, phase: Phase::Exit };
        let GateSnapshot { cached, .. } = self.gate_snapshot(loaded, gate, write.now)?;
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
        let gate = Gate { stage: Stage::Fulfill, phase: Phase::Exit };
        let GateSnapshot { cached, snapshot, .. } = self.gate_snapshot(loaded, gate, write.now)?;
        let refuse = |why: &str| RuleRefusal::StepNotUnderWay { step: step.id.clone(), why: why.to_owned() };
        let turn = self.0.value_turns.take(&cached.model.writable_namespaces_of_rollout());
        let values = LedgerNamespaces::pending(Arc::clone(&self.0.storage));
        match state.status {
            StepStatus::Running if matches!(step.action, StepAction::Hold { .. }) => {}
            StepStatus::Failed | StepStatus::Inconclusive => {
                let action = cached.model.next(&mut progress_of(loaded)?.clone(), &snapshot, &values)?;
                if !matches!(action, Action::Pause(_)) {
                    return Err(refuse(
                        "the strategy does not pause for it: ask for the next step, with `POST …/rollout/next`",
                    )
                    .into());
                }
            }
            _ => return Err(refuse("only a hold, or a step for which the rollout is paused, can be `resumed`").into()),
        }
        let event = DeploymentEvent::StepResumed { step: step.id.clone(), why: why.cloned() };
        Ok((WriteChange { values: value_changes(&values), ..WriteChange::of(event) }, turn))
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

fn in_fulfill(loaded: &LoadedDeployment) -> Result<(), ServiceError> {
    match loaded.state.position {
        StagePosition::InProgress { stage: Stage::Fulfill } => Ok(()),
        position => {
            let why = format!("the deployment is {position}, and a rollout is carried out in fulfill");
            Err(RuleRefusal::RolloutNotRunning { why }.into())
        }
    }
}

fn progress_of(loaded: &LoadedDeployment) -> Result<&Progress, ServiceError> {
    let none = || RuleRefusal::RolloutNotRunning {
        why: "no rollout was laid out yet: ask for the next step first, with `POST …/rollout/next`".to_owned(),
    };
    Ok(loaded.state.progress.as_ref().ok_or_else(none)?)
}

/// The step that somebody is carrying out, and how often it was begun.
fn under_way(progress: &Progress) -> Option<(Step, u32)> {
    let state = progress.steps.iter().find(|state| {
        let known = progress.step(&state.id);
        state.status == StepStatus::Running
            && known.is_some_and(|step| !matches!(step.action, StepAction::Hold { .. } | StepAction::Analyze { .. }))
    })?;
    Some((progress.step(&state.id)?.clone(), state.attempts))
}
