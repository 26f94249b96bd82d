//! The decision: the host's answer at a gate, and everything that is needed to explain it.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Action, Answer, ApprovedPlan, Digest, Exemption, Failure, Gate, Kind, Obligation, Receipt, Report, Requirement,
    Rollout, Severity, Timestamp,
};

/// The verdict of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The deployment may go on.
    Allow,
    /// The deployment may not go on.
    Deny,
    /// The deployment may not go on yet: approvals, evidence or time are missing.
    Pending,
    /// A plugin that must answer could not, so no verdict is possible. The deployment may not go on.
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

/// The effect of a binding's answer on its gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// It is recorded and shown, and never stops the deployment.
    Advisory,
    /// It stops the deployment. A person with the right can override it, with a reason.
    SoftMandatory,
    /// It stops the deployment, and nobody can override it.
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

/// The standing of one binding or group, independent of its kind and enforcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The plugin or group allows, or its check passed.
    Allow,
    /// The plugin or group denies, or its check failed.
    Deny,
    /// The plugin or group requires something, or its check had not enough data to tell.
    Pending,
    /// The plugin could not answer.
    Error,
    /// The plugin does not count: it abstained, its check was skipped, or its `when` did not hold.
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
    /// The name of the plugin in the model.
    pub name: String,
    /// The version of the plugin, as it says itself.
    pub version: String,
    /// The digest of the plugin's component.
    pub digest: Digest,
}

/// Who decides on a deployment under a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryMode {
    /// A person decides on each deployment.
    ContinuousDelivery,
    /// The gates decide. A service starts the deployment.
    ContinuousDeployment,
}

/// A deployment model, as a decision names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelRef {
    /// The id of the model.
    pub id: String,
    /// The version of the model.
    pub version: String,
    /// The digest of its meaning: plugins, settings, gates and expressions, in canonical form.
    pub digest: Digest,
    /// Why this model applies to the deployment, in one sentence.
    pub chosen_because: String,
    /// Who decides on a deployment. Absent if the model does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<DeliveryMode>,
}

/// The deployment model that asks a plugin, and the place in it. The plugin can read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskingModel {
    /// The id of the model.
    pub id: String,
    /// The version of the model.
    pub version: String,
    /// The digest of the model.
    pub digest: Digest,
    /// The id of the binding at a gate, or of the analysis in a rollout; `strategy` for the strategy.
    pub binding: String,
}

/// The name of one version of a deployment model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ModelName {
    /// The id of the model.
    pub id: String,
    /// The version of the model.
    pub version: String,
    /// The digest of the model's meaning: plugins, settings, gates and expressions, in canonical form.
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
    /// Details for a person who follows the plugin step by step.
    Trace,
    /// Details for the author of the plugin.
    Debug,
    /// A normal event that is worth knowing.
    Info,
    /// Something that is probably wrong.
    Warn,
    /// Something that is wrong.
    Error,
}

/// A log line of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// The level of the line.
    pub level: LogLevel,
    /// The text of the line.
    pub message: String,
}

/// The answer that a binding's plugin gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BindingAnswer {
    /// The answer of an approval policy.
    Policy(Answer),
    /// The report of a check.
    Check(Report),
    /// The rollout that a strategy planned.
    Plan(Rollout),
    /// The next action of a strategy.
    Advance(Action),
    /// The failure of a plugin that could not answer.
    Failed(Failure),
    /// The binding's `when` did not hold, so the plugin was not asked.
    NotAsked {
        /// The `when` expression that did not hold.
        when: String,
    },
}

/// The outcome of one binding of the gate: the plugin, its answer, and the effect on the gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BindingOutcome {
    /// The id of the binding in the model.
    pub id: String,
    /// The plugin that the binding names.
    pub plugin: PluginRef,
    /// The kind of plugin that it was called as.
    pub kind: Kind,
    /// The effect of the answer on the gate.
    pub enforcement: Enforcement,
    /// The group in which the binding counts, instead of by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The standing of the answer.
    pub standing: Standing,
    /// The waiver or override because of which the answer does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemption: Option<Exemption>,
    /// The answer of the plugin.
    pub answer: BindingAnswer,
    /// The receipt of the call, with the resources that it used. Absent if the plugin was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// The log lines of the plugin, in order.
    #[serde(default)]
    pub log: Vec<LogLine>,
    /// The number of further log lines, which were dropped.
    #[serde(default)]
    pub log_dropped: u64,
}

