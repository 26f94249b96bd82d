//! The deployment plan, which people approve at the end of plan-and-approve.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::distinct;
use crate::name::{id, ids, some_name, some_text, texts};
use crate::{Component, Digest, Duration, PersonId, TimeWindow, Timestamp, WayBack};

/// The retention of the data of a removed instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataRetention {
    /// How long the data is kept after the removal.
    pub keep: Duration,
    /// Whether the customer can view it during that time.
    pub viewable_by_customer: bool,
    /// The id of the person who decided it.
    pub decided_by: PersonId,
}

/// The plan of a deployment, which people approve.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The id of the plan, unique within the deployment.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The time slot that is booked for the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<TimeWindow>,
    /// The priority of the deployment, in the organization's own words.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub priority: Option<String>,
    /// The id of the step after which the deployment can no longer be rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
    pub point_of_no_return: Option<String>,
    /// How the deployment is rolled back before the point of no return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way_back: Option<WayBack>,
    /// The time span in which events are suppressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression: Option<TimeWindow>,
    /// Whether the plan uses office hours, because the product has no consumers yet.
    #[serde(default)]
    pub office_hours_exception: bool,
    /// When consumers and dependants are told (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Timestamp>,
    /// The ids of the resources that the deployment needs for itself during its slot: people, tools, infrastructure.
    #[serde(default, deserialize_with = "ids")]
    pub resources: Vec<String>,
    /// The ids of the instances that the deployment changes.
    #[serde(default, deserialize_with = "ids")]
    pub targets: Vec<String>,
    /// The ids of the instances of the product that stay as they are.
    #[serde(default, deserialize_with = "ids")]
    pub staying: Vec<String>,
    /// The retention of the data of removed instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_retention: Option<DataRetention>,
    /// The acceptance criteria, one sentence each.
    #[serde(default, deserialize_with = "texts")]
    pub criteria: Vec<String>,
}

/// The approved plan: what the exit of plan-and-approve approved. The later stages compare the deployment with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovedPlan {
    /// The subject that the approvals named: the digest over everything that was approved.
    pub subject: Digest,
    /// The id of the decision that approved the plan.
    pub decision: String,
    /// When the plan was approved (RFC 3339); the server sets it.
    pub at: Timestamp,
    /// The id of the approved release.
    pub release: String,
    /// The digest of the approved release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The components of the approved release.
    #[serde(deserialize_with = "distinct")]
    pub components: Vec<Component>,
    /// The digests of the parts of the subject, by name. They tell which part has changed since.
    pub parts: BTreeMap<String, Digest>,
    /// The approved evidence, by name. Each digest covers the content's digest, the media type, the source and the date
    /// (`made`).
    #[serde(default)]
    pub evidence: BTreeMap<String, Digest>,
    /// The digest of the approved plan.
    pub plan: Digest,
    /// The digest of the approved rollout, if it was laid out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Digest>,
    /// The digest of the deployment model.
    pub model: Digest,
}
