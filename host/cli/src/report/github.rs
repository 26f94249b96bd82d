//! Annotations for the log of a GitHub workflow: workflow commands, which the runner shows beside the file.

use super::{Told, explain};
use crate::diagnostic::{Diagnostic, Tone};

/// One command for each diagnostic, and one notice for each gate.
pub(super) fn tell(told: &Told<'_>) -> String {
    let mut lines = Vec::new();
    for decision in told.decisions {
        lines.extend(explain::diagnostics(decision, told.documents).iter().map(command));
        lines.push(format!(
            "::notice title={}::{}",
            property("Lockgate"),
            data(&format!("{}: {}", decision.gate, decision.verdict))
        ));
    }
    lines.join("\n")
}

fn command(diagnostic: &Diagnostic) -> String {
    let kind = if diagnostic.tone == Tone::Warning { "warning" } else { "error" };
    let mut properties = Vec::new();
    if let Some(place) = &diagnostic.place {
        let (line, column) = place.source.position(place.span.start);
        properties.push(format!("file={}", property(&place.source.name)));
        properties.push(format!("line={line}"));
        properties.push(format!("col={column}"));
    }
    properties.push(format!("title={}", property(diagnostic.code.as_deref().unwrap_or("lockgate"))));
    let mut message = diagnostic.title.clone();
    for line in diagnostic.notes.iter().chain(&diagnostic.helps) {
        message.push('\n');
        message.push_str(line);
    }
    format!("::{kind} {}::{}", properties.join(","), data(&message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
