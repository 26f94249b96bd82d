//! Deployment models: one readable TOML file says which plugins guard which gate, with what settings, and what effect
//! their answers have.
//!
//! The types here hold the *meaning* of a model: no positions, no comments, and no order that does not matter. The
//! digest covers this meaning, so a new layout of the file voids no approval.

mod attesters;
mod check;
mod demands;
mod finding;
mod grants;
mod pin;
mod read;
mod render;
pub(crate) mod roles;
mod select;
mod source;
mod spans;

use std::collections::{BTreeMap, BTreeSet};

use lockgate_domain::{
    ChangeCategory, DeliveryMode, Deployment, Digest, DigestError, Duration, Enforcement, EnvironmentHop, Gate, Kind,
};
use serde::Serialize;

pub use attesters::attesters_without_rule;
pub use check::check;
pub use demands::{Demands, EvidenceDemand, FactDemand, FactName, USUAL_EVIDENCE_GATE};
pub use finding::{FindingSeverity, LocatedFinding, ModelFinding, ModelFindings, Related, listed};
pub use grants::{GrantedDirectory, GrantedNamespace, GrantedOrigin, ModelGrants};
pub use pin::{PinError, pin};
pub use read::{Read, read, read_partly};
pub use select::{Candidate, Considered, Selection, SelectionError, select};
pub use source::{LARGEST_SOURCE, Position, Source, SourceError};
pub use spans::{Spans, UsePlace};

/// A deployment model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Model {
    /// Lower-case words joined by hyphens. Unique among the models of an organization.
    pub id: String,
    /// A semantic version.
    pub version: String,
    /// One line.
    pub title: String,
    /// The condition for the deployments that the model applies to, a CEL expression over the snapshot. None: all
    /// deployments.
    pub applies_when: Option<String>,
    /// The rank. If several models apply, the one with the highest rank is chosen.
    pub rank: i64,
    /// The environments that a release passes, hop by hop. Empty: any environments, in any order.
    pub environments: Vec<EnvironmentHop>,
    /// The organisation's own roles that the model names, besides those that Lockgate knows. Declaring a role changes
    /// no decision, so the digest does not cover it.
    #[serde(skip)]
    pub roles: BTreeSet<String>,
    /// The plugins, by their names in the rest of the model.
    pub plugins: BTreeMap<String, PluginSource>,
    /// The strategy for rollouts.
    pub strategy: Option<StrategyUse>,
    /// The checks that a strategy may ask for between its steps, by id.
    pub analyses: BTreeMap<String, PluginUse>,
    /// The guarded gates, each at most once, in the order in which a deployment meets them.
    pub gates: Vec<GateModel>,
    /// What the model demands of facts and evidence.
    #[serde(flatten)]
    pub demands: Demands,
    /// Who decides on a deployment. None: the gates decide alone, and anybody with the right may start one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<DeliveryMode>,
    /// Whether the host checks the entrance and exit criteria of the Deploy value stream.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub criteria: bool,
    /// Whether a gate that nothing guards lets deployments on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unguarded_allowed: bool,
    /// Whether deployments under an emergency change go on although the line is stopped.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hotfix_lane_open: bool,
    /// When overrides are reviewed.
    #[serde(skip_serializing_if = "OverrideReviews::is_usual")]
    pub override_reviews: OverrideReviews,
}

/// When the overrides that are taken under a model are reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OverrideReviews {
    /// How long after the override its review is due.
    pub within: Duration,
    /// How long after the override the missing review stops deployments of the product. None: it never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_after: Option<Duration>,
}

impl OverrideReviews {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for OverrideReviews {
    /// Within seven days, and a late review stops nothing.
    fn default() -> Self {
        Self { within: Duration::from_millis(7 * 86_400_000), block_after: None }
    }
}

impl Model {
    /// Whether the deployment goes on although the line is stopped: the model keeps its hotfix lane open, and the change is an
    /// emergency change.
    pub fn passes_stops(&self, deployment: &Deployment) -> bool {
        self.hotfix_lane_open && deployment.change.category == ChangeCategory::Emergency
    }

    /// The digest of the model's meaning.
    ///
    /// # Errors
    /// If a setting has no canonical JSON form.
    pub fn digest(&self) -> Result<Digest, DigestError> {
        Digest::of_canonical(self)
    }

    /// Every use of a plugin: the strategy, the analyses, the bindings.
    pub fn uses(&self) -> impl Iterator<Item = &PluginUse> {
        let bindings = self.gates.iter().flat_map(|gate| &gate.bindings).map(|binding| &binding.plugin);
        let strategy = self.strategy.iter().map(|strategy| &strategy.plugin);
        strategy.chain(self.analyses.values()).chain(bindings)
    }

