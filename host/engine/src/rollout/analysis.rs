//! Analyses: the checks that a strategy asks for between its steps.

use std::sync::Arc;

use lockgate_domain::{
    BindingAnswer, BindingOutcome, CorrectionNeeded, Enforcement, Kind, Need, Requirement, Rollout, Snapshot, Standing,
    StepAction, StepStatus, Violation, closest,
};

use crate::gate::{EngineCode, RecordCalls, call};
use crate::load::LoadedModel;
use crate::model::{Model, listed};
use crate::values::PendingValues;

/// The analyses that a rollout asks for and the model does not declare. `at` is the place of the rollout in the
/// deployment, if it has one there.
pub(crate) fn unknown(model: &Model, rollout: &Rollout, at: Option<&str>) -> Vec<Violation> {
    let steps = rollout.steps.iter().enumerate().filter_map(|(place, step)| match &step.action {
        StepAction::Analyze(checks) => Some((place, step, checks)),
        _ => None,
    });
    let asked = steps.flat_map(|(place, step, checks)| {
        checks.iter().enumerate().map(move |(index, id)| (format!("/steps/{place}/action/analyze/{index}"), step, id))
    });
    let unknown = asked.filter(|(_, _, id)| !model.analyses.contains_key(*id));
    let code = EngineCode::AnalysisUnknown.as_str().to_owned();
    let known = || model.analyses.keys().map(String::as_str);
    unknown
        .map(|(place, step, id)| {
            let meant = closest(id, known()).map(|close| format!(": did you mean `{close}`?")).unwrap_or_default();
            let pointer = at.map(|at| format!("{at}{place}"));
            let expected = match model.analyses.is_empty() {
                true => "no analysis: the model declares none".to_owned(),
                false => format!("one of {}", listed(known())),
            };
            Violation {
                code: code.clone(),
                message: format!(
                    "step `{}` of the rollout asks for the analysis `{id}`, which model `{}` does not declare{meant}",
                    step.id, model.id
                ),
                subject: Some(id.clone()),
                pointer: pointer.clone(),
                remedies: vec![Requirement {
                    code: code.clone(),
                    message: format!("name an analysis of the model, or declare `[analyses.{id}]` in it"),
                    need: Need::Correction(CorrectionNeeded {
                        pointer: pointer.unwrap_or_default(),
                        expected,
                        found: Some(format!("`{id}`")),
                    }),
                }],
            }
        })
        .collect()
}

/// Adds a breach for each analysis that the plan's rollout asks for and the model does not declare.
pub(crate) fn check(model: &Model, snapshot: &Snapshot, breaches: &mut Vec<Violation>) {
    let rollout = snapshot.deployment.plan.as_ref().and_then(|plan| plan.rollout.as_ref());
    breaches.extend(rollout.into_iter().flat_map(|rollout| unknown(model, rollout, Some("/plan/rollout"))));
}

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
