//! SARIF 2.1.0, for the tools that show findings beside the code.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Told, explain};
use crate::diagnostic::{Diagnostic, Place, Tone};

/// One run, with one result for each diagnostic.
pub(super) fn tell(told: &Told<'_>) -> Value {
    let of = |decision| {
        let diagnostics = explain::diagnostics(decision, told.documents);
        diagnostics.into_iter().map(move |diagnostic| (decision, diagnostic))
    };
    let found: Vec<_> = told.decisions.iter().flat_map(of).collect();
    let rules: BTreeSet<&str> = found.iter().map(|(_, diagnostic)| rule(diagnostic)).collect();
    let results: Vec<Value> = found
        .iter()
        .map(|(decision, diagnostic)| {
            json!({
                "ruleId": rule(diagnostic),
                "level": if diagnostic.tone == Tone::Warning { "warning" } else { "error" },
                "message": { "text": text(diagnostic) },
                "locations": diagnostic.place.iter().map(location).collect::<Vec<_>>(),
                "properties": {
                    "gate": decision.gate.to_string(),
                    "verdict": decision.verdict.as_str(),
                    "decision": decision.id,
                },
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "lockgate",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.into_iter().map(|id| json!({ "id": id })).collect::<Vec<_>>(),
            }},
            "results": results,
        }],
    })
}

fn rule(diagnostic: &Diagnostic) -> &str {
    diagnostic.code.as_deref().unwrap_or("lockgate")
}

fn text(diagnostic: &Diagnostic) -> String {
    let mut lines = vec![diagnostic.title.as_str()];
    lines.extend(diagnostic.notes.iter().chain(&diagnostic.helps).map(String::as_str));
    lines.join("\n")
}

fn location(place: &Place) -> Value {
    let (line, column) = place.source.position(place.span.start);
    let (end_line, end_column) = place.source.position(place.span.end);
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&place.source.name) },
            "region": { "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column },
        },
    })
}

/// A path as a URI reference: everything that could mean something else in it is escaped.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn a_path_with_odd_characters_is_a_valid_uri_reference() {
        assert_eq!(uri("a b/50%, é#1?.json"), "a%20b/50%25%2C%20%C3%A9%231%3F.json");
        assert_eq!(uri("examples/new-version/deployment.json"), "examples/new-version/deployment.json");
    }
}
