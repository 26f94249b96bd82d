//! Converts the reports of validation checks.

use lockgate_domain::{CheckOutcome, Exhibit, Finding, Report, Severity};

use super::answers::violation;
use super::check;
use super::generated::lockgate::types::types as wit;
use super::intake::{AnswerIntake, AnswerPath, Conversion, excerpt};

/// Converts the report of a check. `failed` and `inconclusive` have at least one finding, and the names of exhibits are unique.
pub(crate) fn report(intake: &mut AnswerIntake, report: check::Report) -> Conversion<Report> {
    let outcome = match report.outcome {
        check::Outcome::Passed => CheckOutcome::Passed,
        check::Outcome::Failed => CheckOutcome::Failed,
        check::Outcome::Inconclusive => CheckOutcome::Inconclusive,
        check::Outcome::Skipped => CheckOutcome::Skipped,
    };
    let findings = AnswerPath::Root("findings");
    if report.findings.is_empty() && matches!(outcome, CheckOutcome::Failed | CheckOutcome::Inconclusive) {
        let outcome = outcome.as_str();
        return findings.broken(format_args!("is empty: the outcome `{outcome}` needs at least one finding"));
    }
    let exhibits = AnswerPath::Root("exhibits");
    let report = Report {
        outcome,
        summary: intake.some_text(&AnswerPath::Root("summary"), report.summary)?,
        findings: intake.each(&findings, report.findings, finding)?,
        exhibits: intake.each(&exhibits, report.exhibits, exhibit)?,
    };
    let mut seen = std::collections::BTreeSet::new();
    match report.exhibits.iter().find(|exhibit| !seen.insert(&exhibit.name)) {
        Some(twice) => exhibits.broken(format_args!("has two entries named `{}`", excerpt(&twice.name))),
        None => Ok(report),
    }
}

pub(super) fn severity(severity: wit::Severity) -> Severity {
    match severity {
        wit::Severity::Info => Severity::Info,
        wit::Severity::Low => Severity::Low,
        wit::Severity::Medium => Severity::Medium,
        wit::Severity::High => Severity::High,
        wit::Severity::Critical => Severity::Critical,
    }
}

fn finding(intake: &mut AnswerIntake, at: &AnswerPath<'_>, finding: check::Finding) -> Conversion<Finding> {
    let severity = severity(finding.severity);
    Ok(Finding { severity, violation: violation(intake, &AnswerPath::Field(at, "violation"), finding.violation)? })
}

fn exhibit(intake: &mut AnswerIntake, at: &AnswerPath<'_>, exhibit: check::Exhibit) -> Conversion<Exhibit> {
    Ok(Exhibit {
        name: intake.some_text(&AnswerPath::Field(at, "name"), exhibit.name)?,
        content: intake.document(&AnswerPath::Field(at, "content"), exhibit.content)?,
    })
}
