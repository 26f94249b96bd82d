//! Decisions within a rollout: what to do next, as the strategy says, and how a step did, as the checks of its analysis say.
//! They are decisions like those of a gate, so they are explained, recorded and replayed like them.

use std::sync::Arc;

use lockgate_domain::{
    Action, BindingAnswer, BindingOutcome, CheckState, Decision, Finding, Reason, RolloutQuestion, Severity, Snapshot,
    Standing, StepAction, StepEnd, StepStatus, rules,
};
use lockgate_runtime::{PluginFunction, Recording};

use super::ask::{AnswerSource, BindingEvaluation, RecordedAnswers, ask, ask_function};
use super::{EngineCode, GateError, Judged, split};
use crate::expression::Variables;
use crate::load::LoadedModel;
use crate::rollout::{RolloutError, check_action, other_said};
use crate::values::PendingValues;

/// The answer to a question within a rollout.
#[derive(Clone, Debug, PartialEq)]
pub enum RolloutAnswer {
    /// What to do next.
    Next(Action),
    /// How an analysis ended.
    Analysed(StepEnd),
}

/// A decision within a rollout, and what follows from it.
#[derive(Clone, Debug)]
pub struct RolloutDecision {
    pub decision: Decision,
    pub answer: RolloutAnswer,
    /// The recordings of the calls, if they were to be recorded.
    pub recordings: Vec<Recording>,
}

/// The answers of plugins to a question within a rollout.
pub(crate) struct Asked {
    pub(crate) answer: RolloutAnswer,
    evaluations: Vec<BindingEvaluation>,
    /// The rules of the host that stand in the way.
    breaches: Vec<Finding>,
}

impl Asked {
    /// The outcomes of the calls.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = &BindingOutcome> {
        self.evaluations.iter().map(|evaluation| &evaluation.outcome)
    }
}

impl LoadedModel {
    /// Decides a question within a rollout, on a snapshot that [carries](crate::rollout::carrying) its progress. Adds the changes
    /// that plugins make in their namespaces to `values`.
    ///
    /// # Errors
    /// If the strategy could not answer, or broke the contract.
    pub fn decide_in_rollout(
        &self,
        snapshot: &Arc<Snapshot>,
        question: &RolloutQuestion,
        chosen_because: &str,
        outside: AnswerSource<'_>,
        values: &Arc<PendingValues>,
    ) -> Result<RolloutDecision, RolloutError> {
        let Asked { answer, evaluations, breaches } = match question {
            RolloutQuestion::Advance => self.advise(snapshot, outside, values)?,
            RolloutQuestion::Analyze { step, .. } => self.analyse_step(step, snapshot, outside, values),
        };
        let (bindings, recordings) = split(evaluations);
        let question = Some(question.clone());
        let judged = Judged { question, guarded: true, breaches, bindings, groups: Vec::new(), exceptions: Vec::new() };
        let decision = self.conclude(snapshot, snapshot.digest()?, chosen_because, judged)?;
        let of_decision = |recording| Recording { decision: Some(decision.id.clone()), ..recording };
        let recordings = recordings.into_iter().map(of_decision).collect();
        Ok(RolloutDecision { decision, answer, recordings })
    }

    /// Makes a decision within a rollout again. Nothing outside is reached: plugins get the recorded answers.
    ///
    /// # Errors
    /// As [`LoadedModel::decide_in_rollout`].
    pub fn decide_again_in_rollout(
        &self,
        snapshot: &Arc<Snapshot>,
        question: &RolloutQuestion,
        chosen_because: &str,
        answers: &RecordedAnswers,
    ) -> Result<Decision, RolloutError> {
        let outside = AnswerSource::Recorded(answers);
        let values = PendingValues::of_runtime(None);
        Ok(self.decide_in_rollout(snapshot, question, chosen_because, outside, &values)?.decision)
    }

