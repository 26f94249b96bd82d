//! The other data objects of the value stream (IT4IT 3): the knowledge of Operate, Consume and Integrate.
//!
//! Plugins see each kind as a fact with the name given here: a JSON array in the form below.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::{distinct, keyed};
use crate::name::{by_name, id, ids, some_text, text, texts};
use crate::{Severity, TimeWindow, Timestamp};

/// A request from Consume or to Fulfill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Unique among the orders.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// As the ordering system says.
    #[serde(deserialize_with = "text")]
    pub status: String,
    /// When it was placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed: Option<Timestamp>,
    /// When it is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The values that it requires.
    #[serde(default, deserialize_with = "by_name")]
    pub required: std::collections::BTreeMap<String, String>,
}

/// How one resource is fulfilled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FulfillmentBook {
    /// Unique among the fulfillment books.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The resource that it fulfills.
    #[serde(deserialize_with = "text")]
    pub resource: String,
    /// Whether it runs without people.
    pub automated: bool,
    /// Whether somebody has verified it for this deployment.
    #[serde(default)]
    pub verified: bool,
    /// How long it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_time: Option<crate::Duration>,
}

/// The types of service contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceContractKind {
    /// Service level agreement, with a customer.
    Sla,
    /// Operational level agreement, within the organization.
    Ola,
    /// Underpinning contract, with a supplier.
    Uc,
}

/// A service contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceContract {
    /// Unique among the contracts.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// Its type.
    pub kind: ServiceContractKind,
    /// Who provides.
    #[serde(deserialize_with = "text")]
    pub provider: String,
    /// Who consumes.
    #[serde(deserialize_with = "text")]
    pub consumer: String,
    /// Whether it is in force.
    pub active: bool,
    /// From when to when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<TimeWindow>,
    /// When the product may be worked on.
    #[serde(default)]
    pub maintenance_windows: Vec<TimeWindow>,
    /// When it must not be touched.
    #[serde(default)]
    pub blackouts: Vec<TimeWindow>,
    /// What was promised, one sentence each.
    #[serde(default, deserialize_with = "texts")]
    pub objectives: Vec<String>,
}

/// A key performance indicator and what it shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kpi {
    /// Unique among the indicators.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// What it is for.
    #[serde(default)]
    pub objective: String,
    /// What is measured, with its unit.
    #[serde(deserialize_with = "text")]
    pub metric: String,
    /// The value is good up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// The value is good from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// The last value; absent when there is no data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// When it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Timestamp>,
}

/// What watches an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceMonitor {
    /// Unique among the monitors.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// Its type, for example `http` or `process`.
    #[serde(deserialize_with = "text")]
    pub kind: String,
    /// The instance that it watches, by id.
    #[serde(deserialize_with = "id")]
    pub instance: String,
    /// When it last ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Timestamp>,
    /// How that ended.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub last_status: Option<String>,
}

/// Something that a monitor or a component reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Unique among the events.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// Its category, for example `informational`, `warning`, `exception`.
    #[serde(deserialize_with = "text")]
    pub category: String,
    /// How much it matters.
    pub severity: Severity,
    /// Its status.
    #[serde(default)]
    pub status: String,
    /// When it happened.
    pub at: Timestamp,
    /// One line.
    #[serde(default)]
    pub message: String,
}

/// An interruption or a loss of quality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// Unique among the incidents.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// Its status.
    #[serde(deserialize_with = "text")]
    pub status: String,
    /// How bad it is.
    pub severity: Severity,
    /// As the organization ranks.
    #[serde(default)]
    pub priority: String,
    /// When the outage began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_start: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_end: Option<Timestamp>,
    /// The changes that it is linked to, by id.
    #[serde(default, deserialize_with = "ids")]
    pub changes: Vec<String>,
}

/// Instructions for operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Runbook {
    /// Unique among the runbooks.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// One line.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// Whether it is deployed together with the instance.
    pub deployed: bool,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Records {
    /// The fact `it4it.orders`.
    #[serde(deserialize_with = "distinct")]
    pub orders: Vec<Order>,
    /// The fact `it4it.fulfillment-books`.
    #[serde(deserialize_with = "distinct")]
    pub fulfillment_books: Vec<FulfillmentBook>,
    /// The fact `it4it.service-contracts`.
    #[serde(deserialize_with = "distinct")]
    pub service_contracts: Vec<ServiceContract>,
    /// The fact `it4it.kpis`.
    #[serde(deserialize_with = "distinct")]
    pub kpis: Vec<Kpi>,
    /// The fact `it4it.service-monitors`.
    #[serde(deserialize_with = "distinct")]
    pub service_monitors: Vec<ServiceMonitor>,
    /// The fact `it4it.events`.
    #[serde(deserialize_with = "distinct")]
    pub events: Vec<Event>,
    /// The fact `it4it.incidents`.
    #[serde(deserialize_with = "distinct")]
    pub incidents: Vec<Incident>,
    /// The fact `it4it.runbooks`.
    #[serde(deserialize_with = "distinct")]
    pub runbooks: Vec<Runbook>,
}

keyed!(
    Order: id, FulfillmentBook: id, ServiceContract: id, Kpi: id, ServiceMonitor: id, Event: id, Incident: id, Runbook: id,
);
