//! The answers of plugins: about themselves, their settings, and a snapshot. The Rust form of the contract's answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::name;
use crate::{DeploymentResult, Digest, Duration, Severity, Timestamp};

/// A document whose shape its owner defines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The name of the schema of `json`, for example `acme:cost@1`.
    #[serde(deserialize_with = "name")]
    pub schema: String,
    /// The data, in the form that `schema` names.
    pub json: serde_json::Value,
}

/// The kinds of plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Exports `lockgate:approval/policy`: may the deployment go on?
    ApprovalPolicy,
    /// Exports `lockgate:check/check`: is it as it should be?
    ValidationCheck,
    /// Exports `lockgate:strategy/strategy`: how is it rolled out?
    Strategy,
}

impl Kind {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApprovalPolicy => "approval-policy",
            Self::ValidationCheck => "validation-check",
            Self::Strategy => "strategy",
        }
    }
}

/// Something that a plugin asks to be allowed to use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Capability {
    /// The name of the capability, for example `log` or `evidence`.
    pub name: String,
    /// What of it, in the capability's own notation.
    #[serde(default)]
    pub scope: Vec<String>,
    /// The plugin's reason for asking, in one sentence.
    pub reason: String,
    /// Whether the plugin also works without the capability.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// A plugin's description of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Description {
    /// The name of the plugin: lower-case words joined by hyphens.
    pub name: String,
    /// The version of the plugin, by semantic versioning.
    pub version: String,
    /// Its name for people; empty for `name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The purpose of the plugin, in one sentence.
    pub summary: String,
    /// The URI of its documentation; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub documentation: String,
    /// Its licence, as an SPDX expression; empty if it names none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// A JSON Schema for the settings. It marks the ids of people with the format
    /// [`PERSON_FORMAT`](crate::PERSON_FORMAT).
    pub settings_schema: serde_json::Value,
    /// What it asks to be allowed to use.
    pub capabilities: Vec<Capability>,
}

/// Something that is wrong with the settings of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingsFinding {
    /// A JSON Pointer into the settings; empty for the settings as a whole.
    pub pointer: String,
    /// The file of the settings that it is in. None: it is in their JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in that file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The character in that line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The problem with the setting, in one sentence.
    pub message: String,
}

impl SettingsFinding {
    /// A finding about the JSON text of the settings.
    #[must_use]
    pub fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), file: None, line: None, column: None, message: message.into() }
    }
}

/// A code that a plugin may give in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CodeDescription {
    /// The code that answers use: lower-case words joined by hyphens.
    pub code: String,
    /// Where it stands in an answer, for example `finding`.
    pub kind: String,
    /// The severity of findings with this code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// One sentence that says what it means.
    pub summary: String,
    /// Clauses and pages about it, as URIs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
}

/// What a configured plugin needs, and the codes that it can give.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginReadiness {
    /// The capabilities that it needs with its settings, besides those of its description.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Capability>,
    /// All codes that it can give with its settings. Empty: it does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<CodeDescription>,
    /// What is allowed in the settings and probably a mistake.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<SettingsFinding>,
}

/// A reason for an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// The stable code of the reason, for programs.
    pub code: String,
    /// The reason in one sentence, for people.
    pub message: String,
    /// The places in the snapshot that the reason is about, as JSON Pointers.
    #[serde(default)]
    pub pointers: Vec<String>,
    /// The clauses and pages that it rests on, as URIs.
    #[serde(default)]
    pub references: Vec<String>,
    /// The reason in a form for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Document>,
}

impl Reason {
    /// A reason without a place.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { code, message, pointers: Vec::new(), references: Vec::new(), details: None }
    }
}

/// A requirement for more approvals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalsNeeded {
    /// The roles in one of which each person must approve. If empty, any role counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The competence that the people must have, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub competence: Option<String>,
    /// The number of approvals that are missing.
    pub missing: u32,
    /// The ids of the people whose approvals do not count.
    #[serde(default)]
    pub excluded: Vec<String>,
    /// The subject that they must approve, as the plugin writes it. It need not be a digest of Lockgate's.
    pub subject: String,
}

/// A requirement for a piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceNeeded {
    /// The name under which the evidence must be attached.
    pub name: String,
    /// The IANA media type that the evidence must have. If absent, any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The roles, people or suppliers that may attest it. If empty, everybody may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attesters: Vec<String>,
    /// The greatest age that it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Duration>,
    /// Whether a signature on it must be verified.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verified: bool,
}

