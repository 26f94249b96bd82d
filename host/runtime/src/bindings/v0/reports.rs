//! Converts the reports of validation checks.

use std::collections::BTreeSet;

use lockgate_domain::{Advice, CheckOutcome, Exhibit, Measurement, Report, Timestamp};

use super::answers::{finding, requirement};
use super::check;
use super::generated::lockgate::types::types as wit;
use super::intake::{AnswerIntake, AnswerPath, Conversion, excerpt};

/// Converts the report of a check. `failed` and `inconclusive` have at least one finding, `pending` says what it waits
/// for, and the names of measurements and of exhibits are unique.
pub(crate) fn report(intake: &mut AnswerIntake, report: check::Report) -> Conversion<Report> {
    let outcome = match report.outcome {
        check::Outcome::Passed => CheckOutcome::Passed,
        check::Outcome::Failed => CheckOutcome::Failed,
        check::Outcome::Pending => CheckOutcome::Pending,
        check::Outcome::Inconclusive => CheckOutcome::Inconclusive,
        check::Outcome::Skipped => CheckOutcome::Skipped,
    };
    let findings = AnswerPath::Root("findings");
    if report.findings.is_empty() && matches!(outcome, CheckOutcome::Failed | CheckOutcome::Inconclusive) {
        let outcome = outcome.as_str();
        return findings.broken(format_args!("is empty: the outcome `{outcome}` needs at least one finding"));
    }
    let requirements = AnswerPath::Root("requirements");
    match outcome {
        CheckOutcome::Pending if report.requirements.is_empty() && report.again.is_none() => {
            return requirements.broken("is empty: the outcome `pending` needs a requirement, or a time in `again`");
        }
        CheckOutcome::Passed | CheckOutcome::Skipped if !report.requirements.is_empty() => {
            let outcome = outcome.as_str();
            return requirements.broken(format_args!("is not empty: the outcome `{outcome}` needs nothing"));
        }
        _ => {}
    }
    let measurements = AnswerPath::Root("measurements");
    let exhibits = AnswerPath::Root("exhibits");
    let report = Report {
        outcome,
        summary: intake.some_text(&AnswerPath::Root("summary"), report.summary)?,
        findings: intake.each(&findings, report.findings, finding)?,
        requirements: intake.each(&requirements, report.requirements, requirement)?,
        measurements: intake.each(&measurements, report.measurements, measurement)?,
        exhibits: intake.each(&exhibits, report.exhibits, exhibit)?,
        advice: report.advice.map(|advice| match advice {
            check::Advice::GoOn => Advice::GoOn,
            check::Advice::Wait => Advice::Wait,
            check::Advice::GoBack => Advice::GoBack,
            check::Advice::Patch => Advice::Patch,
        }),
        again: report.again.map(Timestamp::from_millis),
    };
    distinct(&measurements, report.measurements.iter().map(|measurement| measurement.name.as_str()))?;
    distinct(&exhibits, report.exhibits.iter().map(|exhibit| exhibit.name.as_str()))?;
    Ok(report)
}

/// Checks that no name stands twice.
fn distinct<'a>(at: &AnswerPath<'_>, names: impl Iterator<Item = &'a str>) -> Conversion<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return at.broken(format_args!("has two entries named `{}`", excerpt(name)));
        }
    }
    Ok(())
}

fn measurement(
    intake: &mut AnswerIntake,
    at: &AnswerPath<'_>,
    measurement: wit::Measurement,
) -> Conversion<Measurement> {
    Ok(Measurement {
        name: intake.some_text(&AnswerPath::Field(at, "name"), measurement.name)?,
        value: intake.number(&AnswerPath::Field(at, "value"), measurement.value)?,
        unit: intake.some_text(&AnswerPath::Field(at, "unit"), measurement.unit)?,
        at_least: intake.optional(&AnswerPath::Field(at, "at-least"), measurement.at_least, AnswerIntake::number)?,
        at_most: intake.optional(&AnswerPath::Field(at, "at-most"), measurement.at_most, AnswerIntake::number)?,
        samples: measurement.samples,
    })
}

fn exhibit(intake: &mut AnswerIntake, at: &AnswerPath<'_>, exhibit: wit::Exhibit) -> Conversion<Exhibit> {
    Ok(Exhibit {
        name: intake.some_text(&AnswerPath::Field(at, "name"), exhibit.name)?,
        title: intake.some_text(&AnswerPath::Field(at, "title"), exhibit.title)?,
        content: intake.document(&AnswerPath::Field(at, "content"), exhibit.content)?,
    })
}
