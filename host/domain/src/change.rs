//! The change under which a deployment runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{id, ids, text};
use crate::{PersonId, TimeWindow};

/// The category of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeCategory {
    /// An emergency change: it must be made at once, usually to end an incident.
    Emergency,
    /// A standard change: low risk, well understood, authorised in advance.
    Standard,
    /// A normal change: assessed and authorised individually.
    Normal,
}

/// The state of a change's authorisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeApproval {
    /// The change was requested, and is not authorised yet.
    Requested,
    /// The change is authorised.
    Approved,
    /// The authorisation was refused.
    Rejected,
}

/// The risk of a change: how likely a problem is, and how much harm it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// A problem is unlikely and would do little harm.
    Low,
    /// A problem is unlikely, or would do little harm.
    Medium,
    /// A problem is likely, or would do much harm.
    High,
    /// A problem is likely and would do much harm.
    Critical,
}

/// A change, as the change records hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The id of the change, unique in the change records.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The title of the change, on one line.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The description of the change, in one paragraph.
    #[serde(default)]
    pub description: String,
    /// The category of the change, which decides how it is authorised.
    pub category: ChangeCategory,
    /// The state of the change's authorisation.
    pub approval: ChangeApproval,
    /// The assessed risk of the change.
    pub risk: Risk,
    /// The change window: planned start and planned end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<TimeWindow>,
    /// The id of the person who works on the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<PersonId>,
    /// The ids of the releases that the change resolves to. [Rule 6](crate::rules) requires exactly one.
    #[serde(deserialize_with = "ids")]
    pub releases: Vec<String>,
}
