//! Registers: what the organisation knows of one kind of thing each, from Operate, Consume and Integrate.
//!
//! A register that is absent is one that nobody keeps, which is not the same as an empty one. Plugins read each with a
//! method of its own, if the operator granted it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::distinct::{Keyed, distinct, keyed};
use crate::name::{finite, id, ids, labels, name, some_finite, some_id, some_share, some_text, text, texts};
use crate::registered_key::keys;
use crate::{Digest, Duration, Pattern, RegisteredKey, Severity, TimeWindow, Timestamp, closest};

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
    /// Whether the order is fulfilled.
    #[serde(default)]
    pub fulfilled: bool,
    /// When the order was placed (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed: Option<Timestamp>,
    /// When the order must be fulfilled (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The id of the supplier who fulfills the order.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub supplier: Option<String>,
    /// The values that the order requires, by name.
    #[serde(default, deserialize_with = "labels")]
    pub required: BTreeMap<String, String>,
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
    pub fulfills: String,
    /// Whether the procedure runs without people.
    pub automated: bool,
    /// Whether somebody has verified the procedure for this deployment.
    #[serde(default)]
    pub verified: bool,
    /// The digest of the procedure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// How long the procedure takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_time: Option<Duration>,
}

/// A contract about a service, between its provider and its consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceContract {
    /// The id of the contract, unique among the contracts.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The kind of contract: `sla` with a customer, `ola` within the organization, `uc` with a supplier, or another word.
    #[serde(deserialize_with = "name")]
    pub kind: String,
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
    pub maintenance: Vec<TimeWindow>,
    /// The times at which the product must not be changed.
    #[serde(default)]
    pub blackouts: Vec<TimeWindow>,
    /// The objectives that were promised, one sentence each.
    #[serde(default, deserialize_with = "texts")]
    pub objectives: Vec<String>,
}

/// A key performance indicator with its last value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, try_from = "WrittenKpi")]
#[schemars(!try_from)]
pub struct Kpi {
    /// The id of the indicator, unique among the indicators.
    pub id: String,
    /// The id of the contract that promises it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// The id of the instance that it is measured at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The objective that the indicator serves.
    #[serde(default)]
    pub objective: String,
    /// The metric that is measured.
    pub metric: String,
    /// The unit of all numbers here, as UCUM writes it, for example `ms`, `%` or `1`.
    pub unit: String,
    /// Whether the values only ever grow, so that their differences count.
    #[serde(default)]
    pub counter: bool,
    /// The smallest good value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// The largest good value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// The share of bad values that is allowed, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub budget: Option<f64>,
    /// The last measured value. Absent if there is no data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<f64>,
    /// When the last value was measured (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Timestamp>,
    /// The number of values that are kept.
    #[serde(default)]
    pub samples: u32,
}

/// An indicator as people write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKpi {
    #[serde(deserialize_with = "id")]
    id: String,
    #[serde(default, deserialize_with = "some_id")]
    contract: Option<String>,
    #[serde(default, deserialize_with = "some_id")]
    instance: Option<String>,
    #[serde(default)]
    objective: String,
    #[serde(deserialize_with = "text")]
    metric: String,
    #[serde(deserialize_with = "text")]
    unit: String,
    #[serde(default)]
    counter: bool,
    #[serde(default, deserialize_with = "some_finite")]
    at_least: Option<f64>,
    #[serde(default, deserialize_with = "some_finite")]
    at_most: Option<f64>,
    #[serde(default, deserialize_with = "some_share")]
    budget: Option<f64>,
    #[serde(default, deserialize_with = "some_finite")]
    latest: Option<f64>,
    #[serde(default)]
    measured: Option<Timestamp>,
    #[serde(default)]
    samples: u32,
}

impl TryFrom<WrittenKpi> for Kpi {
    type Error = String;

    fn try_from(written: WrittenKpi) -> Result<Self, String> {
        let WrittenKpi {
            id,
            contract,
            instance,
            objective,
            metric,
            unit,
            counter,
            at_least,
            at_most,
            budget,
            latest,
            measured,
            samples,
        } = written;
        if let (Some(least), Some(most)) = (at_least, at_most)
            && least > most
        {
            return Err(format!(
                "`at_least` is {least} and `at_most` is {most}: no value is good, so correct one of them"
            ));
        }
        Ok(Self {
            id,
            contract,
            instance,
            objective,
            metric,
            unit,
            counter,
            at_least,
            at_most,
            budget,
            latest,
            measured,
            samples,
        })
    }
}

