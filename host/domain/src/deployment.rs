//! A deployment as people and pipelines write it: the file that `lockgate eval --deployment` reads.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::{distinct, keyed};
use crate::name::{by_name, id, ids, labels};
use crate::{
    Approval, ApprovedPlan, Change, ComponentIdentity, Digest, Document, Environment, Instance, Overlap, Override,
    Person, PersonId, Plan, Records, Release, Risk, Scenario, Timestamp, Waiver,
};

/// The digital product that the release belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Unique within the organization.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// For people.
    #[serde(default)]
    pub name: String,
    /// The products that it depends on, by id.
    #[serde(default, deserialize_with = "ids")]
    pub depends_on: Vec<String>,
}

/// How an earlier deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeploymentResult {
    /// Handed over to operations.
    Operational,
    /// Taken back.
    RolledBack,
    /// Broken.
    Failed,
    /// Given up.
    Aborted,
    /// Never allowed.
    Rejected,
}

/// An earlier deployment of the same product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PastDeployment {
    /// Unique.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The release, by id.
    #[serde(deserialize_with = "id")]
    pub release: String,
    /// The digest of the release as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_digest: Option<Digest>,
    /// What was in the release, in the order of the names.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "distinct")]
    pub components: Vec<ComponentIdentity>,
    /// The environment, by name.
    #[serde(deserialize_with = "id")]
    pub environment: String,
    /// What kind of deployment it was.
    pub scenario: Scenario,
    /// The risk it was assessed at.
    pub risk: Risk,
    /// When it ended.
    pub finished: Timestamp,
    /// How it ended.
    pub outcome: DeploymentResult,
}

/// A deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Unique.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// What kind of deployment it is.
    pub scenario: Scenario,
    /// Who asks for it.
    pub requester: Person,
    /// Who contributed to the change.
    #[serde(default, deserialize_with = "distinct")]
    pub contributors: Vec<Person>,
    /// Everybody else who was ever involved, by person id: who asked in somebody else's name, who revised the document, and
    /// who was its requester or a contributor before. The host adds it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty", deserialize_with = "distinct")]
    pub involved: BTreeSet<PersonId>,
    /// The product that the release belongs to.
    pub product: Product,
    /// What is deployed, or removed.
    pub release: Release,
    /// Where it goes.
    pub environment: Environment,
    /// The change under which it runs.
    pub change: Change,
    /// The deployment plan; absent until somebody planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// What shall be there.
    #[serde(default, deserialize_with = "distinct")]
    pub desired_instances: Vec<Instance>,
    /// What is there.
    #[serde(default, deserialize_with = "distinct")]
    pub actual_instances: Vec<Instance>,
    /// What people answered.
    #[serde(default, deserialize_with = "distinct")]
    pub approvals: Vec<Approval>,
    /// What was approved; absent until the exit of plan-and-approve has been passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<ApprovedPlan>,
    /// Exceptions that were granted. Those that are not about this deployment do no harm.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "distinct")]
    pub waivers: Vec<Waiver>,
    /// Soft-mandatory answers that were overridden in an emergency.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "distinct")]
    pub overrides: Vec<Override>,
    /// Other deployments that are under way at the same time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlaps: Vec<Overlap>,
    /// Earlier deployments of the product.
    #[serde(default, deserialize_with = "distinct")]
    pub history: Vec<PastDeployment>,
    /// Name and value.
    #[serde(default, deserialize_with = "labels")]
    pub labels: BTreeMap<String, String>,
    /// Documents by name; names that begin with `it4it.` are the host's own.
    #[serde(default, deserialize_with = "by_name")]
    pub facts: BTreeMap<String, Document>,
    /// The other data objects of the value stream.
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
