//! The answers of plugins: about themselves, their settings, and a snapshot. The Rust form of the contract's answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::name;
use crate::{Severity, Timestamp};

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
    /// Where it stands in an answer, for example `violation`.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// The stable code of the reason, for programs.
    pub code: String,
    /// The reason in one sentence, for people.
    pub message: String,
    /// The place in the snapshot that the reason is about, as a JSON Pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// A requirement for more approvals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalsNeeded {
    /// The role in which people must approve. If absent, any role counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CorrectionNeeded {
    /// The place in the snapshot, as a JSON Pointer.
    pub pointer: String,
    /// A description of the values that would be accepted.
    pub expected: String,
    /// The present value, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

/// The kind of requirement, with its details for programs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// More people have to approve.
    Approvals(ApprovalsNeeded),
    /// A piece of evidence has to be attached.
    Evidence(EvidenceNeeded),
    /// The deployment has to wait for a time.
    Time(TimeNeeded),
    /// A value in the snapshot has to be corrected.
    Correction(CorrectionNeeded),
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
    /// The requirement in a form for programs.
    pub need: Need,
}

/// A violation: one problem with the deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// The stable code of the violation, for programs.
    pub code: String,
    /// The violation in one sentence, for people.
    pub message: String,
    /// The name or id of the component, instance or person that the violation is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The place in the snapshot, as a JSON Pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The requirements that would remove the violation. Empty if nothing can.
    #[serde(default)]
    pub remedies: Vec<Requirement>,
}

/// An obligation: something that the deployment must do or keep to from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Obligation {
    /// The stable code of the obligation, for programs.
    pub code: String,
    /// The obligation in one sentence, for people.
    pub message: String,
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
}

/// The ruling of an approval policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// The policy allows the deployment.
    Allow,
    /// The policy denies the deployment, with at least one violation.
    Deny(Vec<Violation>),
    /// The policy cannot allow the deployment yet: at least one requirement is not met.
    Require(Vec<Requirement>),
    /// The policy does not apply to this deployment.
    Abstain,
}

/// The answer of an approval policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The ruling of the policy.
    pub ruling: Ruling,
    /// The reasons for the ruling.
    #[serde(default)]
    pub reasons: Vec<Reason>,
    /// The obligations that the deployment has if it is allowed.
    #[serde(default)]
    pub obligations: Vec<Obligation>,
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// Everything that the check looked at is as it should be.
    Passed,
    /// The check found a problem.
    Failed,
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
            Self::Inconclusive => "inconclusive",
            Self::Skipped => "skipped",
        }
    }
}

/// A finding of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The severity of the finding.
    pub severity: Severity,
    /// The violation: the problem, its place, and its remedies.
    pub violation: Violation,
}

/// An exhibit: a document that a check made for later readers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exhibit {
    /// The name of the exhibit, unique within the report.
    pub name: String,
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
    /// The documents that the check made.
    #[serde(default)]
    pub exhibits: Vec<Exhibit>,
}