/// A monitor that watches an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    /// The id of the monitor, unique among the monitors.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The kind of monitor, for example `http` or `process`.
    #[serde(deserialize_with = "text")]
    pub kind: String,
    /// The id of the instance that the monitor watches.
    #[serde(deserialize_with = "id")]
    pub instance: String,
    /// Whether the last run found the instance healthy. Absent if nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy: Option<bool>,
    /// The result of the last run, in the monitor's own words.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub last_status: Option<String>,
    /// When the monitor last ran (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Timestamp>,
    /// The time from one run to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
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
    /// The kind of event, for example `alert`.
    #[serde(deserialize_with = "text")]
    pub kind: String,
    /// The severity of the event.
    pub severity: Severity,
    /// Whether the event still calls for something.
    #[serde(default)]
    pub open: bool,
    /// When the event happened (RFC 3339).
    pub at: Timestamp,
    /// The id of the instance that it happened at.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub instance: Option<String>,
    /// The message of the event, on one line.
    #[serde(default)]
    pub message: String,
    /// The ids of events, incidents and changes that it is correlated with.
    #[serde(default, deserialize_with = "ids")]
    pub correlated: Vec<String>,
}

/// An incident: an interruption of a service, or a loss of its quality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// The id of the incident, unique among the incidents.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The title of the incident, on one line.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The status of the incident, in the words of the system that tracks it.
    #[serde(deserialize_with = "text")]
    pub status: String,
    /// Whether the incident is open.
    pub open: bool,
    /// The severity of the incident.
    pub severity: Severity,
    /// The priority of the incident, in the organization's own words.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub priority: Option<String>,
    /// When the outage began (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_start: Option<Timestamp>,
    /// When the outage ended (RFC 3339). Absent if it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_end: Option<Timestamp>,
    /// The ids of the changes that the incident is linked to.
    #[serde(default, deserialize_with = "ids")]
    pub changes: Vec<String>,
    /// The ids of the instances that the incident affects.
    #[serde(default, deserialize_with = "ids")]
    pub instances: Vec<String>,
}

/// An interaction with a consumer, for example a call at the help desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interaction {
    /// The id of the interaction, unique among the interactions.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The kind of interaction, for example `complaint` or `question`.
    #[serde(deserialize_with = "text")]
    pub kind: String,
    /// When it happened (RFC 3339).
    pub at: Timestamp,
    /// The id of the product, the instance or the change that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub about: Option<String>,
    /// The title of the interaction, on one line.
    #[serde(deserialize_with = "text")]
    pub title: String,
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
    /// The kind of runbook, for example `restart` or `restore`.
    #[serde(deserialize_with = "text")]
    pub kind: String,
    /// The digest of its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The id of the instance that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub instance: Option<String>,
    /// Whether the runbook is deployed together with the instance.
    pub deployed: bool,
}

/// A finding of an audit or an assessment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditFinding {
    /// The id of the finding, unique among the findings.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The title of the finding, on one line.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The kind of finding, for example `pentest` or `audit`.
    #[serde(deserialize_with = "text")]
    pub kind: String,
    /// The severity of the finding.
    pub severity: Severity,
    /// Whether the finding is open.
    pub open: bool,
    /// The clause that it is about, as a URI or in words.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub clause: Option<String>,
    /// The id of the product, the release or the instance that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub about: Option<String>,
    /// When the finding was raised (RFC 3339).
    pub raised: Timestamp,
    /// When it must be resolved (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// A supplier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Supplier {
    /// The id of the supplier, unique among the suppliers.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The name of the supplier, for display.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// The ids of its contracts.
    #[serde(default, deserialize_with = "ids")]
    pub contracts: Vec<String>,
    /// What it does, one sentence each.
    #[serde(default, deserialize_with = "texts")]
    pub does: Vec<String>,
    /// The organization's own fields, by name.
    #[serde(default, deserialize_with = "labels")]
    pub attributes: BTreeMap<String, String>,
    /// The keys with which it signs evidence; at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "keys")]
    #[schemars(length(max = 16))]
    pub keys: Vec<RegisteredKey>,
}

/// A capacity of a product, and how much of it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// The id of the capacity, unique among the capacities.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The id of the product.
    #[serde(deserialize_with = "id")]
    pub product: String,
    /// The kind of capacity, for example `memory`.
    #[serde(deserialize_with = "text")]
    pub kind: String,
    /// The unit of both numbers, as UCUM writes it.
    #[serde(deserialize_with = "text")]
    pub unit: String,
    /// The whole capacity.
    #[serde(deserialize_with = "finite")]
    pub total: f64,
    /// The part of it that is used.
    #[serde(deserialize_with = "finite")]
    pub used: f64,
    /// When it was measured (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Timestamp>,
}

