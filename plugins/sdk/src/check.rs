//! Validation checks: is it as it should be?

pub use crate::bindings::check::exports::lockgate::check::check::{Exhibit, Finding, Outcome, Report};
use crate::types::{Document, Severity};
use crate::{Evaluation, Plugin, PluginError, Violation};

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
        Self { outcome, summary: summary.into(), findings: Vec::new(), exhibits: Vec::new() }
    }

    /// Checked, and found to be as it should be. `summary` is one sentence that says what was checked.
    pub fn passed(summary: impl Into<String>) -> Self {
        Self::new(Outcome::Passed, summary)
    }

    /// Checked, and found not to be as it should be: at least one [`finding`](Self::finding) says what is wrong.
    pub fn failed(summary: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, summary)
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
    pub fn finding(self, severity: Severity, violation: Violation) -> Self {
        self.findings([Finding { severity, violation }])
    }

    /// Adds several findings.
    #[must_use]
    pub fn findings(mut self, findings: impl IntoIterator<Item = Finding>) -> Self {
        self.findings.extend(findings);
        self
    }

    /// Adds a document that others may want to see later.
    #[must_use]
    pub fn exhibit(mut self, name: impl Into<String>, content: Document) -> Self {
        self.exhibits.push(Exhibit { name: name.into(), content });
        self
    }
}

impl Finding {
    /// A finding, and how much it matters.
    pub fn new(severity: Severity, violation: Violation) -> Self {
        Self { severity, violation }
    }
}
