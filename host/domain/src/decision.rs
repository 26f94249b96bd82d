//! The decision: the host's answer at a gate, and everything that is needed to explain it.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Action, Answer, ApprovedPlan, Digest, Exemption, Failure, Gate, Kind, Obligation, Receipt, Report, Requirement,
    Rollout, Timestamp,
};

/// The answer of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The deployment may go on.
    Allow,
    /// It may not.
    Deny,
    /// Not yet: people, evidence or time are missing.
    Pending,
    /// Nobody can tell, because a plugin that must answer could not. The deployment may not go on.
    Error,
}

impl Verdict {
    /// The name that files use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Pending => "pending",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a binding's answer does to its gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// It is recorded and shown, and never stops the deployment.
    Advisory,
    /// It stops the deployment; somebody with the right can override it, with a reason.
    SoftMandatory,
    /// It stops the deployment.
    HardMandatory,
}

impl Enforcement {
    /// The name that files use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Advisory => "advisory",
            Self::SoftMandatory => "soft-mandatory",
            Self::HardMandatory => "hard-mandatory",
        }
    }
}

/// What one binding or group says, whatever its kind and enforcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Yes: allowed, or passed.
    Allow,
    /// No: denied, or failed.
    Deny,
    /// Not yet: something is required, or a check had not enough data to tell.
    Pending,
    /// Could not answer.
    Error,
    /// Nothing to say: abstained, skipped, or its `when` did not hold.
    NotApplicable,
}

impl Standing {
    /// The name that files use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Pending => "pending",
            Self::Error => "error",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// A plugin, as a decision names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginRef {
    /// The name that the model gives it.
    pub name: String,
    /// The version that it says it is.
    pub version: String,
    /// The digest of the component.
    pub digest: Digest,
}

/// A deployment model, as a decision names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelRef {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The digest of its meaning: plugins, settings, gates and expressions, in canonical form.
    pub digest: Digest,
    /// Why this model was chosen.
    pub chosen_because: String,
}

/// One version of a model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ModelName {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The digest of what it means.
    pub digest: Digest,
}

/// `id@version`.
impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.version)
    }
}

/// The severity of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// For who steps through the plugin.
    Trace,
    /// For the author.
    Debug,
    /// Worth knowing.
    Info,
    /// Probably wrong.
    Warn,
    /// Wrong.
    Error,
}

/// A line that a plugin logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// What it says.
    pub message: String,
}

/// The answer that a binding's plugin gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BindingAnswer {
    /// An approval policy answered.
    Policy(Answer),
    /// A check reported.
    Check(Report),
    /// A strategy laid out a rollout.
    Plan(Rollout),
    /// A strategy said what to do next.
    Advance(Action),
    /// The plugin could not answer.
    Failed(Failure),
    /// The binding's `when` did not hold, so the plugin was not asked.
    NotAsked {
        /// The expression.
        when: String,
    },
}

/// One binding of the gate: what was asked, what came back, and what it does to the gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BindingOutcome {
    /// The binding's id in the model.
    pub id: String,
    /// The plugin that was asked.
    pub plugin: PluginRef,
    /// As what it was asked.
    pub kind: Kind,
    /// What its answer does to the gate.
    pub enforcement: Enforcement,
    /// The group that it counts in, instead of by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What it says.
    pub standing: Standing,
    /// Why that does not count this time, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemption: Option<Exemption>,
    /// The answer.
    pub answer: BindingAnswer,
    /// What the call was, and what it used; absent when the plugin was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// What it logged.
    #[serde(default)]
    pub log: Vec<LogLine>,
    /// How many more lines it logged than are kept.
    #[serde(default)]
    pub log_dropped: u64,
}

/// One group of the gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupOutcome {
    /// The group's id in the model.
    pub id: String,
    /// The expression over the members.
    pub expression: String,
    /// What its answer does to the gate.
    pub enforcement: Enforcement,
    /// The members, by binding id, and what they say.
    pub members: BTreeMap<String, Standing>,
    /// What it says.
    pub standing: Standing,
    /// Why that does not count this time, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemption: Option<Exemption>,
    /// One sentence: how it came to that.
    pub message: String,
}

/// Where a reason or a requirement comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonSource {
    /// A rule of the host's own.
    Host,
    /// A binding, by id.
    Binding(String),
    /// A group, by id.
    Group(String),
}

/// Why the verdict is what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionReason {
    /// Where it comes from.
    pub source: ReasonSource,
    /// Whether it stands in the way, or is only worth knowing.
    pub blocking: bool,
    /// Stable; tools match on it.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// A JSON Pointer into the snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// What is missing, and would turn the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionRequirement {
    /// Who asks for it.
    pub source: ReasonSource,
    /// Whether it stands in the way, or would only satisfy an advisory binding.
    pub blocking: bool,
    /// What it is.
    #[serde(flatten)]
    pub requirement: Requirement,
}

/// The answer of a gate, and everything that is needed to explain it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Made from what was decided on, and how: the same decision always has the same id. It begins with the moment.
    pub id: String,
    /// The deployment, by id.
    pub deployment: String,
    /// The gate.
    pub gate: Gate,
    /// When: the snapshot's time.
    pub at: Timestamp,
    /// The answer.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<DecisionReason>,
    /// What is missing, and would turn the answer.
    pub requirements: Vec<DecisionRequirement>,
    /// On what conditions, by binding. Empty unless the verdict is `allow`.
    pub obligations: BTreeMap<String, Vec<Obligation>>,
    /// Every binding of the gate, by id in order.
    pub bindings: Vec<BindingOutcome>,
    /// Every group of the gate, by id in order.
    pub groups: Vec<GroupOutcome>,
    /// The deployment model that was used.
    pub model: ModelRef,
    /// The digest of the snapshot that was looked at.
    pub snapshot: Digest,
    /// What an approval has to name.
    pub subject: Digest,
    /// What is approved from here on: present if this is an allowance at the exit of plan-and-approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<ApprovedPlan>,
}