    /// Whether a gate denies if no binding can stop a deployment there.
    pub fn needs_guard(&self, gate: Gate) -> bool {
        !self.criteria && !self.unguarded_allowed && !self.gate(gate).is_some_and(|gate| gate.unguarded_allowed)
    }

    /// The gate's bindings and groups; none if the model does not guard it.
    pub fn gate(&self, gate: Gate) -> Option<&GateModel> {
        self.gates.iter().find(|guarded| guarded.gate == gate)
    }
}

/// The origin of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginSource {
    /// The component's file, relative to the model's own folder.
    #[serde(skip)]
    pub component: String,
    /// The digest that the file must have. A model without it is still being written, and cannot be evaluated.
    pub digest: Option<Digest>,
}

/// A plugin with its settings, limits and grants.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PluginUse {
    /// The plugin's name in the model.
    pub plugin: String,
    /// The settings, as the plugin's schema describes them.
    pub settings: serde_json::Value,
    /// The limits of each call.
    pub limits: LimitOverrides,
    /// The capabilities that the plugin may use.
    pub grants: ModelGrants,
}

/// The strategy of a model, and the roles that resume a rollout which waits for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StrategyUse {
    #[serde(flatten)]
    pub plugin: PluginUse,
    /// The roles in which people end a hold that needs a person, and resume a paused rollout. In order, at least one.
    pub resume_by: BTreeSet<String>,
}

/// The id of the strategy in decisions, which no binding or group has.
pub const STRATEGY_ID: &str = "strategy";

impl PluginUse {
    /// The use as a binding that has to answer, and that nobody can waive.
    pub(crate) fn as_mandatory(&self, id: &str, kind: Kind) -> Binding {
        Binding {
            id: id.to_owned(),
            kind: Some(kind),
            enforcement: Enforcement::HardMandatory,
            when: None,
            group: None,
            exceptions: Exceptions { waivable: Some(false), two_person_override: None },
            plugin: self.clone(),
        }
    }
}

/// The default for [`StrategyUse::resume_by`].
pub const USUAL_RESUME_BY: [&str; 4] =
    ["deployment-manager", "release-manager", "operations-manager", "change-authority"];

/// The limits that a model sets. Missing values stand for the host's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LimitOverrides {
    /// Fuel: about one unit for each instruction.
    pub fuel: Option<u64>,
    /// Linear memory, in bytes.
    pub memory: Option<u64>,
    /// The size of the answer, in bytes.
    pub result_size: Option<u64>,
    /// Time by the wall clock: a backstop, because the fuel normally decides.
    pub wall_clock: Option<Duration>,
}

/// A guarded gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateModel {
    pub gate: Gate,
    /// The bindings, in order of id.
    pub bindings: Vec<Binding>,
    /// The groups, in order of id.
    pub groups: Vec<Group>,
    /// Whether the gate lets deployments on although no binding can stop them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unguarded_allowed: bool,
}

impl GateModel {
    /// Whether a binding, by itself or in its group, can stop some deployment here.
    pub fn can_stop(&self) -> bool {
        self.bindings.iter().any(|binding| binding.enforcement != Enforcement::Advisory)
    }
}

/// A plugin at a gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Binding {
    /// The id. Unique within the gate, groups included.
    pub id: String,
    /// The kind that the plugin is used as. Needed only if the plugin is both a policy and a check.
    pub kind: Option<lockgate_domain::Kind>,
    /// The effect of its answer on the gate. That of the group if it is a member of one.
    pub enforcement: Enforcement,
    /// The condition for asking it, a CEL expression over the snapshot. None: always.
    pub when: Option<String>,
    /// The group that it counts in. None: it counts by itself.
    pub group: Option<String>,
    /// The exceptions that its answer allows.
    #[serde(flatten)]
    pub exceptions: Exceptions,
    #[serde(flatten)]
    pub plugin: PluginUse,
}

/// Several bindings that count as one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// The id. Unique within the gate, bindings included.
    pub id: String,
    /// When the group is satisfied: a CEL expression over the members' answers.
    pub expression: String,
    /// The effect of its answer on the gate.
    pub enforcement: Enforcement,
    /// The exceptions that its answer allows.
    #[serde(flatten)]
    pub exceptions: Exceptions,
}

/// The exceptions that the answer of a binding or group allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exceptions {
    /// Whether it can be waived. None: yes, unless it is hard-mandatory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waivable: Option<bool>,
    /// Whether an override counts only after a second person has confirmed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub two_person_override: Option<bool>,
}

impl Exceptions {
    /// Whether it can be waived.
    pub fn may_be_waived(self, enforcement: Enforcement) -> bool {
        self.waivable.unwrap_or(enforcement != Enforcement::HardMandatory)
    }

    /// Whether an override needs a second person.
    pub fn needs_two_people(self) -> bool {
        self.two_person_override.unwrap_or(false)
    }
}