    /// Asks the strategy for the next action. A way back that a rule of the host forbids becomes a pause: people decide.
    pub(crate) fn advise(
        &self,
        snapshot: &Arc<Snapshot>,
        outside: AnswerSource<'_>,
        values: &Arc<PendingValues>,
    ) -> Result<Asked, RolloutError> {
        let strategy = self.strategy_binding().ok_or_else(|| RolloutError::NoStrategy(self.model().id.clone()))?;
        let Some(progress) = &snapshot.deployment.progress else { return Err(RolloutError::NotBegun) };
        let variables = Variables::new(snapshot);
        let mut asked = ask_function(strategy, PluginFunction::Advance, snapshot, &variables, outside, values);
        asked.keep_changes(values);
        let said = match &asked.outcome.answer {
            BindingAnswer::Advance(action) => action.clone(),
            BindingAnswer::Failed(failure) => return Err(RolloutError::Strategy(failure.clone())),
            other => return Err(other_said(other)),
        };
        check_action(&said, progress)?;
        let mut breaches = Vec::new();
        let action = match said {
            Action::GoBack(reason) => match rules::may_roll_back(&snapshot.deployment, snapshot.now) {
                Ok(()) => Action::GoBack(reason),
                Err(breach) => {
                    let message = format!("{}; the strategy would go back: {}", breach.message, reason.message);
                    let reason = Reason { code: breach.code.clone(), message, ..reason };
                    breaches.push(breach);
                    Action::Pause(reason)
                }
            },
            action => action,
        };
        Ok(Asked { answer: RolloutAnswer::Next(action), evaluations: vec![asked], breaches })
    }

    /// Runs the checks of an analysis. The step fails if a check fails. It is inconclusive if a check is pending, lacks data or
    /// could not answer; otherwise it succeeds. A step without checks fails.
    pub(crate) fn analyse_step(
        &self,
        id: &str,
        snapshot: &Arc<Snapshot>,
        outside: AnswerSource<'_>,
        values: &Arc<PendingValues>,
    ) -> Asked {
        let step = snapshot.deployment.progress.as_ref().and_then(|progress| progress.step(id));
        let Some(StepAction::Analyze { checks, .. }) = step.map(|step| &step.action) else {
            let why = format!("step `{id}` is no analysis");
            let breaches = vec![Finding::new(Severity::High, EngineCode::AnalysisUnknown.as_str(), why.clone())];
            let answer = RolloutAnswer::Analysed(StepEnd::new(StepStatus::Failed, Some(why)));
            return Asked { answer, evaluations: Vec::new(), breaches };
        };
        let variables = Variables::new(snapshot);
        let (mut evaluations, mut breaches, mut states, mut why) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut status = if checks.is_empty() { StepStatus::Failed } else { StepStatus::Succeeded };
        if checks.is_empty() {
            why.push("the analysis has no checks".to_owned());
        }
        for check in checks {
            let Some(binding) = self.analysis(check) else {
                let message = format!("the model has no analysis `{check}`");
                breaches.push(Finding::new(Severity::High, EngineCode::AnalysisUnknown.as_str(), message.clone()));
                why.push(message);
                status = StepStatus::Failed;
                continue;
            };
            let mut asked = ask(binding, snapshot, &variables, outside, values);
            asked.keep_changes(values);
            let outcome = &asked.outcome;
            let said = match outcome.standing {
                Standing::Allow | Standing::NotApplicable => StepStatus::Succeeded,
                Standing::Deny => StepStatus::Failed,
                Standing::Pending | Standing::Error => StepStatus::Inconclusive,
            };
            if said != StepStatus::Succeeded {
                why.push(format!("`{check}`: {}", summary(&outcome.answer)));
            }
            if said == StepStatus::Failed || status == StepStatus::Succeeded {
                status = said;
            }
            states.push(state_of(check, &outcome.answer));
            evaluations.push(asked);
        }
        let why = (!why.is_empty()).then(|| why.join("; "));
        let end = StepEnd { checks: states, ..StepEnd::new(status, why) };
        Asked { answer: RolloutAnswer::Analysed(end), evaluations, breaches }
    }
}

/// The outcome of a check in the form that the progress keeps.
fn state_of(id: &str, answer: &BindingAnswer) -> CheckState {
    let (outcome, code) = match answer {
        BindingAnswer::Check(report) => {
            (report.outcome.as_str(), report.findings.first().map(|finding| finding.code.clone()))
        }
        BindingAnswer::Failed(failure) => {
            ("error", Some(failure.code.clone().unwrap_or_else(|| failure.kind.as_str().to_owned())))
        }
        _ => ("error", None),
    };
    CheckState { check: id.to_owned(), outcome: outcome.to_owned(), code }
}

fn summary(answer: &BindingAnswer) -> String {
    match answer {
        BindingAnswer::Check(report) => report.summary.clone(),
        BindingAnswer::Failed(failure) => failure.to_string(),
        _ => "no report".to_owned(),
    }
}

impl From<GateError> for RolloutError {
    fn from(error: GateError) -> Self {
        match error {
            GateError::Digest(error) => Self::Digest(error),
        }
    }
}
