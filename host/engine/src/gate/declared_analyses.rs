//! Checks that the model declares the analyses that a rollout asks for: of a deployment at a gate, and of a rollout that a strategy lays
//! out.

use lockgate_domain::{CorrectionNeeded, Finding, Rollout, Snapshot, StepAction, closest};

use super::EngineCode;
use crate::model::{Model, listed};

/// The analyses that a rollout asks for and the model does not declare. `at` is the place of the rollout in the
/// deployment, if it has one there.
pub(crate) fn unknown(model: &Model, rollout: &Rollout, at: Option<&str>) -> Vec<Finding> {
    let forward = rollout.steps.iter().enumerate().map(|(place, step)| (format!("/steps/{place}"), step));
    let back = rollout.back.iter().enumerate().map(|(place, back)| (format!("/back/{place}/step"), &back.step));
    let steps = forward.chain(back).filter_map(|(place, step)| match &step.action {
        StepAction::Analyze { checks, .. } => Some((place, step, checks)),
        _ => None,
    });
    let asked = steps.flat_map(|(place, step, checks)| {
        checks.iter().enumerate().map(move |(index, id)| (format!("{place}/action/analyze/checks/{index}"), step, id))
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
            let message = format!(
                "step `{}` of the rollout asks for the analysis `{id}`, which model `{}` does not declare{meant}",
                step.id, model.id
            );
            let remedy = format!("name an analysis of the model, or declare `[analyses.{id}]` in it");
            let need = CorrectionNeeded {
                pointer: pointer.clone().unwrap_or_default(),
                expected,
                accepted: known().map(Into::into).collect(),
                found: Some(format!("`{id}`")),
            };
            let pointers = pointer.into_iter().collect();
            Finding { pointers, ..Finding::breach(code.as_str(), message, remedy, need).about(id) }
        })
        .collect()
}

/// Adds a breach for each analysis that the rollout asks for and the model does not declare.
pub(crate) fn check(model: &Model, snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    let rollout = snapshot.deployment.rollout.as_ref();
    breaches.extend(rollout.into_iter().flat_map(|rollout| unknown(model, rollout, Some("/rollout"))));
}