macro_rules! registers {
    ($($(#[doc = $doc:literal])+ $field:ident $name:literal: $entry:ident,)+) => {
        /// The registers that the snapshot holds. Each can be absent: then nobody keeps it.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct Registers {
            $(
                $(#[doc = $doc])+
                #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some_distinct")]
                pub $field: Option<Vec<$entry>>,
            )+
        }

        impl Registers {
            /// Adds an entry to the register with that name, which somebody keeps from then on. No other name has an effect.
            ///
            /// # Errors
            /// If the value is no entry of that register.
            pub(crate) fn add(&mut self, name: &str, value: &serde_json::Value) -> Result<(), crate::ValueError> {
                match name {
                    $($name => self.$field.get_or_insert_default().push(crate::read_value(value)?),)+
                    _ => {}
                }
                Ok(())
            }

            /// Begins the register with that name without entries. No other name has an effect.
            pub(crate) fn begin(&mut self, name: &str) {
                match name {
                    $($name => self.$field = Some(Vec::new()),)+
                    _ => {}
                }
            }

            /// The names of all registers, as grants write them.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The number of entries of the register with that name; none if nobody keeps it, or there is no register with that name.
            pub fn entries(&self, name: &str) -> Option<usize> {
                match name {
                    $($name => self.$field.as_ref().map(Vec::len),)+
                    _ => None,
                }
            }

            /// The register with that name as JSON; none if nobody keeps it, or there is no register with that name.
            ///
            /// # Errors
            /// If it has no JSON form.
            pub fn json(&self, name: &str) -> serde_json::Result<Option<serde_json::Value>> {
                match name {
                    $($name => self.$field.as_ref().map(serde_json::to_value).transpose(),)+
                    _ => Ok(None),
                }
            }
        }
    };
}

registers! {
    /// The orders.
    orders "orders": Order,
    /// The fulfillment books.
    fulfillment_books "fulfillment-books": FulfillmentBook,
    /// The service contracts.
    service_contracts "service-contracts": ServiceContract,
    /// The key performance indicators.
    kpis "kpis": Kpi,
    /// The monitors.
    monitors "monitors": Monitor,
    /// The events.
    events "events": Event,
    /// The incidents.
    incidents "incidents": Incident,
    /// The interactions with consumers.
    interactions "interactions": Interaction,
    /// The runbooks.
    runbooks "runbooks": Runbook,
    /// The findings of audits and assessments.
    audit_findings "audit-findings": AuditFinding,
    /// The suppliers.
    suppliers "suppliers": Supplier,
    /// The capacities.
    capacities "capacities": Capacity,
}

/// A pattern that is granted and fits no register, and does not begin with `fact:`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` grants nothing: no register is called that")]
pub struct UnknownRegister {
    pattern: String,
}

impl UnknownRegister {
    /// The way out, in one sentence.
    pub fn help(&self) -> String {
        let Self { pattern } = self;
        match closest(pattern, Registers::granted_names()) {
            Some(close) => format!("did you mean `{close}`? Facts of the organization begin with `fact:`"),
            None => format!(
                "for a fact of the organization write `fact:{pattern}`; the registers are `{}`",
                Registers::granted_names().collect::<Vec<_>>().join("`, `")
            ),
        }
    }
}

impl Registers {
    /// The names of all registers that can be granted: those that the snapshot holds, and `people`, from which it holds the people
    /// that the deployment names.
    pub fn granted_names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().copied().chain(["people"])
    }

    /// Checks a pattern that is granted: it fits a register, or is about facts of the organization.
    ///
    /// # Errors
    /// If it can never grant anything.
    pub fn check_grant(pattern: &str) -> Result<(), UnknownRegister> {
        let fits = |name: &str| Pattern::new(pattern).matches(name);
        match pattern.starts_with("fact:") || Self::granted_names().any(fits) {
            true => Ok(()),
            false => Err(UnknownRegister { pattern: pattern.to_owned() }),
        }
    }
}

impl Registers {
    /// Whether nobody keeps any register.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads a list in which every key is unique.
fn some_distinct<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Keyed,
{
    distinct(deserializer).map(Some)
}

keyed!(
    Order: id, FulfillmentBook: id, ServiceContract: id, Kpi: id, Monitor: id, Event: id, Incident: id, Interaction: id,
    Runbook: id, AuditFinding: id, Supplier: id, Capacity: id,
);
