//! What the report of a check says besides its outcome and findings: what it measured, what it advises, and when to run it again.

use lockgate_domain::{Advice, BindingAnswer, Decision, Measurement, Report, counted};

use super::words::number;

/// `stable: 34 min, at least 60 min (34 samples)`.
pub(super) fn measurement(measurement: &Measurement) -> String {
    let Measurement { name, value, unit, at_least, at_most, samples } = measurement;
    // UCUM writes `1` for numbers without a unit.
    let quantity = |value: f64| match unit.as_str() {
        "1" | "" => number(value),
        unit => format!("{} {unit}", number(value)),
    };
    let bounds = match (at_least, at_most) {
        (Some(least), Some(most)) => format!(", from {} to {}", quantity(*least), quantity(*most)),
        (Some(least), None) => format!(", at least {}", quantity(*least)),
        (None, Some(most)) => format!(", at most {}", quantity(*most)),
        (None, None) => String::new(),
    };
    let required = if bounds.is_empty() { "" } else { " required" };
    format!("{name}: {}{bounds}{required} ({})", quantity(*value), counted(*samples, "sample", "samples"))
}

/// Whether the value lies outside of the bounds that the check compared it with.
pub(super) fn is_out_of_bounds(measurement: &Measurement) -> bool {
    let Measurement { value, at_least, at_most, .. } = measurement;
    at_least.is_some_and(|least| *value < least) || at_most.is_some_and(|most| *value > most)
}

/// The reports of all checks of a decision, by binding.
pub(super) fn reports(decision: &Decision) -> impl Iterator<Item = (&str, &Report)> {
    decision.bindings.iter().filter_map(|binding| match &binding.answer {
        BindingAnswer::Check(report) => Some((binding.id.as_str(), report)),
        _ => None,
    })
}

/// Everything that the check reported besides its findings, a line each.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = report.measurements.iter().map(measurement).collect();
    lines.extend(report.advice.map(|advice| format!("advice: {}", in_words(advice))));
    lines.extend(report.again.map(|again| format!("a new run can give another outcome after {again}")));
    lines
}

fn in_words(advice: Advice) -> &'static str {
    match advice {
        Advice::GoOn => "go on",
        Advice::Wait => "wait",
        Advice::GoBack => "take the way back",
        Advice::Patch => "stay, and repair it by a further release",
    }
}
