//! The answers of plugins: about themselves, their settings, and a snapshot. The Rust form of the contract's answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::name;
use crate::{Severity, Timestamp};

/// Data whose shape somebody else owns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What says how to read `json`.
    #[serde(deserialize_with = "name")]
    pub schema: String,
    /// The data.
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
    /// `log`, `evidence`, …
    pub name: String,
    /// What of it, in the capability's own notation.
    #[serde(default)]
    pub scope: Vec<String>,
    /// What for.
    pub reason: String,
    /// Whether the plugin works without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Description {
    /// Lower-case, words joined by hyphens.
    pub name: String,
    /// A semantic version.
    pub version: String,
    /// Its name for people; empty for `name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// One sentence.
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
    /// What is wrong.
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
    /// Lower-case words joined by hyphens.
    pub code: String,
    /// Where it stands in an answer, for example `violation`.
    pub kind: String,
    /// The severity of its findings.
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
pub struct Readiness {
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

/// Why an answer is what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// Stable; tools match on it.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// A JSON Pointer into the snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// More people have to approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalsNeeded {
    /// In which role; absent: in any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// How many are missing.
    pub missing: u32,
    /// Who cannot count, by person id.
    #[serde(default)]
    pub excluded: Vec<String>,
    /// What they have to approve. A plugin's text: not necessarily a digest that the host would write.
    pub subject: String,
}

/// Something has to be handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceNeeded {
    /// Under which name.
    pub name: String,
    /// In which form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// The time has to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeNeeded {
    /// From when on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
}

/// Something in the snapshot has to be different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CorrectionNeeded {
    /// A JSON Pointer into the snapshot.
    pub pointer: String,
    /// What would be accepted.
    pub expected: String,
    /// What is there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

/// What is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// More people have to approve.
    Approvals(ApprovalsNeeded),
    /// Something has to be handed in.
    Evidence(EvidenceNeeded),
    /// The time has to come.
    Time(TimeNeeded),
    /// Something in the snapshot has to be different.
    Correction(CorrectionNeeded),
    /// Something that only its owner's tools understand.
    Other(Document),
}

/// What would turn an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Requirement {
    /// Stable; tools match on it.
    pub code: String,
    /// What somebody has to do, in one sentence.
    pub message: String,
    /// The same, for tools.
    pub need: Need,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// Stable; tools match on it.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What it is about: a component, an instance, a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// A JSON Pointer into the snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What would turn it; empty if nothing can.
    #[serde(default)]
    pub remedies: Vec<Requirement>,
}

/// Something that the deployment has to do or keep to from here on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Obligation {
    /// Stable; tools match on it.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// The same, for tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Document>,
}

/// The plugin could not answer. Never a "no".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginError {
    /// Stable; tools match on it.
    pub code: String,
    /// One sentence.
    pub message: String,
}

/// What an approval policy says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// Yes.
    Allow,
    /// No, for at least one reason.
    Deny(Vec<Violation>),
    /// Not yet: at least one thing is missing.
    Require(Vec<Requirement>),
    /// Nothing to say about this deployment.
    Abstain,
}

/// The whole answer of an approval policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// What it says.
    pub ruling: Ruling,
    /// Why.
    #[serde(default)]
    pub reasons: Vec<Reason>,
    /// On what conditions.
    #[serde(default)]
    pub obligations: Vec<Obligation>,
}

/// How a check ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// As it should be.
    Passed,
    /// Not as it should be.
    Failed,
    /// Not enough data to tell.
    Inconclusive,
    /// Does not apply.
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

/// Something that a check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is, where, and what would turn it.
    pub violation: Violation,
}

/// Something that a check made and that others may want to see later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exhibit {
    /// Unique within the report.
    pub name: String,
    /// What it made.
    pub content: Document,
}

/// The whole answer of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// How it ended.
    pub outcome: CheckOutcome,
    /// What was looked at and how it came out.
    pub summary: String,
    /// What was found.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What it made.
    #[serde(default)]
    pub exhibits: Vec<Exhibit>,
}
