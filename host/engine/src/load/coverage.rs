//! Looks for what nothing checks: environments that a release passes, and criteria of the value stream.

use lockgate_domain::{CRITERIA, Criterion, Enforcement, Kind, Stage};

use super::{LoadedBinding, LoadedGate};
use crate::model::{Model, ModelFinding, Spans, listed};

/// Warns of environments in which no check looks at what was deployed: every hop has tests of its own.
pub(super) fn unchecked_hops(model: &Model, gates: &[LoadedGate], spans: &Spans) -> Vec<ModelFinding> {
    if !model.demands.evidence.is_empty() {
        return Vec::new();
    }
    let validated = gates.iter().filter(|gate| gate.gate.stage == Stage::Validate);
    let checks: Vec<&LoadedBinding> =
        validated.flat_map(|gate| &gate.bindings).filter(|binding| is_mandatory_check(binding)).collect();
    let mut found = Vec::new();
    for (index, hop) in model.environments.iter().enumerate() {
        let unchecked = hop.names().iter().filter(|name| checks.iter().all(|check| !may_ask(check, name)));
        for name in unchecked {
            let span = spans.at(&format!("/environments/{index}"));
            let message = format!("nothing checks in `{name}` what was deployed there");
            found.push(
                ModelFinding::warning("unchecked-hop", span, message)
                    .note("a release that goes on from there was not tested there")
                    .help(
                        "bind a mandatory validation check to `validate`, or demand the report of the tests: \
                         `[evidence.test-report]`",
                    ),
            );
        }
    }
    found
}

fn is_mandatory_check(binding: &LoadedBinding) -> bool {
    binding.kind == Kind::ValidationCheck && binding.model.enforcement != Enforcement::Advisory
}

/// Whether the check may be asked in an environment: its condition does not look at the environment, or names it, or
/// asks for something else of it than the name.
fn may_ask(check: &LoadedBinding, environment: &str) -> bool {
    check.when.as_ref().is_none_or(|when| {
        let text = when.text();
        !when.looks_at("environment") || !text.contains("environment.name") || text.contains(environment)
    })
}

/// Warns of the criteria at whose gates no plugin that can stop a deployment can look at the fact that proves them, in a model
/// that does not let the host check them.
pub(super) fn unchecked_criteria(model: &Model, gates: &[LoadedGate], spans: &Spans) -> Option<ModelFinding> {
    if model.criteria {
        return None;
    }
    let unchecked: Vec<&str> =
        CRITERIA.iter().filter(|criterion| !is_looked_at(criterion, gates)).map(|criterion| criterion.code).collect();
    (!unchecked.is_empty()).then(|| {
        let message = format!("nothing looks at {} of the {} criteria", unchecked.len(), CRITERIA.len());
        ModelFinding::warning("unchecked-criteria", spans.at("/id"), message)
            .note(format!("they are {}", listed(unchecked.iter().copied())))
            .help("write `criteria = \"deploy-value-stream\"`: then the host checks the criteria of the value stream itself")
    })
}

fn is_looked_at(criterion: &Criterion, gates: &[LoadedGate]) -> bool {
    let bound = gates.iter().filter(|gate| criterion.gates.contains(&gate.gate)).flat_map(|gate| &gate.bindings);
    let can_stop = bound.filter(|binding| binding.model.enforcement != Enforcement::Advisory);
    let reads = |method: &String| method == "json" || criterion.readers.contains(&method.as_str());
    can_stop.flat_map(|binding| binding.plugin.plugin.methods()).any(reads)
}
