//! Validation checks: is it as it should be?

pub use crate::bindings::check::exports::lockgate::check::check::{Advice, Outcome, Report};
pub use crate::bindings::lockgate::types::types::{Exhibit, Measurement};
use crate::time::Timestamp;
use crate::types::Document;
use crate::{Evaluation, Finding, Plugin, PluginError, Requirement};

/// A plugin that checks whether a part of the deployment is as it should be.
pub trait ValidationCheck: Plugin {
    /// Runs the check. The same snapshot must give the same report.
    ///
    /// # Errors
    /// If it cannot run. Too little data to tell is not an error but [`Report::inconclusive`].
    fn run(&self, evaluation: &Evaluation<'_>) -> Result<Report, PluginError>;
}

impl Report {
    fn new(outcome: Outcome, summary: impl Into<String>) -> Self {
        Self {
            outcome,
            summary: summary.into(),
            findings: Vec::new(),
            requirements: Vec::new(),
            measurements: Vec::new(),
            exhibits: Vec::new(),
            advice: None,
            again: None,
        }
    }

    /// Checked, and found to be as it should be. `summary` is one sentence that says what was checked.
    pub fn passed(summary: impl Into<String>) -> Self {
        Self::new(Outcome::Passed, summary)
    }

    /// Checked, and found not to be as it should be: at least one [`finding`](Self::finding) says what is wrong.
    pub fn failed(summary: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, summary)
    }

    /// Nothing wrong so far, but time or a fact that is due is missing: a [`requirement`](Self::requirement) or the time of
    /// the next look ([`again`](Self::again)) says what.
    pub fn pending(summary: impl Into<String>) -> Self {
        Self::new(Outcome::Pending, summary)
    }

    /// Too little data to tell: at least one [`finding`](Self::finding) says what is missing.
    pub fn inconclusive(summary: impl Into<String>) -> Self {
        Self::new(Outcome::Inconclusive, summary)
    }

    /// Does not apply to this deployment. `summary` says why.
    pub fn skipped(summary: impl Into<String>) -> Self {
        Self::new(Outcome::Skipped, summary)
    }

    /// Adds a finding.
    #[must_use]
    pub fn finding(self, finding: Finding) -> Self {
        self.findings([finding])
    }

    /// Adds several findings.
    #[must_use]
    pub fn findings(mut self, findings: impl IntoIterator<Item = Finding>) -> Self {
        self.findings.extend(findings);
        self
    }

    /// Adds something that would turn the outcome into passed.
    #[must_use]
    pub fn requirement(mut self, requirement: Requirement) -> Self {
        self.requirements.push(requirement);
        self
    }

    /// Adds a number that was measured.
    #[must_use]
    pub fn measurement(mut self, measurement: Measurement) -> Self {
        self.measurements.push(measurement);
        self
    }

    /// Adds a document that others may want to see later. `title` is for people.
    #[must_use]
    pub fn exhibit(mut self, name: impl Into<String>, title: impl Into<String>, content: Document) -> Self {
        self.exhibits.push(Exhibit { name: name.into(), title: title.into(), content });
        self
    }

    /// Sets what the check would do next.
    #[must_use]
    pub fn advice(mut self, advice: Advice) -> Self {
        self.advice = Some(advice);
        self
    }

    /// Sets the time from which a new run can give another outcome.
    #[must_use]
    pub fn again(mut self, again: Timestamp) -> Self {
        self.again = Some(again.as_millis());
        self
    }
}

impl Measurement {
    /// A value that was computed from so many samples. `unit` is that of UCUM, for example `ms`, `%` or `1`.
    pub fn new(name: impl Into<String>, value: f64, unit: impl Into<String>, samples: u32) -> Self {
        Self { name: name.into(), value, unit: unit.into(), at_least: None, at_most: None, samples }
    }

    /// Sets the least value that would pass.
    #[must_use]
    pub fn at_least(mut self, least: f64) -> Self {
        self.at_least = Some(least);
        self
    }

    /// Sets the greatest value that would pass.
    #[must_use]
    pub fn at_most(mut self, most: f64) -> Self {
        self.at_most = Some(most);
        self
    }
}
