//! Approval policies: may the deployment go on?

pub use crate::bindings::approval::exports::lockgate::approval::policy::{Answer, Verdict};
use crate::{Evaluation, Finding, Obligation, Plugin, PluginError, Reason, Requirement};

/// A plugin that says whether the deployment may go on.
pub trait ApprovalPolicy: Plugin {
    /// Decides. The same snapshot must give the same answer.
    ///
    /// # Errors
    /// If it cannot decide. That is never a "no": the operator chooses its effect on the gate.
    fn decide(&self, evaluation: &Evaluation<'_>) -> Result<Answer, PluginError>;
}

impl Answer {
    fn new(verdict: Verdict) -> Self {
        Self { verdict, findings: Vec::new(), requirements: Vec::new(), reasons: Vec::new(), obligations: Vec::new() }
    }

    /// Yes. Add the reasons with [`because`](Self::because).
    pub fn allow() -> Self {
        Self::new(Verdict::Allow)
    }

    /// No, for one finding.
    pub fn deny(finding: Finding) -> Self {
        Self::deny_all([finding])
    }

    /// No, for all these findings: at least one.
    pub fn deny_all(findings: impl IntoIterator<Item = Finding>) -> Self {
        Self { findings: findings.into_iter().collect(), ..Self::new(Verdict::Deny) }
    }

    /// Not yet: one thing is missing.
    pub fn require(requirement: Requirement) -> Self {
        Self::require_all([requirement])
    }

    /// Not yet: all these things are missing, at least one.
    pub fn require_all(requirements: impl IntoIterator<Item = Requirement>) -> Self {
        Self { requirements: requirements.into_iter().collect(), ..Self::new(Verdict::Require) }
    }

    /// Nothing to say about this deployment. Add the reasons with [`because`](Self::because).
    pub fn abstain() -> Self {
        Self::new(Verdict::Abstain)
    }

    /// Adds a reason. `code` is stable, lower-case, its words joined by hyphens; `message` is one sentence for a person
    /// who does not know the plugin.
    #[must_use]
    pub fn because(self, code: impl Into<String>, message: impl Into<String>) -> Self {
        self.reasons([Reason::new(code, message)])
    }

    /// Adds several reasons.
    #[must_use]
    pub fn reasons(mut self, reasons: impl IntoIterator<Item = Reason>) -> Self {
        self.reasons.extend(reasons);
        self
    }

    /// Adds a finding, which an allowance makes a remark: it is shown and stops nothing.
    #[must_use]
    pub fn finding(mut self, finding: Finding) -> Self {
        self.findings.push(finding);
        self
    }

    /// Adds a condition of the allowance. It has no effect in any other answer.
    #[must_use]
    pub fn oblige(mut self, obligation: Obligation) -> Self {
        self.obligations.push(obligation);
        self
    }
}
