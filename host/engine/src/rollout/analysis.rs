//! Analyses: the checks that a strategy asks for between its steps.

use std::sync::Arc;

use lockgate_domain::{
    Analysis, BindingAnswer, BindingOutcome, CheckState, Enforcement, Kind, Progress, Snapshot, Standing, Step,
    StepAction, StepEnd, StepStatus,
};

use super::carrying;
use crate::gate::{RecordCalls, call};
use crate::load::LoadedModel;
use crate::values::PendingValues;

impl LoadedModel {
    /// Runs the checks of a step that has begun, on one fresh snapshot. Adds the changes that they make in their
    /// namespaces to `values`. The step fails if a check fails. It is inconclusive if a check is pending, lacks data or
    /// could not answer; otherwise it succeeds. A step without checks fails.
    pub fn analyse(
        &self,
        step: &Step,
        progress: &Progress,
        snapshot: &Arc<Snapshot>,
        values: &Arc<PendingValues>,
    ) -> (StepEnd, Vec<BindingOutcome>) {
        let StepAction::Analyze { checks, candidate, baseline } = &step.action else {
            let why = format!("step `{}` is no analysis", step.id);
            return (StepEnd::new(StepStatus::Failed, Some(why)), Vec::new());
        };
        let state = progress.state(&step.id);
        let analysis = Analysis {
            step: step.id.clone(),
            attempt: state.map_or(1, |state| state.attempts),
            began: state.and_then(|state| state.began).unwrap_or(snapshot.now),
            candidate: candidate.clone(),
            baseline: baseline.clone(),
        };
        let snapshot = carrying(snapshot, progress, Some(analysis));
        let (mut outcomes, mut states, mut why) = (Vec::new(), Vec::new(), Vec::new());
        let mut status = StepStatus::Succeeded;
        for id in checks {
            let Some(plugin) = self.analysis(id) else {
                why.push(format!("the model has no analysis `{id}`"));
                status = StepStatus::Failed;
                continue;
            };
            let mut called = call(plugin, Kind::ValidationCheck, &snapshot, RecordCalls::No, values);
            if let Some(Err(failure)) = called.changes.take().map(|changes| values.add(&changes)) {
                (called.standing, called.answer) = (Standing::Error, BindingAnswer::Failed(failure));
            }
            let said = match called.standing {
                Standing::Allow | Standing::NotApplicable => StepStatus::Succeeded,
                Standing::Deny => StepStatus::Failed,
                Standing::Pending | Standing::Error => StepStatus::Inconclusive,
            };
            if said != StepStatus::Succeeded {
                why.push(format!("`{id}`: {}", summary(&called.answer)));
            }
            if said == StepStatus::Failed || status == StepStatus::Succeeded {
                status = said;
            }
            states.push(state_of(id, &called.answer));
            outcomes.push(BindingOutcome {
                id: id.clone(),
                plugin: plugin.reference.clone(),
                kind: Kind::ValidationCheck,
                enforcement: Enforcement::HardMandatory,
                group: None,
                standing: called.standing,
                exemption: None,
                answer: called.answer,
                receipt: Some(called.receipt),
                log: called.log,
                log_dropped: called.log_dropped,
            });
        }
        let why = (!why.is_empty()).then(|| why.join("; "));
        (StepEnd { checks: states, ..StepEnd::new(status, why) }, outcomes)
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
