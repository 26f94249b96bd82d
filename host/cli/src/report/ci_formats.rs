//! The formats that CI systems read: JUnit, SARIF, and the workflow commands of GitHub.

use std::collections::BTreeSet;

use lockgate_domain::{Decision, Enforcement, ReasonSource, Standing};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use super::check;
use super::documents::DecisionReport;
use super::explain::{self, Explainer};
use super::requirement::obligation_lines;
use crate::diagnostic::{Diagnostic, DiagnosticLevel, SourceLocation};
use crate::print;

/// JUnit XML: one suite for each gate, one case for each binding and group, and one for the host's own rules.
pub(super) fn junit(report: &DecisionReport<'_>) -> anyhow::Result<String> {
    let mut junit = Report::new("lockgate");
    junit.add_test_suites(report.decisions.iter().map(|decision| junit_suite(decision, report)));
    Ok(junit.to_string()?.trim_end().to_owned())
}

fn junit_suite(decision: &Decision, report: &DecisionReport<'_>) -> TestSuite {
    let explainer = Explainer::new(decision, report);
    let mut suite = TestSuite::new(decision.gate.to_string());
    let host = decision.reasons.iter().any(|reason| reason.source == ReasonSource::Host && reason.blocking);
    let standing = if host { Standing::Deny } else { Standing::Allow };
    suite.add_test_case(junit_case(decision, &explainer, &ReasonSource::Host, standing, Enforcement::HardMandatory));
    for binding in &decision.bindings {
        let source = ReasonSource::Binding(binding.id.clone());
        // A member of a group does not fail by itself: the case of the group does.
        let enforcement = if binding.group.is_some() { Enforcement::Advisory } else { binding.enforcement };
        suite.add_test_case(junit_case(decision, &explainer, &source, binding.standing, enforcement));
    }
    for group in &decision.groups {
        let source = ReasonSource::Group(group.id.clone());
        suite.add_test_case(junit_case(decision, &explainer, &source, group.standing, group.enforcement));
    }
    suite
}

fn junit_case(
    decision: &Decision,
    explainer: &Explainer<'_>,
    source: &ReasonSource,
    standing: Standing,
    enforcement: Enforcement,
) -> TestCase {
    let first = decision.reasons.iter().find(|reason| reason.source == *source);
    let lines: Vec<String> = explainer.lines_of(source).iter().map(|line| in_xml(line)).collect();
    let text = lines.join("\n");
    let status = match standing {
        Standing::Allow => TestCaseStatus::success(),
        Standing::NotApplicable => TestCaseStatus::skipped(),
        _ if enforcement == Enforcement::Advisory => TestCaseStatus::success(),
        // An exception applies: the text says which.
        _ if explain::exception(decision, source).is_some() => TestCaseStatus::success(),
        Standing::Deny | Standing::Pending => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Standing::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let passed = matches!(status, TestCaseStatus::Success { .. });
    let mut case = TestCase::new(explain::source_name(source), status);
    case.set_classname(decision.gate.to_string());
    if passed {
        if !text.is_empty() {
            case.set_system_out(text);
        }
    } else {
        case.status.set_type(standing.as_str());
        case.status.set_message(first.map_or_else(String::new, |reason| in_xml(&explainer.sentence(reason))));
        case.status.set_description(text);
    }
    case
}

/// Replaces the two characters that XML cannot contain in any form.
fn in_xml(text: &str) -> String {
    print::line(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

/// SARIF 2.1.0, for the tools that show findings beside the code: one run, with one result for each diagnostic.
pub(super) fn sarif(report: &DecisionReport<'_>) -> Value {
    let of = |decision| {
        let diagnostics = Explainer::new(decision, report).diagnostics();
        diagnostics.into_iter().map(move |diagnostic| (decision, diagnostic))
    };
    let found: Vec<_> = report.decisions.iter().flat_map(of).collect();
    let rules: BTreeSet<&str> = found.iter().map(|(_, diagnostic)| sarif_rule(diagnostic)).collect();
    let results: Vec<Value> = found
        .iter()
        .map(|(decision, diagnostic)| {
            json!({
                "ruleId": sarif_rule(diagnostic),
                "level": if diagnostic.level == DiagnosticLevel::Warning { "warning" } else { "error" },
                "message": { "text": sarif_text(diagnostic) },
                "locations": diagnostic.location.iter().map(sarif_location).collect::<Vec<_>>(),
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

fn sarif_rule(diagnostic: &Diagnostic) -> &str {
    diagnostic.code.as_deref().unwrap_or("lockgate")
}

fn sarif_text(diagnostic: &Diagnostic) -> String {
    let mut lines = vec![diagnostic.title.as_str()];
    lines.extend(diagnostic.notes.iter().chain(&diagnostic.helps).map(String::as_str));
    lines.join("\n")
}

fn sarif_location(location: &SourceLocation) -> Value {
    let (line, column) = location.source.position(location.span.start);
    let (end_line, end_column) = location.source.position(location.span.end);
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&location.source.name) },
            "region": { "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column },
        },
    })
}

/// A path as a URI reference, escaped.
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

/// Annotations for the log of a GitHub workflow: workflow commands, which the runner shows beside the file. One for each
/// diagnostic, remark and obligation, and one notice for each gate. With details, also one for each check.
pub(super) fn github(report: &DecisionReport<'_>) -> String {
    let mut lines = Vec::new();
    for decision in report.decisions {
        let explainer = Explainer::new(decision, report);
        lines.extend(explainer.diagnostics().iter().chain(&explainer.remarks()).map(github_command));
        for (binding, obligations) in &decision.obligations {
            lines.extend(obligations.iter().map(|obligation| {
                let text = obligation_lines(obligation, report.details);
                github_notice(&format!("{binding}/{}", obligation.code), "obligation: ", &text)
            }));
        }
        for (binding, reported) in check::reports(decision).filter(|_| report.details) {
            let text = check::lines(reported);
            lines.extend((!text.is_empty()).then(|| github_notice(binding, "", &text)));
        }
        lines.push(github_notice("Lockgate", "", &[format!("{}: {}", decision.gate, decision.verdict)]));
    }
    lines.join("\n")
}

fn github_notice(title: &str, label: &str, lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| print::line(line)).collect();
    format!("::notice title={}::{label}{}", github_property(title), github_data(&lines.join("\n")))
}

fn github_command(diagnostic: &Diagnostic) -> String {
    let (kind, label) = match diagnostic.level {
        DiagnosticLevel::Error | DiagnosticLevel::Pending => ("error", ""),
        DiagnosticLevel::Warning => ("warning", ""),
        DiagnosticLevel::Remark => ("notice", "remark: "),
    };
    let mut properties = Vec::new();
    if let Some(location) = &diagnostic.location {
        let (line, column) = location.source.position(location.span.start);
        properties.push(format!("file={}", github_property(&location.source.name)));
        properties.push(format!("line={line}"));
        properties.push(format!("col={column}"));
    }
    properties.push(format!("title={}", github_property(diagnostic.code.as_deref().unwrap_or("lockgate"))));
    let mut message = diagnostic.title.clone();
    for line in diagnostic.notes.iter().chain(&diagnostic.helps) {
        message.push('\n');
        message.push_str(line);
    }
    format!("::{kind} {}::{label}{}", properties.join(","), github_data(&message))
}

fn github_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn github_property(text: &str) -> String {
    github_data(text).replace(':', "%3A").replace(',', "%2C")
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