/// A requirement for a fact that is missing, or too old.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FactNeeded {
    /// The place in the snapshot at which it would stand, as a JSON Pointer.
    pub pointer: String,
    /// The register that would hold it, for example `incidents`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its id in that register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The greatest age that it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Duration>,
}

/// A requirement that an activity is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActivityNeeded {
    /// The id of the activity.
    pub activity: String,
    /// The role of the person who does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// When it must be done (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// A requirement that the time lies within limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeNeeded {
    /// The earliest time at which the requirement is met (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The time from which on the requirement is no longer met (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
}

/// A value in the snapshot has to be corrected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CorrectionNeeded {
    /// The place in the snapshot, as a JSON Pointer.
    pub pointer: String,
    /// A description of the values that would be accepted.
    pub expected: String,
    /// Values that would be accepted. Empty if words alone can say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<serde_json::Value>,
    /// The present value, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

/// A requirement that another deployment comes out so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentNeeded {
    /// The name of the environment that it is made to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The id of its release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The digest of its release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Its own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// How it must end.
    pub outcome: DeploymentResult,
}

/// A requirement for a waiver or an override.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExemptionNeeded {
    /// The roles in one of which somebody may grant it. If empty, any role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The codes that it must cover. If empty, all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
}

/// The kind of requirement, with its details for programs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// More people have to approve.
    Approvals(ApprovalsNeeded),
    /// A piece of evidence has to be attached.
    Evidence(EvidenceNeeded),
    /// Somebody has to supply a fact.
    Fact(FactNeeded),
    /// An activity has to be done.
    Activity(ActivityNeeded),
    /// The deployment has to wait for a time.
    Time(TimeNeeded),
    /// A value in the snapshot has to be corrected.
    Correction(CorrectionNeeded),
    /// Another deployment has to come out so.
    Deployment(DeploymentNeeded),
    /// Somebody who may has to except the deployment.
    Exemption(ExemptionNeeded),
    /// Another requirement, in a form that its owner defines.
    Other(Document),
}

/// A requirement that would change the answer if it was met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Requirement {
    /// The stable code of the requirement, for programs.
    pub code: String,
    /// The action that would meet the requirement, in one sentence.
    pub message: String,
    /// The way that it belongs to. All requirements of one answer with the same number are needed; another number is
    /// another way to the same end. 0 if there is one way alone.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub way: u32,
    /// Who can supply it: a role, a person, a register or a supplier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The requirement in a form for programs.
    pub need: Need,
}

impl Requirement {
    /// A requirement of the only way, without an owner.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>, need: Need) -> Self {
        Self { code: code.into(), message: message.into(), way: 0, owner: None, need }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_zero(way: &u32) -> bool {
    *way == 0
}

/// A finding: one thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The severity of the finding.
    pub severity: Severity,
    /// The stable code of the finding, for programs.
    pub code: String,
    /// The finding in one sentence, for people.
    pub message: String,
    /// The name or id of the component, instance or person that the finding is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The places in the snapshot, as JSON Pointers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pointers: Vec<String>,
    /// The requirements that would resolve the finding. Empty if nothing can.
    #[serde(default)]
    pub remedies: Vec<Requirement>,
    /// The clauses and pages that it rests on, as URIs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// The finding in a form for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Document>,
}

impl Finding {
    /// A finding without a place and a remedy.
    #[must_use]
    pub fn new(severity: Severity, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity,
            code: code.into(),
            message: message.into(),
            about: None,
            pointers: Vec::new(),
            remedies: Vec::new(),
            references: Vec::new(),
            details: None,
        }
    }

    /// A breach of a rule of the host, which a correction at one place of the snapshot repairs. `remedy` says in one
    /// sentence what people have to do.
    #[must_use]
    pub fn breach(
        code: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
        need: CorrectionNeeded,
    ) -> Self {
        let code = code.into();
        Self {
            pointers: vec![need.pointer.clone()],
            remedies: vec![Requirement::new(code.clone(), remedy, Need::Correction(need))],
            ..Self::new(Severity::High, code, message)
        }
    }

    /// The finding, with a role that can supply what its remedies ask for.
    #[must_use]
    pub fn owned_by(mut self, owner: &str) -> Self {
        self.remedies.iter_mut().for_each(|remedy| remedy.owner = Some(owner.to_owned()));
        self
    }

    /// The finding about this component, instance or person.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = Some(about.into());
        self
    }
}

