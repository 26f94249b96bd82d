//! Evaluates gates: a snapshot and a deployment model go in, a decision comes out.
//!
//! Nothing here is kept: what lives on the ledger (deployments, approvals, decisions) is the crate `lockgate-service`.
//!
//! The way of one decision is the order of the modules:
//!
//! 1. [`model`]: a deployment model says which plugins guard which gate; [`expression`]: and under which conditions;
//! 2. [`load`]: its plugins are read, held against their digests and configured: a [`LoadedModel`];
//! 3. [`select_model`]: the model that a deployment goes by is chosen, and the snapshot taken;
//! 4. [`gate`]: [`LoadedModel::evaluate`] asks them side by side, combines what they say, and makes the decision;
//! 5. [`rollout`]: [`LoadedModel::drive`] carries out what a strategy lays out, step by step;
//! 6. [`replay`]: what was recorded or decided runs again, as it was or with a candidate.

#![allow(missing_docs, reason = "no crate but ours builds on it")]
#![allow(missing_docs, reason = "no crate but ours builds on it")]

mod environment_order;
pub mod expression;
pub mod gate;
pub mod load;
pub mod model;
pub mod replay;
pub mod rollout;
mod select_model;
mod values;

pub use gate::{EngineCode, GateError, decision_id};
pub use load::{LoadReport, LoadedModel};
pub use select_model::{RESERVED, SelectModelError, SelectedModel, SnapshotRequest, select_model};
pub use values::{PendingChanges, PendingValues, ValueStore, VersionedValues};
