//! Analyses: the checks that a strategy asks for between its steps.

use std::sync::Arc;

use lockgate_domain::{BindingAnswer, BindingOutcome, Enforcement, Kind, Snapshot, Standing, StepStatus};

use crate::gate::{RecordCalls, call};
use crate::load::LoadedModel;
use crate::values::PendingValues;

impl LoadedModel {
    /// Runs the checks on one fresh snapshot. Adds the changes that they make in their namespaces to `values`. The step
    /// fails if a check fails. It is inconclusive if a check lacks data or could not answer; otherwise it succeeds.
    pub fn analyse(
        &self,
        checks: &[String],
        snapshot: &Arc<Snapshot>,
        values: &Arc<PendingValues>,
    ) -> (StepStatus, Option<String>, Vec<BindingOutcome>) {
        let mut outcomes = Vec::new();
        let mut status = StepStatus::Succeeded;
        let mut why = Vec::new();
        for id in checks {
            let Some(plugin) = self.analysis(id) else {
                why.push(format!("the model has no analysis `{id}`"));
                status = StepStatus::Failed;
                continue;
            };
            let mut called = call(plugin, Kind::ValidationCheck, snapshot, RecordCalls::No, values);
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
        (status, (!why.is_empty()).then(|| why.join("; ")), outcomes)
    }
}

fn summary(answer: &BindingAnswer) -> String {
    match answer {
        BindingAnswer::Check(report) => report.summary.clone(),
        BindingAnswer::Failed(failure) => failure.to_string(),
        _ => "no report".to_owned(),
    }
}
