//! JUnit XML: one suite for each gate, one case for each binding and group, and one for the host's own rules.

use lockgate_domain::{Decision, Enforcement, ReasonSource, Standing};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Told, explain};
use crate::print;

/// The XML.
pub(super) fn tell(told: &Told<'_>) -> anyhow::Result<String> {
    let mut report = Report::new("lockgate");
    report.add_test_suites(told.decisions.iter().map(suite));
    Ok(report.to_string()?.trim_end().to_owned())
}

fn suite(decision: &Decision) -> TestSuite {
    let mut suite = TestSuite::new(decision.gate.to_string());
    let host = decision.reasons.iter().any(|reason| reason.source == ReasonSource::Host && reason.blocking);
    let standing = if host { Standing::Deny } else { Standing::Allow };
    suite.add_test_case(case(decision, &ReasonSource::Host, standing, Enforcement::HardMandatory));
    for binding in &decision.bindings {
        let source = ReasonSource::Binding(binding.id.clone());
        // A member of a group does not count by itself: the group's own case fails.
        let enforcement = if binding.group.is_some() { Enforcement::Advisory } else { binding.enforcement };
        suite.add_test_case(case(decision, &source, binding.standing, enforcement));
    }
    for group in &decision.groups {
        let source = ReasonSource::Group(group.id.clone());
        suite.add_test_case(case(decision, &source, group.standing, group.enforcement));
    }
    suite
}

fn case(decision: &Decision, source: &ReasonSource, standing: Standing, enforcement: Enforcement) -> TestCase {
    let own: Vec<_> = decision.reasons.iter().filter(|reason| reason.source == *source).collect();
    let text =
        own.iter().map(|reason| format!("{}: {}", reason.code, in_xml(&reason.message))).collect::<Vec<_>>().join("\n");
    let status = match standing {
        Standing::Allow => TestCaseStatus::success(),
        Standing::NotApplicable => TestCaseStatus::skipped(),
        _ if enforcement == Enforcement::Advisory => TestCaseStatus::success(),
        // It does not count: the text says why.
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
        case.status.set_message(own.first().map_or_else(String::new, |reason| in_xml(&reason.message)));
        case.status.set_description(text);
    }
    case
}

/// XML has no place for these two characters, in whatever form.
fn in_xml(text: &str) -> String {
    print::line(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}
