//! The deployment plan, which people approve at the end of plan-and-approve.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::distinct;
use crate::name::{id, ids, some_name, texts};
use crate::{Component, Digest, Duration, PersonId, Rollout, TimeWindow, Timestamp, WayBack};

/// What happens to the data of an instance that is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataRetention {
    /// How long the data is kept.
    pub keep: Duration,
    /// Whether the customer can view it during that time.
    pub viewable_by_customer: bool,
    /// Who decided it, by person id.
    pub decided_by: PersonId,
}

/// A deployment plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Unique within the deployment.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The booked slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<TimeWindow>,
    /// As the organization ranks.
    #[serde(default)]
    pub priority: String,
    /// The step after which there is no way back.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
    pub point_of_no_return: Option<String>,
    /// How it is undone before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way_back: Option<WayBack>,
    /// The span in which events are suppressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression: Option<TimeWindow>,
    /// Whether the plan makes use of office hours because nobody consumes the product yet.
    #[serde(default)]
    pub office_hours_exception: bool,
    /// The instances that the deployment touches, by id.
    #[serde(default, deserialize_with = "ids")]
    pub targets: Vec<String>,
    /// What happens to the data of what is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_retention: Option<DataRetention>,
    /// The acceptance criteria, one sentence each.
    #[serde(default, deserialize_with = "texts")]
    pub criteria: Vec<String>,
    /// The steps that the model's strategy laid out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
}

/// What was approved at the exit of plan-and-approve. It is carried through the later stages as evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovedPlan {
    /// What the approvals named.
    pub subject: Digest,
    /// The decision that approved it, by id.
    pub decision: String,
    /// When.
    pub at: Timestamp,
    /// The release, by id.
    pub release: String,
    /// Its components.
    #[serde(deserialize_with = "distinct")]
    pub components: Vec<Component>,
    /// The digests of the parts that the subject is made of, by name: they tell which of them has changed since.
    pub parts: BTreeMap<String, Digest>,
    /// The evidence that was approved, by name: for each, the digest of its content's digest, media type, source and date (`made`)
    /// together.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<String, Digest>,
    /// The digest of the plan.
    pub plan: Digest,
    /// The digest of the deployment model.
    pub model: Digest,
}
