//! Deployment models: one readable TOML file says which plugins guard which gate, with what settings, and what their
//! answers do.
//!
//! What stands here is the model as it is *meant*: no positions, no comments, no order that does not matter. Its digest
//! is taken over this meaning, so laying the file out anew changes nothing that was approved.

mod check;
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

use lockgate_domain::{Digest, DigestError, Duration, Enforcement, Gate};
use serde::Serialize;

pub use check::check;
pub use finding::{FindingSeverity, LocatedFinding, ModelFinding, ModelFindings, Related, listed};
pub use grants::{GrantedDirectory, GrantedNamespace, GrantedOrigin, ModelGrants};
pub use pin::{PinError, pin};
pub use read::{Read, read, read_partly};
pub use select::{Candidate, Considered, Selection, SelectionError, select};
pub use source::{LARGEST_SOURCE, Position, Source, SourceError};
pub(crate) use spans::escaped;
pub use spans::{Spans, UsePlace};

/// A deployment model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Model {
    /// Lower-case, words joined by hyphens; unique among the models of an organization.
    pub id: String,
    /// A semantic version.
    pub version: String,
    /// One line.
    pub title: String,
    /// Which deployments it is for: a CEL expression over the snapshot. Absent: for all.
    pub applies_when: Option<String>,
    /// Which of several applicable models is chosen: the one with the highest rank.
    pub rank: i64,
    /// The environments that a release passes, by name and in order. Empty: any, in any order.
    pub environments: Vec<String>,
    /// The roles of the organisation's own that the model names, besides those that Lockgate knows. Whether a role is declared
    /// changes no decision, so the digest does not depend on it.
    #[serde(skip)]
    pub roles: BTreeSet<String>,
    /// The plugins, by the name that the rest of the model uses.
    pub plugins: BTreeMap<String, PluginSource>,
    /// How it is rolled out.
    pub strategy: Option<StrategyUse>,
    /// The checks that a strategy may ask for between its steps, by id.
    pub analyses: BTreeMap<String, PluginUse>,
    /// The gates that are guarded, each at most once, in the order in which a deployment meets them.
    pub gates: Vec<GateModel>,
}

impl Model {
    /// The digest of what the model means.
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

    /// The gate's bindings and groups; none if the model does not guard it.
    pub fn gate(&self, gate: Gate) -> Option<&GateModel> {
        self.gates.iter().find(|guarded| guarded.gate == gate)
    }
}

/// Where a plugin comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginSource {
    /// The component's file, relative to the model's own folder.
    #[serde(skip)]
    pub component: String,
    /// The digest that the file must have. Absent only while a model is being written: it cannot be evaluated.
    pub digest: Option<Digest>,
}

/// A plugin with the settings, limits and grants that it is used with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PluginUse {
    /// The plugin, by its name in the model.
    pub plugin: String,
    /// The settings, as the plugin's schema describes them.
    pub settings: serde_json::Value,
    /// What it may use up.
    pub limits: LimitOverrides,
    /// What it may do.
    pub grants: ModelGrants,
}

/// The strategy of a model, and who goes on where it waits for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StrategyUse {
    /// The plugin.
    #[serde(flatten)]
    pub plugin: PluginUse,
    /// The roles in which people end a hold that a person ends, and go on with a paused rollout; in order, at least one.
    pub resume_by: BTreeSet<String>,
}

/// The roles of [`StrategyUse::resume_by`] where a model names none.
pub const USUAL_RESUME_BY: [&str; 4] =
    ["deployment-manager", "release-manager", "operations-manager", "change-authority"];

/// The limits that a model sets; what it leaves out has the host's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LimitOverrides {
    /// In fuel: about one unit per instruction.
    pub fuel: Option<u64>,
    /// Linear memory in bytes.
    pub memory: Option<u64>,
    /// The size of the answer in bytes.
    pub result_size: Option<u64>,
    /// By the wall clock: a backstop, the fuel decides.
    pub wall_clock: Option<Duration>,
}

/// One guarded gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateModel {
    /// Which gate.
    pub gate: Gate,
    /// What is asked, by id in order.
    pub bindings: Vec<Binding>,
    /// What is made of the members' answers, by id in order.
    pub groups: Vec<Group>,
}

/// One plugin at one gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Binding {
    /// Unique within the gate, groups included.
    pub id: String,
    /// As what the plugin is asked: needed only if it is both a policy and a check.
    pub kind: Option<lockgate_domain::Kind>,
    /// What its answer does to the gate. A member of a group has none of its own.
    pub enforcement: Enforcement,
    /// Whether it is asked: a CEL expression over the snapshot. Absent: always.
    pub when: Option<String>,
    /// The group that it counts in, instead of by itself.
    pub group: Option<String>,
    /// How its answer may be excepted from.
    #[serde(flatten)]
    pub exceptions: Exceptions,
    /// The plugin and how it is used.
    #[serde(flatten)]
    pub plugin: PluginUse,
}

/// Several bindings that count as one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Unique within the gate, bindings included.
    pub id: String,
    /// When it is satisfied: a CEL expression over the members' answers.
    pub expression: String,
    /// What its answer does to the gate.
    pub enforcement: Enforcement,
    /// How its answer may be excepted from.
    #[serde(flatten)]
    pub exceptions: Exceptions,
}

/// How the answer of a binding or group may be excepted from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exceptions {
    /// Whether it can be waived. Absent: unless it is hard-mandatory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waivable: Option<bool>,
    /// Whether an override counts only once a second person has confirmed it.
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
