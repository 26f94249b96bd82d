//! The deployment plan that is signed off at the end of plan-and-approve.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{id, ids, some_name, texts};
use crate::{Digest, Duration, PersonId, Rollout, TimeWindow};

/// The release that a rollback returns to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LastKnownGood {
    /// The release, by id.
    #[serde(deserialize_with = "id")]
    pub release: String,
    /// Its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Whether the rollback has been rehearsed.
    #[serde(default)]
    pub rehearsed: bool,
}

/// How a deployment is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WayBack {
    /// Remove what was installed: the way back of a first release.
    Removal,
    /// Return to the last known good release.
    LastKnownGood(LastKnownGood),
    /// There is none: only forward.
    ForwardOnly,
}

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
