//! The records of the registers of the organisation.
//!
//! The contract documents them. [`Evaluation`](crate::Evaluation) has a method for each register, for example
//! [`incidents`](crate::Evaluation::incidents). A plugin reads those that its operator grants.

pub use crate::bindings::lockgate::types::registers::{
    AuditFinding, Capacity, Event, FulfillmentBook, Incident, Interaction, Kpi, Monitor, Order, Runbook,
    ServiceContract, Supplier,
};
