//! Decisions as text for people.

use lockgate_domain::{BindingOutcome, Decision, ModelRef, ReasonSource, Receipt, Standing, Verdict, counted};

use super::documents::DecisionReport;
use super::explain;
use crate::diagnostic::Diagnostic;
use crate::layout::grid;
use crate::print;
use crate::terminal::{self, FAINT, STRONG, styled};

/// Renders all decisions. Of several, those that allow are one line each.
pub(super) fn render(report: &DecisionReport<'_>) -> String {
    let mut parts = Vec::new();
    let mut passed = Vec::new();
    for decision in report.decisions {
        if report.single || report.details || decision.verdict != Verdict::Allow {
            parts.extend((!passed.is_empty()).then(|| passed.join("\n")));
            passed.clear();
            parts.push(decision_text(decision, report));
        } else {
            passed.push(format!("{}  {}", verdict(decision), styled(FAINT, binding_names(decision))));
        }
    }
    parts.extend((!passed.is_empty()).then(|| passed.join("\n")));
    parts.join("\n\n")
}

fn decision_text(decision: &Decision, report: &DecisionReport<'_>) -> String {
    let diagnostics = explain::diagnostics(decision, report.documents);
    let mut parts: Vec<String> = diagnostics.iter().map(Diagnostic::render).collect();
    if !decision.bindings.is_empty() {
        parts.push(outcomes(decision, report.details));
    }
    if report.details {
        parts.extend(logs(decision));
    }
    parts.push(closing(decision, report.details));
    parts.join("\n\n")
}

/// `fulfill entrance: allow`.
fn verdict(decision: &Decision) -> String {
    let verdict = styled(terminal::of_verdict(decision.verdict), decision.verdict);
    format!("{}: {verdict}", styled(STRONG, decision.gate))
}

/// The names of the bindings that were evaluated.
fn binding_names(decision: &Decision) -> String {
    let groups = decision.groups.iter().filter(|group| group.exemption.is_some());
    let groups = groups.map(|group| (&group.id, ReasonSource::Group(group.id.clone())));
    let bindings = decision.bindings.iter().map(|binding| (&binding.id, ReasonSource::Binding(binding.id.clone())));
    let named = bindings.chain(groups).map(|(id, source)| match explain::exception(decision, &source) {
        Some((code, _)) => format!("{id} ({})", code.code()),
        None => id.clone(),
    });
    let names: Vec<String> = named.collect();
    if names.is_empty() { "no bindings".to_owned() } else { names.join(", ") }
}

/// A row for each binding and group.
fn outcomes(decision: &Decision, details: bool) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for binding in &decision.bindings {
        let counts = binding
            .group
            .as_ref()
            .map_or_else(|| binding.enforcement.as_str().to_owned(), |group| format!("in {group}"));
        let result = result(decision, binding.standing, &ReasonSource::Binding(binding.id.clone()));
        let mut row = vec![result, binding.id.clone(), counts];
        if details {
            row.push(format!("{} {}", binding.plugin.name, binding.plugin.version));
            row.push(binding.receipt.as_ref().map_or_else(String::new, |receipt| {
                let Receipt { fuel, host_effort, wall_time_us, .. } = receipt;
                format!("{fuel} fuel, host effort {host_effort}, {wall_time_us} µs")
            }));
        }
        row.push(why(decision, binding));
        rows.push(row);
    }
    for group in &decision.groups {
        let source = ReasonSource::Group(group.id.clone());
        let mut row =
            vec![result(decision, group.standing, &source), group.id.clone(), group.enforcement.as_str().to_owned()];
        if details {
            row.extend([String::new(), String::new()]);
        }
        row.push(match explain::exception(decision, &source) {
            Some((_, why)) => print::line(why).into_owned(),
            None if group.standing == Standing::Allow => group.message.clone(),
            None => group.expression.clone(),
        });
        rows.push(row);
    }
    let mut titles = vec!["result", "binding", "enforcement"];
    if details {
        titles.extend(["plugin", "used"]);
    }
    titles.push("why");
    grid(&titles, rows)
}

/// The standing of a binding or group, and the exception that applies to it.
fn result(decision: &Decision, standing: Standing, source: &ReasonSource) -> String {
    match explain::exception(decision, source) {
        Some((code, _)) => styled(FAINT, format!("{}, {}", standing.as_str(), code.code())),
        None => styled(terminal::of_standing(standing), standing.as_str()),
    }
}

/// Why a binding has its result. Blocking reasons were shown in full before; here are only their codes.
fn why(decision: &Decision, binding: &BindingOutcome) -> String {
    let own = |source: &ReasonSource| matches!(source, ReasonSource::Binding(id) if *id == binding.id);
    if let Some((_, why)) = explain::exception(decision, &ReasonSource::Binding(binding.id.clone())) {
        return print::line(why).into_owned();
    }
    let mut codes: Vec<&str> = Vec::new();
    for reason in decision.reasons.iter().filter(|reason| reason.blocking && own(&reason.source)) {
        if !codes.contains(&reason.code.as_str()) {
            codes.push(&reason.code);
        }
    }
    if !codes.is_empty() {
        return codes.join(", ");
    }
    let first = decision.reasons.iter().find(|reason| own(&reason.source));
    first.map(|reason| print::line(&reason.message).into_owned()).unwrap_or_default()
}

fn logs(decision: &Decision) -> Option<String> {
    let mut lines = Vec::new();
    for binding in &decision.bindings {
        for line in &binding.log {
            let level = format!("{:?}", line.level).to_lowercase();
            lines.push(format!("  {} {level}: {}", binding.id, print::line(&line.message)));
        }
        if binding.log_dropped > 0 {
            lines.push(format!("  {}: and {}", binding.id, counted(binding.log_dropped, "more line", "more lines")));
        }
    }
    (!lines.is_empty()).then(|| format!("{}\n{}", styled(STRONG, "logged"), lines.join("\n")))
}

/// The verdict, in the last lines, where people look first.
fn closing(decision: &Decision, details: bool) -> String {
    let blockers = if decision.verdict == Verdict::Allow { String::new() } else { blockers(decision) };
    let mut lines = vec![format!("{}{blockers}", verdict(decision))];
    for (binding, obligations) in &decision.obligations {
        lines.extend(
            obligations
                .iter()
                .map(|obligation| format!("  obligation ({binding}): {}", print::line(&obligation.message))),
        );
    }
    let ModelRef { id, version, chosen_because, .. } = &decision.model;
    let chosen = if details { format!(", {chosen_because}") } else { String::new() };
    lines.push(styled(FAINT, format!("{} · {id} {version}{chosen}", decision.id)));
    lines.join("\n")
}

/// The bindings and groups that block the deployment.
fn blockers(decision: &Decision) -> String {
    let mut names: Vec<&str> = Vec::new();
    for reason in decision.reasons.iter().filter(|reason| reason.blocking) {
        let name = explain::source_name(&reason.source);
        let is_member = decision.bindings.iter().any(|binding| binding.id == name && binding.group.is_some());
        if !is_member && !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() { String::new() } else { format!(" (blocked by {})", names.join(", ")) }
}
