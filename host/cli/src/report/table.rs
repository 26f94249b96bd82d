//! Decisions as text for people.

use lockgate_domain::{
    BindingAnswer, BindingOutcome, Decision, ModelRef, PolicyVerdict, ReasonSource, Receipt, Standing, Verdict, counted,
};

use super::check;
use super::documents::DecisionReport;
use super::explain::{self, Explainer};
use super::requirement::{Ways, obligation_lines};
use crate::diagnostic::Diagnostic;
use crate::layout::grid;
use crate::print;
use crate::terminal::{self, FAINT, STRONG, indented, styled};

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
            passed.extend(obligations(decision, report.details));
        }
    }
    parts.extend((!passed.is_empty()).then(|| passed.join("\n")));
    parts.join("\n\n")
}

fn decision_text(decision: &Decision, report: &DecisionReport<'_>) -> String {
    let explainer = Explainer::new(decision, report);
    let remarks = explainer.remarks();
    let mut parts: Vec<String> = explainer.diagnostics().iter().map(Diagnostic::render).collect();
    if report.details {
        parts.extend(remarks.iter().map(Diagnostic::render));
    }
    if !decision.bindings.is_empty() {
        parts.push(outcomes(decision, report.details));
    }
    if report.details {
        parts.extend(measured(decision));
        parts.extend(logs(decision));
    } else {
        parts.extend(short_remarks(&remarks));
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
    if let BindingAnswer::Policy(answer) = &binding.answer
        && answer.verdict == PolicyVerdict::Require
        && let Some(choice) = Ways::of(&answer.requirements).choice()
    {
        return print::line(&choice).into_owned();
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
    // Findings of an answer that does not stop the deployment are remarks and not why.
    let are_remarks = matches!(binding.standing, Standing::Allow | Standing::NotApplicable);
    let mut reasons = decision.reasons.iter().filter(|reason| own(&reason.source));
    let first = reasons.find(|reason| !are_remarks || reason.severity.is_none());
    first.map(|reason| print::line(&reason.message).into_owned()).unwrap_or_default()
}

/// The most remarks that are shown without details.
const MOST_REMARKS: usize = 10;

/// A row for each remark.
fn short_remarks(remarks: &[Diagnostic]) -> Option<String> {
    let row = |remark: &Diagnostic| vec![remark.code.clone().unwrap_or_default(), remark.title.clone()];
    let mut rows: Vec<Vec<String>> = remarks.iter().take(MOST_REMARKS).map(row).collect();
    if remarks.len() > MOST_REMARKS {
        let more = counted(remarks.len() - MOST_REMARKS, "more remark", "more remarks");
        rows.push(vec!["…".to_owned(), format!("{more}: `-v` shows all")]);
    }
    (!rows.is_empty()).then(|| grid(&["remark", "what"], rows))
}

/// A row for each measurement and advice of a check.
fn measured(decision: &Decision) -> Option<String> {
    let rows = check::reports(decision).flat_map(|(binding, report)| {
        check::lines(report).into_iter().map(|line| vec![binding.to_owned(), print::line(&line).into_owned()])
    });
    let rows: Vec<Vec<String>> = rows.collect();
    (!rows.is_empty()).then(|| grid(&["check", "reported"], rows))
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
    lines.extend(obligations(decision, details));
    let ModelRef { id, version, chosen_because, .. } = &decision.model;
    let chosen = if details { format!(", {chosen_because}") } else { String::new() };
    lines.push(styled(FAINT, format!("{} · {id} {version}{chosen}", decision.id)));
    lines.join("\n")
}

/// What has to be done from now on, and under each obligation who does it and when.
fn obligations(decision: &Decision, details: bool) -> Vec<String> {
    let all = decision.obligations.iter();
    let all = all.flat_map(|(binding, obligations)| obligations.iter().map(move |obligation| (binding, obligation)));
    let mut lines = Vec::new();
    for (binding, obligation) in all {
        for (index, line) in obligation_lines(obligation, details).iter().enumerate() {
            let line = print::line(line);
            lines.push(match index {
                0 => format!("  obligation ({binding}): {line}"),
                _ => indented(&line, "    "),
            });
        }
    }
    lines
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
