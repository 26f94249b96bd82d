//! Looks whether something checks a release in each environment that it passes.

use lockgate_domain::{Enforcement, Kind, Stage};

use super::{LoadedBinding, LoadedGate};
use crate::model::{Model, ModelFinding, Spans};

/// Warns of environments in which no check looks at what was deployed: every hop has tests of its own.
pub(super) fn without_check(model: &Model, gates: &[LoadedGate], spans: &Spans) -> Vec<ModelFinding> {
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
