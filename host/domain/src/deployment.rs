//! A deployment as people and pipelines write it: the file that `lockgate eval --deployment` reads.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::{distinct, keyed};
use crate::name::{by_name, id, ids, labels, some_id, some_name, some_text, texts};
use crate::people::people_by_id;
use crate::{
    Analysis, Approval, ApprovedPlan, Change, ComponentIdentity, Digest, Document, Environment, GatePassage,
    GrantedExemption, HandOver, Instance, KpiIntervals, KpiSamples, LapsedEntry, LateReview, NamedPerson, Overlap,
    Override, Person, PersonId, PersonKind, Plan, Progress, Provenance, Registers, Release, Risk, Rollout, Scenario,
    Stop, Timestamp, Waiver,
};

/// The digital product that the release belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The id of the product, unique within the organization.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The name of the product, for display.
    #[serde(default)]
    pub name: String,
    /// The owner of the product, for example a team or a person.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub owner: Option<String>,
    /// The ids of the products that this one depends on.
    #[serde(default, deserialize_with = "ids")]
    pub depends_on: Vec<String>,
    /// The segments of consumers that the product serves.
    #[serde(default, deserialize_with = "texts")]
    pub segments: Vec<String>,
    /// The number of consumers of the product. Absent if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumers: Option<u32>,
    /// The organization's own fields, by name.
    #[serde(default, deserialize_with = "labels")]
    pub attributes: BTreeMap<String, String>,
}

/// The result of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeploymentResult {
    /// The deployment has not ended.
    UnderWay,
    /// The deployment was completed and handed over to operations.
    Operational,
    /// The deployment was rolled back.
    RolledBack,
    /// The deployment failed, and was neither completed nor rolled back.
    Failed,
    /// The deployment was given up before anything was changed.
    Aborted,
    /// The deployment was rejected.
    Rejected,
}

impl DeploymentResult {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnderWay => "under-way",
            Self::Operational => "operational",
            Self::RolledBack => "rolled-back",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::Rejected => "rejected",
        }
    }
}

/// An earlier deployment of the same product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentRecord {
    /// The id of the earlier deployment.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The id of its product.
    #[serde(deserialize_with = "id")]
    pub product: String,
    /// The id of its change.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub change: Option<String>,
    /// The id of its release.
    #[serde(deserialize_with = "id")]
    pub release: String,
    /// The digest of the release as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The components of the release, in the order of their names.
    #[serde(default, deserialize_with = "distinct")]
    pub components: Vec<ComponentIdentity>,
    /// The name of its environment.
    #[serde(deserialize_with = "id")]
    pub environment: String,
    /// Whether consumers depend on that environment.
    #[serde(default)]
    pub live: bool,
    /// The id of its deployment model.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
    pub model: Option<String>,
    /// The version of that model.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
    pub model_version: Option<String>,
    /// The scenario of the deployment.
    pub scenario: Scenario,
    /// The assessed risk of its change.
    pub risk: Risk,
    /// The number of deployments to the same environment under the same change, this one included.
    #[serde(default = "first")]
    pub iteration: u32,
    /// When the deployment was requested (RFC 3339).
    pub requested: Timestamp,
    /// When its fulfillment began (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
    /// When the deployment ended (RFC 3339). Absent while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// The result of the deployment.
    pub outcome: DeploymentResult,
    /// The id of the release that it returned to, if it was rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub returned_to: Option<String>,
    /// The ids of the incidents that are linked to it.
    #[serde(default, deserialize_with = "ids")]
    pub incidents: Vec<String>,
}

fn first() -> u32 {
    1
}

/// A deployment: a release, its target environment, and everything that a gate decides on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The id of the deployment, unique within its team.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The scenario of the deployment: what it does to the product.
    pub scenario: Scenario,
    /// The person who requests the deployment.
    pub requester: Person,
    /// The people who contributed to the change.
    #[serde(default, deserialize_with = "distinct")]
    pub contributors: Vec<Person>,
    /// The ids of all other people who were ever involved: people who requested it in another person's name, revised
    /// its document, or were its requester or a contributor earlier. The host sets them.
    #[serde(default, deserialize_with = "distinct")]
    pub involved: BTreeSet<PersonId>,
    /// The product that the release belongs to.
    pub product: Product,
    /// The release that is deployed, or removed.
    pub release: Release,
    /// The target environment.
    pub environment: Environment,
    /// The change under which the deployment runs.
    pub change: Change,
    /// The deployment plan. Absent until it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// The rollout that the model's strategy laid out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// The progress of the rollout, from fulfill on. The host sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// The analysis that a step of the rollout asks a check for. The host sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Analysis>,
    /// The instances that must exist after the deployment.
    #[serde(default, deserialize_with = "distinct")]
    pub desired_instances: Vec<Instance>,
    /// The instances that exist now.
    #[serde(default, deserialize_with = "distinct")]
    pub actual_instances: Vec<Instance>,
    /// The approvals and rejections that people gave.
    #[serde(default, deserialize_with = "distinct")]
    pub approvals: Vec<Approval>,
    /// The approved plan. Absent until the deployment has passed the exit of plan-and-approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<ApprovedPlan>,
    /// The gates that were passed, in order. The host sets them.
    #[serde(default)]
    pub gates_passed: Vec<GatePassage>,
    /// The hand-over to those who operate what was deployed. Absent until somebody proposes it. The host sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand_over: Option<HandOver>,
    /// The waivers that were granted. Waivers that do not apply to this deployment have no effect.
    #[serde(default, deserialize_with = "distinct")]
    pub waivers: Vec<Waiver>,
    /// Soft-mandatory answers that were overridden in an emergency.
    #[serde(default, deserialize_with = "distinct")]
    pub overrides: Vec<Override>,
    /// Other deployments that are under way at the same time.
    #[serde(default)]
    pub overlaps: Vec<Overlap>,
    /// The stops of the line whose scope includes the deployment. The host sets them.
    #[serde(default, deserialize_with = "distinct", skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<Stop>,
    /// The overrides of deployments of the same product whose review is late. The host sets them.
    #[serde(default, deserialize_with = "distinct", skip_serializing_if = "Vec::is_empty")]
    pub late_reviews: Vec<LateReview>,
    /// Earlier deployments of the same product, and others that are under way.
    #[serde(default, deserialize_with = "distinct")]
    pub history: Vec<DeploymentRecord>,
    /// Labels: any names with their values.
    #[serde(default, deserialize_with = "labels")]
    pub labels: BTreeMap<String, String>,
    /// The organization's own facts: documents by name.
    #[serde(default, deserialize_with = "by_name")]
    pub facts: BTreeMap<String, Document>,
    /// The registers: what other systems know. Plugins read those that they are granted.
    #[serde(default, skip_serializing_if = "Registers::is_empty")]
    pub registers: Registers,
    /// The people that the deployment names, by id, as the register of people knows them. Absent: nobody keeps it. The host
    /// sets them.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "people_by_id")]
    pub people: Option<BTreeMap<String, NamedPerson>>,
    /// The samples of the indicators, by the id of the indicator. Absent: no plugin of the model reads them, or nobody keeps
    /// indicators. The host sets them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<BTreeMap<String, KpiSamples>>,
    /// The samples of the indicators since the release was deployed, summarized by intervals, by the id of the indicator. Absent: no
    /// plugin of the model reads them, nobody keeps indicators, or nothing is deployed yet. The host sets them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_intervals: Option<BTreeMap<String, KpiIntervals>>,
    /// The entries of registers that concerned the deployment, and expired or were withdrawn by somebody else than those who
    /// attested them: the lists lack them. The host sets them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lapsed: Vec<LapsedEntry>,
    /// Who says the facts, by JSON Pointer. The requester told what is not in it. The host sets it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub provenance: BTreeMap<String, Provenance>,
}

