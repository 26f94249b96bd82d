//! Warns of what a model may contain, but probably does not mean.

use serde_json::Value;

use lockgate_domain::{Enforcement, FactSource, Gate, Kind};

use super::{
    Binding, FactName, GateModel, Model, ModelFinding, ModelFindings, Read, Source, Spans, attesters, listed, read,
};
use crate::expression::Expression;

/// Reads a model, and warns of probable mistakes. Does not read the plugins' files.
///
/// # Errors
/// All errors and warnings.
pub fn check(source: &Source) -> Result<Read, ModelFindings> {
    let mut read = read(source)?;
    let Read { model, spans, warnings } = &mut read;
    warnings.extend(unused_plugins(model, spans));
    warnings.extend(unused_analyses(model, spans));
    warnings.extend(applies_to_its_own_subject(model, spans));
    warnings.extend(told_facts(model, spans));
    warnings.extend(attesters::without_right(model, spans));
    warnings.extend(unguarded_gates(model, spans));
    for gate in &model.gates {
        warnings.extend(advisory_gate(model, gate, spans));
        warnings.extend(gate.bindings.iter().filter_map(|binding| falls_with_risk(gate, binding, spans)));
    }
    Ok(read)
}

fn unused_plugins(model: &Model, spans: &Spans) -> Vec<ModelFinding> {
    let bindings = model.gates.iter().flat_map(|gate| &gate.bindings).map(|binding| &binding.plugin);
    let strategy = model.strategy.iter().map(|strategy| &strategy.plugin);
    let used: Vec<&str> =
        bindings.chain(strategy).chain(model.analyses.values()).map(|used| used.plugin.as_str()).collect();
    let unused = model.plugins.keys().filter(|name| !used.contains(&name.as_str()));
    unused
        .map(|name| {
            let span = spans.at(&format!("/plugins/{name}"));
            ModelFinding::warning("unused-plugin", span, format!("plugin `{name}` is not used"))
                .help("bind it to a gate, or take it out")
        })
        .collect()
}

/// Warns of analyses that no strategy can ask for. A strategy asks by an id that it knows from its settings.
fn unused_analyses(model: &Model, spans: &Spans) -> Vec<ModelFinding> {
    let settings = model.strategy.as_ref().map(|strategy| &strategy.plugin.settings);
    let unused = model.analyses.keys().filter(|id| !settings.is_some_and(|settings| names(settings, id)));
    unused
        .map(|id| {
            let span = spans.at(&format!("/analyses/{id}"));
            let finding = ModelFinding::warning("unused-analysis", span, format!("analysis `{id}` is not asked for"));
            match &model.strategy {
                Some(strategy) => finding
                    .note(format!("the settings of the strategy, `{}`, do not name it", strategy.plugin.plugin))
                    .help("name it in the strategy's settings, or take it out"),
                None => finding.help("add the `[strategy]` that asks for it"),
            }
        })
        .collect()
}

/// Whether the text is one of the values in the settings. Recurses as deep as TOML, whose parser limits nesting.
fn names(settings: &Value, text: &str) -> bool {
    match settings {
        Value::String(known) => known == text,
        Value::Array(items) => items.iter().any(|item| names(item, text)),
        Value::Object(members) => members.values().any(|member| names(member, text)),
        _ => false,
    }
}

fn applies_to_its_own_subject(model: &Model, spans: &Spans) -> Option<ModelFinding> {
    let (expression, _) = Expression::condition(model.applies_when.as_ref()?).ok()?;
    expression.looks_at("subject").then(|| {
        ModelFinding::warning(
            "circular-condition",
            spans.at("/applies-when"),
            "whether a model applies depends on `subject`",
        )
        .note("the subject is made from the model that was chosen, so it is another one for each model")
        .help("ask for the release or the plan instead")
    })
}

/// Warns of facts that a live environment would demand from registers, and of which the model takes the requester's word.
fn told_facts(model: &Model, spans: &Spans) -> Option<ModelFinding> {
    let is_told = |fact: &FactName| {
        let demand = model.demands.facts.get(fact);
        demand.is_some_and(|demand| demand.from == FactSource::Told)
    };
    let told: Vec<&str> = FactName::all()
        .filter(|fact| model.live_demand(*fact, None).is_some() && is_told(fact))
        .map(FactName::as_str)
        .collect();
    let span = spans.at(&format!("/facts/{}", told.first()?));
    let is = if told.len() == 1 { "is" } else { "are" };
    let message = format!("in a live environment too, {} {is} what the requester says", listed(told.iter().copied()));
    Some(
        ModelFinding::warning("told-fact", span, message)
            .note("the person or program that asks for a deployment can then state what the gates judge")
            .help(
                "write `from = \"register\"`, or leave the demand out: a live environment demands registers by itself",
            ),
    )
}

/// Warns of gates that the model does not name, and at which every deployment is denied.
fn unguarded_gates(model: &Model, spans: &Spans) -> Option<ModelFinding> {
    if model.gates.is_empty() && (model.unguarded_allowed || model.criteria) {
        let message = "the model guards no gate with a plugin";
        let help = "add `[[gates]]` with `stage`, `phase` and `bindings`";
        return Some(ModelFinding::warning("no-gates", spans.at("/id"), message).help(help));
    }
    let missing: Vec<String> = Gate::all()
        .filter(|gate| model.gate(*gate).is_none() && model.needs_guard(*gate))
        .map(|gate| format!("`{gate}`"))
        .collect();
    (!missing.is_empty()).then(|| {
        let message = format!("every deployment is denied at gates that the model does not guard: {}", missing.join(", "));
        ModelFinding::warning("unguarded-gate", spans.at("/id"), message).help(
            "add `[[gates]]` with `bindings`, write `criteria = \"deploy-value-stream\"`, or `unguarded = \"allow\"` for the gate",
        )
    })
}

fn advisory_gate(model: &Model, gate: &GateModel, spans: &Spans) -> Option<ModelFinding> {
    if gate.can_stop() || !model.needs_guard(gate.gate) {
        return None;
    }
    let message = format!("nothing at the gate `{}` can stop a deployment, so every one is denied", gate.gate);
    let finding = ModelFinding::warning("advisory-gate", spans.gate(gate.gate), message);
    let (soft, hard) = (Enforcement::SoftMandatory.as_str(), Enforcement::HardMandatory.as_str());
    Some(match gate.bindings.is_empty() {
        true => finding.note("it has no bindings"),
        false => {
            finding.note("all its bindings are advisory").help(format!("make one of them {}", listed([soft, hard])))
        }
    })
}

/// Warns of a mandatory policy that would be asked less at a higher risk. The host asks it at each risk at which it
/// would be asked at a lower one.
fn falls_with_risk(gate: &GateModel, binding: &Binding, spans: &Spans) -> Option<ModelFinding> {
    if binding.enforcement == Enforcement::Advisory || binding.kind == Some(Kind::ValidationCheck) {
        return None;
    }
    let (when, _) = Expression::condition(binding.when.as_ref()?).ok()?;
    if !when.looks_at_risk() || when.rises_with_risk() {
        return None;
    }
    let span = spans.binding(gate.gate, &binding.id, "when");
    let message = format!("`{}` may be asked at more risks than its `when` says", binding.id);
    Some(
        ModelFinding::warning("falls-with-risk", span, message)
            .note(
                "a higher risk never needs fewer approvals: a mandatory approval policy is asked if its `when` holds at \
                 the risk of the change, or would hold at any lower one",
            )
            .help("write the condition so that it holds at every higher risk too, for example `change.risk != \"low\"`"),
    )
}
