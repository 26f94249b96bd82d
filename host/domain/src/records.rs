//! The other data objects of the value stream (IT4IT 3): the knowledge of Operate, Consume and Integrate.
//!
//! Plugins see each kind as a fact with the name given here: a JSON array in the form below.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::{distinct, keyed};
use crate::name::{by_name, id, ids, some_text, text, texts};
use crate::{Severity, TimeWindow, Timestamp};

/// An order from Consume or to Fulfill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The id of the order, unique among the orders.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The status of the order, in the words of the ordering system.
    #[serde(deserialize_with = "text")]
    pub status: String,
    /// When the order was placed (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed: Option<Timestamp>,
    /// When the order must be fulfilled (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The values that the order requires, by name.
    #[serde(default, deserialize_with = "by_name")]
    pub required: std::collections::BTreeMap<String, String>,
}

/// A fulfillment book: the procedure that fulfills one kind of resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FulfillmentBook {
    /// The id of the fulfillment book, unique among the fulfillment books.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The resource that the procedure fulfills.
    #[serde(deserialize_with = "text")]
    pub resource: String,
    /// Whether the procedure runs without people.
    pub automated: bool,
    /// Whether somebody has verified the procedure for this deployment.
    #[serde(default)]
    pub verified: bool,
    /// How long the procedure takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_time: Option<crate::Duration>,
}

/// The type of a service contract.
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

/// A contract about a service, between its provider and its consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceContract {
    /// The id of the contract, unique among the contracts.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The type of the contract.
    pub kind: ServiceContractKind,
    /// The provider of the service.
    #[serde(deserialize_with = "text")]
    pub provider: String,
    /// The consumer of the service.
    #[serde(deserialize_with = "text")]
    pub consumer: String,
    /// Whether the contract is in force.
    pub active: bool,
    /// The term of the contract: its start and its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<TimeWindow>,
    /// The times at which the product may be changed.
    #[serde(default)]
    pub maintenance_windows: Vec<TimeWindow>,
    /// The times at which the product must not be changed.
    #[serde(default)]
    pub blackouts: Vec<TimeWindow>,
    /// The objectives that were promised, one sentence each.
    #[serde(default, deserialize_with = "texts")]
    pub objectives: Vec<String>,
}

/// A key performance indicator with its last value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kpi {
    /// The id of the indicator, unique among the indicators.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The objective that the indicator serves.
    #[serde(default)]
    pub objective: String,
    /// The metric that is measured, with its unit.
    #[serde(deserialize_with = "text")]
    pub metric: String,
    /// The largest good value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// The smallest good value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// The last measured value. Absent if there is no data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// When the value was measured (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Timestamp>,
}

/// A monitor that watches an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceMonitor {
    /// The id of the monitor, unique among the monitors.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The type of the monitor, for example `http` or `process`.
    #[serde(deserialize_with = "text")]
    pub kind: String,
    /// The id of the instance that the monitor watches.
    #[serde(deserialize_with = "id")]
    pub instance: String,
    /// When the monitor last ran (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Timestamp>,
    /// The result of the last run, in the monitor's own words.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub last_status: Option<String>,
}

/// An event that a monitor or a component reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The id of the event, unique among the events.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The category of the event, for example `informational`, `warning` or `exception`.
    #[serde(deserialize_with = "text")]
    pub category: String,
    /// The severity of the event.
    pub severity: Severity,
    /// The status of the event, in the words of the system that reported it.
    #[serde(default)]
    pub status: String,
    /// When the event happened (RFC 3339).
    pub at: Timestamp,
    /// The message of the event, on one line.
    #[serde(default)]
    pub message: String,
}

/// An incident: an interruption of a service, or a loss of its quality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// The id of the incident, unique among the incidents.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The status of the incident, in the words of the system that tracks it.
    #[serde(deserialize_with = "text")]
    pub status: String,
    /// The severity of the incident.
    pub severity: Severity,
    /// The priority of the incident, in the organization's own words.
    #[serde(default)]
    pub priority: String,
    /// When the outage began (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_start: Option<Timestamp>,
    /// When the outage ended (RFC 3339). Absent if it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_end: Option<Timestamp>,
    /// The ids of the changes that the incident is linked to.
    #[serde(default, deserialize_with = "ids")]
    pub changes: Vec<String>,
}

/// A runbook: instructions for operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Runbook {
    /// The id of the runbook, unique among the runbooks.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The title of the runbook, on one line.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// Whether the runbook is deployed together with the instance.
    pub deployed: bool,
}

/// The records of other systems that plugins can read as facts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Records {
    /// The orders. Plugins read them as the fact `it4it.orders`.
    #[serde(deserialize_with = "distinct")]
    pub orders: Vec<Order>,
    /// The fulfillment books. Plugins read them as the fact `it4it.fulfillment-books`.
    #[serde(deserialize_with = "distinct")]
    pub fulfillment_books: Vec<FulfillmentBook>,
    /// The service contracts. Plugins read them as the fact `it4it.service-contracts`.
    #[serde(deserialize_with = "distinct")]
    pub service_contracts: Vec<ServiceContract>,
    /// The key performance indicators. Plugins read them as the fact `it4it.kpis`.
    #[serde(deserialize_with = "distinct")]
    pub kpis: Vec<Kpi>,
    /// The monitors. Plugins read them as the fact `it4it.service-monitors`.
    #[serde(deserialize_with = "distinct")]
    pub service_monitors: Vec<ServiceMonitor>,
    /// The events. Plugins read them as the fact `it4it.events`.
    #[serde(deserialize_with = "distinct")]
    pub events: Vec<Event>,
    /// The incidents. Plugins read them as the fact `it4it.incidents`.
    #[serde(deserialize_with = "distinct")]
    pub incidents: Vec<Incident>,
    /// The runbooks. Plugins read them as the fact `it4it.runbooks`.
    #[serde(deserialize_with = "distinct")]
    pub runbooks: Vec<Runbook>,
}

keyed!(
    Order: id, FulfillmentBook: id, ServiceContract: id, Kpi: id, ServiceMonitor: id, Event: id, Incident: id, Runbook: id,
);
