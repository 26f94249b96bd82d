//! For people.

use lockgate_domain::{BindingOutcome, Decision, ReasonSource, Verdict};
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::peaker::Priority;
use tabled::settings::{Modify, Padding, Style, Width};

use super::{Told, explain};
use crate::terminal::{self, FAINT, STRONG, styled};

/// All decisions, one after the other.
pub(super) fn tell(told: &Told<'_>) -> String {
    let mut text = String::new();
    for (index, decision) in told.decisions.iter().enumerate() {
        if index > 0 {
            text.push_str("\n\n");
        }
        text.push_str(&one(decision, told));
    }
    text
}

fn one(decision: &Decision, told: &Told<'_>) -> String {
    let mut parts = Vec::new();
    for diagnostic in explain::diagnostics(decision, told.documents) {
        parts.push(diagnostic.render());
    }
    if !decision.bindings.is_empty() {
        parts.push(asked(decision, told.details));
    }
    if told.details {
        parts.extend(logs(decision));
    }
    parts.push(closing(decision));
    parts.join("\n\n")
}

/// What each binding and group says.
fn asked(decision: &Decision, details: bool) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for binding in &decision.bindings {
        let counts = binding.group.as_ref().map_or_else(
            || binding.enforcement.as_str().to_owned(),
            |group| format!("in {group}"),
        );
        let standing = styled(terminal::of_standing(binding.standing), binding.standing.as_str());
        let mut row = vec![standing, binding.id.clone(), counts];
        if details {
            row.push(format!("{} {}", binding.plugin.name, binding.plugin.version));
            row.push(binding.receipt.as_ref().map_or_else(String::new, |receipt| {
                format!("{} fuel, {} µs", receipt.fuel, receipt.wall_time_us)
            }));
        }
        row.push(why(decision, binding));
        rows.push(row);
    }
    for group in &decision.groups {
        let standing = styled(terminal::of_standing(group.standing), group.standing.as_str());
        let mut row = vec![standing, group.id.clone(), group.enforcement.as_str().to_owned()];
        if details {
            row.extend([String::new(), String::new()]);
        }
        row.push(group.message.clone());
        rows.push(row);
    }
    let mut head = vec!["says", "binding", "enforcement"];
    if details {
        head.extend(["plugin", "used"]);
    }
    head.push("why");
    grid(&head, rows)
}

/// The first reason that a binding gives.
fn why(decision: &Decision, binding: &BindingOutcome) -> String {
    let own = |source: &ReasonSource| matches!(source, ReasonSource::Binding(id) if *id == binding.id);
    let first = decision.reasons.iter().find(|reason| own(&reason.source));
    first.map(|reason| reason.message.clone()).unwrap_or_default()
}

fn logs(decision: &Decision) -> Option<String> {
    let mut lines = Vec::new();
    for binding in &decision.bindings {
        for line in &binding.log {
            lines.push(format!("  {} {:?}: {}", binding.id, line.level, line.message).to_lowercase());
        }
        if binding.log_dropped > 0 {
            lines.push(format!("  {}: and {} more lines", binding.id, binding.log_dropped));
        }
    }
    (!lines.is_empty()).then(|| format!("{}\n{}", styled(STRONG, "logged"), lines.join("\n")))
}

/// The verdict, in the last lines, where people look first.
fn closing(decision: &Decision) -> String {
    let verdict = styled(terminal::of_verdict(decision.verdict), decision.verdict);
    let gate = styled(STRONG, decision.gate);
    let because = if decision.verdict == Verdict::Allow { String::new() } else { because(decision) };
    let mut lines = vec![format!("{gate}: {verdict}{because}")];
    for (binding, obligations) in &decision.obligations {
        lines.extend(obligations.iter().map(|obligation| format!("  on condition ({binding}): {}", obligation.message)));
    }
    lines.push(styled(
        FAINT,
        format!(
            "{} · {} {}, {}",
            decision.id, decision.model.id, decision.model.version, decision.model.chosen_because
        ),
    ));
    lines.join("\n")
}

fn because(decision: &Decision) -> String {
    let mut names: Vec<&str> = Vec::new();
    for reason in decision.reasons.iter().filter(|reason| reason.blocking) {
        let name = explain::source_name(&reason.source);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() { String::new() } else { format!(", because of {}", names.join(", ")) }
}

/// Rows below a head, without lines, as wide as the terminal at most; what does not fit is wrapped.
pub(crate) fn grid(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut builder = Builder::default();
    builder.push_record(head.iter().map(|title| styled(FAINT, title)));
    for row in rows {
        builder.push_record(row);
    }
    finish(builder)
}

/// Names and what they mean, without a head.
pub(crate) fn fields(rows: Vec<(&str, String)>) -> String {
    let mut builder = Builder::default();
    for (name, value) in rows {
        builder.push_record([styled(FAINT, name), value]);
    }
    finish(builder)
}

fn finish(builder: Builder) -> String {
    let mut table = builder.build();
    table
        .with(Style::empty())
        .with(Padding::new(0, 2, 0, 0))
        .with(Modify::new(Columns::first()).with(Padding::new(2, 2, 0, 0)))
        .with(Width::wrap(terminal::width()).keep_words(true).priority(Priority::max(true)));
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
