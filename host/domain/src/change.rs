//! The change under which a deployment runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{id, ids, text};
use crate::{PersonId, TimeWindow};

/// The categories of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeCategory {
    /// Must be made at once, usually to end an incident.
    Emergency,
    /// Low risk, well understood, authorised in advance.
    Standard,
    /// Assessed and authorised one by one.
    Normal,
}

/// How far the authorisation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeApproval {
    /// Asked for.
    Requested,
    /// Given.
    Approved,
    /// Refused.
    Rejected,
}

/// How likely and how bad a failure would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Unlikely and harmless.
    Low,
    /// Unlikely or harmless.
    Medium,
    /// Likely or harmful.
    High,
    /// Likely and harmful.
    Critical,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Unique in the change records.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// One line.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// One paragraph.
    #[serde(default)]
    pub description: String,
    /// How it is handled.
    pub category: ChangeCategory,
    /// How far its authorisation has come.
    pub approval: ChangeApproval,
    /// Its assessed risk.
    pub risk: Risk,
    /// The change window: planned start and planned end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<TimeWindow>,
    /// Who works on it, by person id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<PersonId>,
    /// The releases that it resolves to, by id: exactly one, says [rule 6](crate::rules).
    #[serde(deserialize_with = "ids")]
    pub releases: Vec<String>,
}
