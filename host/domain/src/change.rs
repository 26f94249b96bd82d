//! The change under which a deployment runs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{currency, id, ids, labels, some_id, some_text, text};
use crate::{PersonId, TimeWindow, Timestamp};

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
    /// The change was withdrawn before it was carried out.
    Withdrawn,
    /// The change was carried out and closed.
    Closed,
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// The amount in minor units of the currency, for example cents.
    pub amount: i64,
    /// The currency, as ISO 4217 writes it, for example `EUR`.
    #[serde(deserialize_with = "currency")]
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
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

/// What can cause a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeTrigger {
    /// A requirement of the organization, for example a new regulation.
    Requirement,
    /// A new feature or release.
    Release,
    /// A change of the technology or of its operation.
    TechnicalChange,
    /// A third party, for example a supplier that ends a version.
    ThirdParty,
    /// The retirement of a product, or of a part of it.
    Retirement,
    /// The search for the cause of a problem, or its repair.
    Troubleshooting,
    /// A request of a user.
    ServiceRequest,
    /// Planned upkeep, for example to renew a certificate.
    Maintenance,
}

impl ChangeTrigger {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requirement => "requirement",
            Self::Release => "release",
            Self::TechnicalChange => "technical-change",
            Self::ThirdParty => "third-party",
            Self::Retirement => "retirement",
            Self::Troubleshooting => "troubleshooting",
            Self::ServiceRequest => "service-request",
            Self::Maintenance => "maintenance",
        }
    }
}

/// The contexts in which a change can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeContext {
    /// The change ends an incident.
    IncidentResolution,
    /// The change fulfills a request.
    RequestFulfilment,
    /// The change improves something that exists.
    Improvement,
    /// The change brings a new service, or changes one.
    NewOrChangedService,
    /// The change keeps a service running.
    OperationsAndMaintenance,
}

impl ChangeContext {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IncidentResolution => "incident-resolution",
            Self::RequestFulfilment => "request-fulfilment",
            Self::Improvement => "improvement",
            Self::NewOrChangedService => "new-or-changed-service",
            Self::OperationsAndMaintenance => "operations-and-maintenance",
        }
    }
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
    /// The id of the person who authorised the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<PersonId>,
    /// When the change was authorised (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Timestamp>,
    /// The assessed risk of the change.
    pub risk: Risk,
    /// How long the change can wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Risk>,
    /// How much the change affects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<Risk>,
    /// The priority of the change, in the organization's own words.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub priority: Option<String>,
    /// What caused the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<ChangeTrigger>,
    /// The id of what caused the change, for example of a release, a request or an incident.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub trigger_reference: Option<String>,
    /// The context in which the change is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ChangeContext>,
    /// The change window: planned start and planned end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<TimeWindow>,
    /// The id of the person who asked for the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<PersonId>,
    /// The id of the person who works on the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<PersonId>,
    /// The ids of the releases that the change resolves to. [Rule 6](crate::rules) requires exactly one.
    #[serde(deserialize_with = "ids")]
    pub releases: Vec<String>,
    /// The planned cost of the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_cost: Option<Money>,
    /// The system that holds the change.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub system: Option<String>,
    /// The address of the change in that system, as a URI.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub address: Option<String>,
    /// The status of the change, in the words of that system.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub status: Option<String>,
    /// The organization's own fields, by name.
    #[serde(default, deserialize_with = "labels")]
    pub attributes: BTreeMap<String, String>,
}