impl Deployment {
    /// Whether a person asked for the deployment, contributed to it, or wrote a part of its document, now or earlier.
    /// Such a person cannot approve the deployment, waive for it, override at its gates, or confirm or review an
    /// override: separation of duties means the same for all of them.
    pub fn involves(&self, person: &PersonId) -> bool {
        self.requester.id == *person
            || self.contributors.iter().any(|contributor| contributor.id == *person)
            || self.involved.contains(person)
    }

    /// The rollout as it was laid out: the one that is carried out, else the one of the document.
    pub fn laid_out(&self) -> Option<&Rollout> {
        self.progress.as_ref().map(|progress| &progress.rollout).or(self.rollout.as_ref())
    }

    /// The approvals of people who are not [involved](Self::involves), given for themselves or for others who are not: the only
    /// ones that policies see.
    pub fn independent_approvals(&self) -> impl Iterator<Item = &Approval> {
        let involves = |id| self.involves(id);
        self.approvals.iter().filter(move |approval| {
            !involves(&approval.person.id) && !approval.on_behalf_of.as_ref().is_some_and(involves)
        })
    }

    /// The people who contributed, and everybody else who was ever involved, without the requester. Of the others only the
    /// ids are known.
    pub fn everybody_else(&self) -> Vec<Person> {
        let named = |id: &PersonId| self.requester.id == *id || self.contributors.iter().any(|person| person.id == *id);
        let others = self.involved.iter().filter(|id| !named(id)).map(|id| Person {
            id: id.clone(),
            kind: PersonKind::Person,
            roles: Vec::new(),
            team: None,
        });
        self.contributors.iter().cloned().chain(others).collect()
    }

    /// The actual or the desired instance with this id.
    pub fn instance(&self, actual: bool, id: &str) -> Option<&Instance> {
        let instances = if actual { &self.actual_instances } else { &self.desired_instances };
        instances.iter().find(|instance| instance.id == id)
    }

    /// The earlier deployments, newest first. Those that ended at the same time keep their order.
    pub fn newest_first(&self) -> Vec<&DeploymentRecord> {
        let mut newest_first: Vec<&DeploymentRecord> = self.history.iter().collect();
        newest_first.sort_by_key(|record| std::cmp::Reverse(record.ended.unwrap_or(record.requested)));
        newest_first
    }

    /// The exceptions that were granted for the deployment: each waiver for each of its bindings, then the overrides.
    pub fn exemptions(&self) -> Vec<GrantedExemption> {
        let waived = self.waivers.iter().flat_map(|waiver| {
            waiver.scope.bindings.iter().map(|binding| GrantedExemption {
                id: waiver.id.clone(),
                kind: "waiver".to_owned(),
                binding: binding.clone(),
                codes: waiver.scope.codes.clone(),
                owner: waiver.owner.normal().to_owned(),
                reason: waiver.reason.clone(),
                expires: Some(waiver.expires),
            })
        });
        let of_bindings = self.overrides.iter().filter(|taken| taken.stop.is_none());
        let overridden = of_bindings.map(|taken| GrantedExemption {
            id: taken.id.clone(),
            kind: "override".to_owned(),
            binding: taken.binding.clone(),
            codes: Vec::new(),
            owner: taken.by.normal().to_owned(),
            reason: taken.reason.clone(),
            expires: None,
        });
        waived.chain(overridden).collect()
    }

    /// All people who are [involved](Self::involves).
    pub fn everybody_involved(&self) -> BTreeSet<PersonId> {
        let named = self.contributors.iter().chain([&self.requester]).map(|person| person.id.clone());
        named.chain(self.involved.iter().cloned()).collect()
    }
}

keyed!(DeploymentRecord: id);
