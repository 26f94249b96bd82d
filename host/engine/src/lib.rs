//! Evaluates gates: makes a decision from a snapshot and a deployment model.
//!
//! The engine stores nothing. The crate `lockgate-service` keeps deployments, approvals and decisions in the ledger.
//!
//! A decision goes through the modules in this order:
//!
//! 1. [`model`]: a deployment model says which plugins guard which gate, and [`expression`] under which conditions;
//! 2. [`load`]: reads its plugins, compares them with their digests and configures them: a [`LoadedModel`];
//! 3. [`select_model`]: chooses the model of a deployment, and takes the snapshot;
//! 4. [`gate`]: [`LoadedModel::evaluate`] asks the plugins side by side, combines their answers, and makes the
//!    decision;
//! 5. [`rollout`]: [`LoadedModel::drive`] carries out the plan of a strategy, step by step;
//! 6. [`replay`]: runs recordings and decisions again, unchanged or with a candidate.

#![allow(missing_docs, reason = "no crate but ours builds on it")]

mod delivery_mode;
mod environment_order;
pub mod expression;
mod fact_demands;
pub mod gate;
pub mod load;
pub mod model;
pub mod replay;
pub mod rollout;
mod select_model;
mod stops;
mod values;

pub use gate::{EngineCode, GateError, decision_id};
pub use load::{LoadReport, LoadedModel};
pub use select_model::{SelectModelError, SelectedModel, SnapshotRequest, select_model};
pub use values::{PendingChanges, PendingValues, ValueStore, VersionedValues};
