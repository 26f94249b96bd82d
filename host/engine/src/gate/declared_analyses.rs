//! Checks that the model declares the analyses that a rollout asks for: of a plan at a gate, and of a rollout that a strategy lays
//! out.

use lockgate_domain::{CorrectionNeeded, Need, Requirement, Rollout, Snapshot, StepAction, Violation, closest};

use super::EngineCode;
use crate::model::{Model, listed};

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
