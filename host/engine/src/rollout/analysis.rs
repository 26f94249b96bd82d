//! Analyses: the checks that a strategy asks for between its steps.

use lockgate_domain::{BindingAnswer, BindingOutcome, Enforcement, Kind, Progress, Standing, Step, StepStatus};

use super::{RolloutError, RolloutEvent, World};
use crate::gate::{Record, call};
use crate::load::LoadedModel;

impl LoadedModel {
    /// Runs the checks on one fresh picture. The step fails if one fails; it is inconclusive if one has not enough data
    /// or could not answer; else it succeeds.
    pub(super) fn analyse(
        &self,
        step: &Step,
        checks: &[String],
        progress: &Progress,
        world: &mut dyn World,
    ) -> Result<(StepStatus, Option<String>), RolloutError> {
        let snapshot = world.snapshot(progress)?;
        let mut status = StepStatus::Succeeded;
        let mut why = Vec::new();
        for id in checks {
            let Some(plugin) = self.analysis(id) else {
                why.push(format!("the model has no analysis `{id}`"));
                status = StepStatus::Failed;
                continue;
            };
            let called = call(plugin, Kind::ValidationCheck, &snapshot, Record::No);
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
            let outcome = BindingOutcome {
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
            };
            world.note(&RolloutEvent::Analysed(step, &outcome), progress);
        }
        Ok((status, (!why.is_empty()).then(|| why.join("; "))))
    }
}

fn summary(answer: &BindingAnswer) -> String {
    match answer {
        BindingAnswer::Check(report) => report.summary.clone(),
        BindingAnswer::Failed(failure) => failure.to_string(),
        _ => "no report".to_owned(),
    }
}
