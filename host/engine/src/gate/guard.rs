//! Denies at a gate where no binding can stop this deployment.
//!
//! A mandatory binding guards a deployment if it was asked. If its `when` did not hold, it still guards unless the reason is what
//! kind of deployment this is, and where it goes: then the binding is never asked about it here.

use lockgate_domain::{BindingAnswer, BindingOutcome, Enforcement, Finding, Severity, Snapshot};

use super::EngineCode;
use crate::expression::Variables;
use crate::load::{LoadedBinding, LoadedModel};

/// The parts of a snapshot that say what kind of deployment this is, where it goes, and at which gate it is.
const KIND_AND_PLACE: [&str; 6] = ["environment", "gate", "phase", "product", "scenario", "stage"];

/// Checks that a binding can stop the deployment. `bindings` are the outcomes in the order of the gate's bindings.
pub(super) fn check(
    loaded: &LoadedModel,
    snapshot: &Snapshot,
    bindings: &[BindingOutcome],
    breaches: &mut Vec<Finding>,
) {
    if !loaded.model().needs_guard(snapshot.gate) {
        return;
    }
    let gate = loaded.gate(snapshot.gate);
    let all = gate.into_iter().flat_map(|gate| &gate.bindings).zip(bindings);
    let mandatory = all.filter(|(binding, _)| binding.model.enforcement != Enforcement::Advisory);
    let variables = Variables::new(snapshot);
    let mut excluded = Vec::new();
    for (binding, outcome) in mandatory {
        match excluding_part(binding, outcome, &variables) {
            Some(part) => excluded.push(format!("`{}` is asked only if `{part}`", outcome.id)),
            None => return,
        }
    }
    let (gate, model) = (snapshot.gate, &loaded.model().id);
    let why = if excluded.is_empty() { String::new() } else { format!(" ({})", excluded.join(", ")) };
    let message = format!(
        "nothing at the gate {gate} can stop this deployment{why}: bind a policy or a check to it in the model `{model}`, write \
         `criteria = \"deploy-value-stream\"` there, or `unguarded = \"allow\"` for the gate"
    );
    breaches.push(Finding::new(Severity::High, EngineCode::UnguardedGate.as_str(), message));
}

/// The part of a binding's `when` because of which it is never asked about this deployment here. None if it was asked, or would
/// be if something else about the deployment were different.
fn excluding_part(binding: &LoadedBinding, outcome: &BindingOutcome, variables: &Variables<'_>) -> Option<String> {
    let BindingAnswer::NotAsked { .. } = outcome.answer else { return None };
    binding.when.as_ref()?.false_part_over(&KIND_AND_PLACE, variables)
}