/// The outcome of one group of the gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupOutcome {
    /// The id of the group in the model.
    pub id: String,
    /// The expression over the group's members.
    pub expression: String,
    /// The effect of the answer on the gate.
    pub enforcement: Enforcement,
    /// The standing of each member, by binding id.
    pub members: BTreeMap<String, Standing>,
    /// The standing of the group.
    pub standing: Standing,
    /// The waiver or override because of which the answer does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemption: Option<Exemption>,
    /// How the group came to its standing, in one sentence.
    pub message: String,
}

/// The source of a reason or requirement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonSource {
    /// A rule of the host.
    Host,
    /// The binding with this id.
    Binding(String),
    /// The group with this id.
    Group(String),
}

/// A reason for the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionReason {
    /// The rule, binding or group that gives the reason.
    pub source: ReasonSource,
    /// Whether the reason blocks the deployment. Otherwise it is for information.
    pub blocking: bool,
    /// The stable code of the reason, for programs.
    pub code: String,
    /// The reason in one sentence, for people.
    pub message: String,
    /// The severity of the finding that the reason repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The name or id of the component, instance or person that the reason is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The places in the snapshot, as JSON Pointers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pointers: Vec<String>,
    /// The clauses and pages that it rests on, as URIs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
}

impl DecisionReason {
    /// A reason without a place.
    #[must_use]
    pub fn new(source: ReasonSource, blocking: bool, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            source,
            blocking,
            code: code.into(),
            message: message.into(),
            severity: None,
            about: None,
            pointers: Vec::new(),
            references: Vec::new(),
        }
    }
}

/// A requirement that would change the verdict if it was met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionRequirement {
    /// The rule, binding or group that requires it.
    pub source: ReasonSource,
    /// Whether the requirement blocks the deployment. Otherwise it would only satisfy an advisory binding.
    pub blocking: bool,
    /// The requirement itself.
    #[serde(flatten)]
    pub requirement: Requirement,
}

/// The question that was decided within a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RolloutQuestion {
    /// What to do next: the strategy says.
    Advance,
    /// How a step did: the checks of its analysis say.
    Analyze {
        /// The id of the step.
        step: String,
        /// The number of times that the step was begun, this time included.
        attempt: u32,
    },
}

/// A decision: the verdict of a gate, and everything that explains it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The id of the decision, which begins with its time. It is computed from everything that was decided on, so the
    /// same decision always has the same id.
    pub id: String,
    /// The id of the deployment.
    pub deployment: String,
    /// The gate that was evaluated. Within a rollout, the gate before which the rollout is carried out.
    pub gate: Gate,
    /// The question, if it was decided within a rollout. Absent if the gate as a whole was evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutQuestion>,
    /// When the gate was evaluated (RFC 3339): the time of the snapshot.
    pub at: Timestamp,
    /// The verdict of the gate.
    pub verdict: Verdict,
    /// The reasons for the verdict: first those of the host, then the blocking ones, then the rest.
    pub reasons: Vec<DecisionReason>,
    /// The requirements that would change the verdict if they were met.
    pub requirements: Vec<DecisionRequirement>,
    /// The obligations of the deployment, by binding id. Empty unless the verdict is `allow`.
    pub obligations: BTreeMap<String, Vec<Obligation>>,
    /// The outcome of each binding of the gate, in the order of the ids.
    pub bindings: Vec<BindingOutcome>,
    /// The outcome of each group of the gate, in the order of the ids.
    pub groups: Vec<GroupOutcome>,
    /// The deployment model that was used.
    pub model: ModelRef,
    /// The digest of the snapshot that was evaluated.
    pub snapshot: Digest,
    /// The digest of everything that is approved. An approval must name it.
    pub subject: Digest,
    /// The approved plan. Present only if the exit of plan-and-approve allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<ApprovedPlan>,
}
