//! A deployment as people and pipelines write it: the file that `lockgate eval --deployment` reads.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::{distinct, keyed};
use crate::name::{by_name, id, ids, labels};
use crate::{
    Analysis, Approval, ApprovedPlan, Change, ComponentIdentity, Digest, Document, Environment, Instance, Overlap,
    Override, Person, PersonId, Plan, Progress, Records, Release, Risk, Rollout, Scenario, Timestamp, Waiver,
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
    /// The ids of the products that this one depends on.
    #[serde(default, deserialize_with = "ids")]
    pub depends_on: Vec<String>,
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
pub struct PastDeployment {
    /// The id of the earlier deployment.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The id of its release.
    #[serde(deserialize_with = "id")]
    pub release: String,
    /// The digest of the release as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_digest: Option<Digest>,
    /// The components of the release, in the order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "distinct")]
    pub components: Vec<ComponentIdentity>,
    /// The name of its environment.
    #[serde(deserialize_with = "id")]
    pub environment: String,
    /// The scenario of the deployment.
    pub scenario: Scenario,
    /// The assessed risk of its change.
    pub risk: Risk,
    /// When the deployment ended (RFC 3339).
    pub finished: Timestamp,
    /// The result of the deployment.
    pub outcome: DeploymentResult,
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
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty", deserialize_with = "distinct")]
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
    /// The waivers that were granted. Waivers that do not apply to this deployment have no effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "distinct")]
    pub waivers: Vec<Waiver>,
    /// Soft-mandatory answers that were overridden in an emergency.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "distinct")]
    pub overrides: Vec<Override>,
    /// Other deployments that are under way at the same time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlaps: Vec<Overlap>,
    /// Earlier deployments of the same product.
    #[serde(default, deserialize_with = "distinct")]
    pub history: Vec<PastDeployment>,
    /// Labels: any names with their values.
    #[serde(default, deserialize_with = "labels")]
    pub labels: BTreeMap<String, String>,
    /// The facts: documents by name. The host sets those whose names begin with `it4it.`.
    #[serde(default, deserialize_with = "by_name")]
    pub facts: BTreeMap<String, Document>,
    /// The records of other systems, which plugins read as facts.
    #[serde(default)]
    pub records: Records,
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

    /// The approvals of people who are not [involved](Self::involves): the only ones that policies see.
    pub fn independent_approvals(&self) -> impl Iterator<Item = &Approval> {
        self.approvals.iter().filter(|approval| !self.involves(&approval.person.id))
    }

    /// All people who are [involved](Self::involves).
    pub fn everybody_involved(&self) -> BTreeSet<PersonId> {
        let named = self.contributors.iter().chain([&self.requester]).map(|person| person.id.clone());
        named.chain(self.involved.iter().cloned()).collect()
    }
}

keyed!(PastDeployment: id);
