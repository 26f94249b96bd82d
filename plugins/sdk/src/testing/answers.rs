//! What the tests of a plugin ask it, and how they read its answers.

#![expect(clippy::panic, reason = "only tests use it, and they fail by panicking")]

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Fixture, configure};
use crate::{Answer, ApprovalPolicy, Finding, Outcome, Plugin, Report, Requirement, ValidationCheck};

/// The plugin with these settings.
///
/// # Panics
/// If the settings are refused.
pub fn configured<P: Plugin>(settings: &str) -> P {
    configure(settings).unwrap_or_else(|findings| panic!("{settings}: {findings:?}"))
}

/// What a check with these settings reports of the fixture.
///
/// # Panics
/// If the settings are refused, the check cannot run, or it requires something without naming its owner.
pub fn report_of<C: ValidationCheck>(settings: &str, fixture: &Fixture) -> Report {
    let report = configured::<C>(settings).run(&fixture.evaluation());
    owned(report.unwrap_or_else(|error| panic!("{settings}: {error:?}")))
}

/// What a policy with these settings answers about the fixture.
///
/// # Panics
/// If the settings are refused, the policy cannot answer, or it requires something without naming its owner.
pub fn answer_of<A: ApprovalPolicy>(settings: &str, fixture: &Fixture) -> Answer {
    let answer = configured::<A>(settings).decide(&fixture.evaluation());
    owned(answer.unwrap_or_else(|error| panic!("{settings}: {error:?}")))
}

/// The outcome, and the code and the first place of each finding.
pub fn outcome_and_findings(report: &Report) -> (Outcome, Vec<(&str, &str)>) {
    let findings = report.findings.iter();
    let findings = findings
        .map(|finding| (finding.code.as_str(), finding.pointers.first().map(String::as_str).unwrap_or_default()));
    (report.outcome, findings.collect())
}

/// The entry of a register, as a snapshot has it.
///
/// # Panics
/// If the value is no such entry.
pub fn register_entry<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}"))
}

/// A report or an answer, which asks for things and says why.
pub trait Requiring {
    /// The requirements, each with the code of its finding or, if it stands by itself, with its own.
    fn required(&self) -> Vec<(&str, &Requirement)>;

    /// The codes of all findings, reasons, and requirements that stand by themselves.
    fn codes(&self) -> BTreeSet<&str>;
}

impl Requiring for Report {
    fn required(&self) -> Vec<(&str, &Requirement)> {
        required(&self.findings, &self.requirements)
    }

    fn codes(&self) -> BTreeSet<&str> {
        codes(&self.findings, &self.requirements).collect()
    }
}

impl Requiring for Answer {
    fn required(&self) -> Vec<(&str, &Requirement)> {
        required(&self.findings, &self.requirements)
    }

    fn codes(&self) -> BTreeSet<&str> {
        let reasons = self.reasons.iter().map(|reason| reason.code.as_str());
        codes(&self.findings, &self.requirements).chain(reasons).collect()
    }
}

fn required<'a>(findings: &'a [Finding], requirements: &'a [Requirement]) -> Vec<(&'a str, &'a Requirement)> {
    let remedies = findings.iter().flat_map(|one| one.remedies.iter().map(|remedy| (one.code.as_str(), remedy)));
    remedies.chain(requirements.iter().map(|one| (one.code.as_str(), one))).collect()
}

fn codes<'a>(findings: &'a [Finding], requirements: &'a [Requirement]) -> impl Iterator<Item = &'a str> {
    findings.iter().map(|one| one.code.as_str()).chain(requirements.iter().map(|one| one.code.as_str()))
}

/// Checks that everything that is required has an owner, and returns the answer.
fn owned<R: Requiring>(answer: R) -> R {
    let unowned: BTreeSet<&str> = answer
        .required()
        .into_iter()
        .filter(|(_, one)| one.owner.as_deref().is_none_or(str::is_empty))
        .map(|(code, _)| code)
        .collect();
    assert!(unowned.is_empty(), "these codes require something, and do not name its owner: {unowned:?}");
    answer
}

/// The codes in a plugin's README: what stands between backticks in the columns with this title.
pub fn codes_of_readme<'a>(readme: &'a str, title: &str) -> BTreeSet<&'a str> {
    let mut codes = BTreeSet::new();
    let mut column = None;
    for line in readme.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if cells.len() < 3 {
            column = None;
        } else if column.is_none() {
            // The first line of a table has its titles.
            column = Some(cells.iter().position(|cell| *cell == title));
        } else if let Some(Some(column)) = column {
            let cell = cells.get(column).copied().unwrap_or_default();
            codes.extend(cell.split('`').skip(1).step_by(2));
        }
    }
    codes
}

/// Checks that these answers have the codes of the README's columns with this title, and no others. So a test that asks for
/// the owner in each of them has asked for all codes.
///
/// # Panics
/// If a code is missing on one of both sides.
pub fn assert_all_codes<R: Requiring>(answers: &[R], readme: &str, title: &str) {
    let seen: BTreeSet<&str> = answers.iter().flat_map(Requiring::codes).collect();
    assert_eq!(seen, codes_of_readme(readme, title), "the codes of the answers, and those of the README");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CorrectionNeeded;

    #[test]
    #[should_panic(expected = "do not name its owner: {\"b\"}")]
    fn a_requirement_without_an_owner_fails_the_test() {
        let owned_one = Finding::new("a", "a").correct("x", CorrectionNeeded::new("/a", "a"), "somebody");
        let unowned = Requirement::correction("x", CorrectionNeeded::new("/b", "b"));
        owned(Report::failed("both").finding(owned_one).finding(Finding::new("b", "b").remedy(unowned)));
    }

    #[test]
    fn codes_are_read_from_the_columns_with_the_title() {
        let readme = "| key | code |\n|---|---|\n| `k` | `a`, `b` |\n\n`c`\n\n| other |\n|---|\n| `d` |\n\n| code |\n|---|\n| `e` |";
        assert_eq!(codes_of_readme(readme, "code"), BTreeSet::from(["a", "b", "e"]));
    }
}
