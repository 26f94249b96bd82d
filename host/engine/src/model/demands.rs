//! What a model demands of facts and evidence: who has to say them, and how fresh they have to be.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_domain::{Attester, CRITERIA, Duration, FactSource, Gate, Phase, RegisterKind, Stage};
use serde::Serialize;

use super::Model;

/// A fact of which a model can demand something, by the name that models use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactName(RegisterKind);

impl FactName {
    /// All facts, each with its name.
    pub fn all() -> impl Iterator<Item = Self> {
        RegisterKind::ALL.iter().copied().filter(|kind| *kind != RegisterKind::People).map(Self)
    }

    /// The name that models use: `change` for one thing, and the name of the register for a list.
    pub fn as_str(self) -> &'static str {
        match self.0 {
            RegisterKind::Changes => "change",
            RegisterKind::Environments => "environment",
            RegisterKind::Products => "product",
            RegisterKind::Releases => "release",
            other => other.as_str(),
        }
    }

    /// The register that holds the fact.
    pub fn register(self) -> RegisterKind {
        self.0
    }

    /// The fact that a place of the snapshot belongs to. None if it belongs to none.
    pub fn at(pointer: &str) -> Option<Self> {
        let register = match RegisterKind::at(pointer)? {
            // They are a part of the release.
            RegisterKind::KnowledgeItems => RegisterKind::Releases,
            register => register,
        };
        Self::all().find(|fact| fact.0 == register)
    }

    /// The place of the fact in the snapshot, as a JSON Pointer.
    pub fn pointer(self) -> String {
        self.0.pointer()
    }

    /// Whether the fact is a list of entries.
    pub fn is_list(self) -> bool {
        self.as_str() == self.0.as_str()
    }

    /// The release.
    pub const RELEASE: Self = Self(RegisterKind::Releases);

    /// The knowledge items of the release.
    pub const KNOWLEDGE_ITEMS: Self = Self(RegisterKind::KnowledgeItems);

    /// The change, the environment and the inventory: what a live environment demands from registers.
    const OF_LIVE_ENVIRONMENTS: [Self; 3] =
        [Self(RegisterKind::Changes), Self(RegisterKind::Environments), Self(RegisterKind::Instances)];

    /// Whether the fact proves a criterion of the value stream at one of these gates.
    fn proves_criterion(self, is_at: impl Fn(Gate) -> bool) -> bool {
        let proved = CRITERIA.iter().filter(|criterion| criterion.gates.iter().any(|gate| is_at(*gate)));
        proved.filter_map(|criterion| Self::at(criterion.fact)).any(|fact| fact == self)
    }
}

impl Serialize for FactName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a model demands of a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FactDemand {
    /// The weakest source that is enough.
    pub from: FactSource,
    /// Who has to attest it. Empty: everybody who may.
    pub by: BTreeSet<Attester>,
    /// The greatest age that it may have, counted from the time for which it was attested.
    pub max_age: Option<Duration>,
    /// Whether its attester must not be involved in the deployment.
    pub independent: bool,
}

impl Model {
    /// What a live environment demands by itself of a fact, at some gate or at this one, if the model says nothing of it. With
    /// criteria, a criterion is not met by what the requester says. None: nothing.
    pub fn live_demand(&self, fact: FactName, at: Option<Gate>) -> Option<FactDemand> {
        let is_at = |gate: Gate| at.is_none_or(|at| at == gate);
        let is_demanded =
            FactName::OF_LIVE_ENVIRONMENTS.contains(&fact) || self.criteria && fact.proves_criterion(is_at);
        is_demanded.then(|| FactDemand {
            from: FactSource::Register,
            by: BTreeSet::new(),
            max_age: None,
            independent: fact.register() == RegisterKind::Changes,
        })
    }
}

/// What a model demands of a piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EvidenceDemand {
    /// Who has to attest it. Empty: everybody who may attach evidence.
    pub by: BTreeSet<Attester>,
    /// The greatest age that it may have, counted from when it was made.
    pub max_age: Option<Duration>,
    /// Whether its signature must have been verified.
    pub signed: bool,
    /// The gate from which on it is demanded.
    pub from_gate: Gate,
}

/// The gate from which on evidence is demanded if the model does not say.
pub const USUAL_EVIDENCE_GATE: Gate = Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit };

/// The demands of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Demands {
    /// Of facts, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<FactName, FactDemand>,
    /// Of evidence, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<String, EvidenceDemand>,
}