/// The findings that stand in the way: those above `info`, or all of them if none is.
pub fn findings_in_the_way(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    let serious = findings.iter().any(|finding| finding.severity != Severity::Info);
    findings.iter().filter(move |finding| !serious || finding.severity != Severity::Info)
}

/// An obligation: something that the deployment must do or keep to from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Obligation {
    /// The stable code of the obligation, for programs.
    pub code: String,
    /// The kind of obligation, in lower-case words joined by hyphens, for example `review` or `clean-up`.
    pub kind: String,
    /// The obligation in one sentence, for people.
    pub message: String,
    /// Who must keep it: a role, a person or a supplier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// From when on it can be kept (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// When it must be kept (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The requirement that shows that it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Requirement>,
    /// The obligation in a form for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Document>,
}

/// The plugin could not answer. Never a "no".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginError {
    /// The stable code of the error, for programs.
    pub code: String,
    /// The error in one sentence, for people.
    pub message: String,
    /// Whether the same question may be answered later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transient: bool,
}

/// The verdict of an approval policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyVerdict {
    /// The policy allows the deployment.
    Allow,
    /// The policy denies the deployment, with at least one finding.
    Deny,
    /// The policy cannot allow the deployment yet: at least one requirement is not met.
    Require,
    /// The policy does not apply to this deployment.
    Abstain,
}

impl PolicyVerdict {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Require => "require",
            Self::Abstain => "abstain",
        }
    }
}

/// The answer of an approval policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The verdict of the policy.
    pub verdict: PolicyVerdict,
    /// What is not as it should be. Findings of `allow` are remarks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What would turn the answer into `allow`, besides the remedies of the findings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<Requirement>,
    /// The reasons for the verdict.
    #[serde(default)]
    pub reasons: Vec<Reason>,
    /// The obligations that the deployment has if it is allowed.
    #[serde(default)]
    pub obligations: Vec<Obligation>,
}

impl Answer {
    /// The codes of the answer: those of its findings and requirements, or, if it has neither, of its reasons.
    pub fn codes(&self) -> Vec<&str> {
        let findings = self.findings.iter().map(|finding| finding.code.as_str());
        let requirements = self.requirements.iter().map(|requirement| requirement.code.as_str());
        let codes: Vec<&str> = findings.chain(requirements).collect();
        if codes.is_empty() { self.reasons.iter().map(|reason| reason.code.as_str()).collect() } else { codes }
    }
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// Everything that the check looked at is as it should be.
    Passed,
    /// The check found a problem.
    Failed,
    /// The check found no problem so far, and needs more time or a fact that is due.
    Pending,
    /// The check had not enough data to tell.
    Inconclusive,
    /// The check does not apply to this deployment.
    Skipped,
}

impl CheckOutcome {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::Inconclusive => "inconclusive",
            Self::Skipped => "skipped",
        }
    }
}

/// What a check would do next, as advice to a strategy or a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// Go on with the rollout.
    GoOn,
    /// Wait.
    Wait,
    /// Take the way back.
    GoBack,
    /// Stay, and repair it by a further release.
    Patch,
}

/// A number that a check measured, with the bounds that it compared it with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measurement {
    /// The name of the measurement, unique within the report.
    pub name: String,
    /// The measured number.
    pub value: f64,
    /// The unit of all numbers here, as UCUM writes it, for example `ms`.
    pub unit: String,
    /// The least value that would pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// The greatest value that would pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// The number of samples that it was computed from.
    pub samples: u32,
}

/// An exhibit: a document that a check made for later readers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exhibit {
    /// The name of the exhibit, unique within the report.
    pub name: String,
    /// The title of the exhibit, for people.
    pub title: String,
    /// The content of the exhibit.
    pub content: Document,
}

/// The report of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The outcome of the check.
    pub outcome: CheckOutcome,
    /// The summary: what the check examined, and with which result.
    pub summary: String,
    /// The findings of the check.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What would turn the outcome into `passed`, besides the remedies of the findings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<Requirement>,
    /// The numbers that the check measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measurements: Vec<Measurement>,
    /// The documents that the check made.
    #[serde(default)]
    pub exhibits: Vec<Exhibit>,
    /// What the check would do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<Advice>,
    /// The time from which a new run can give another outcome (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Timestamp>,
}
