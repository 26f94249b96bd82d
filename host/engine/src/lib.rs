//! Evaluates gates: the only place that joins the domain, the plugins and (later) the ledger.
//!
//! The way of one decision is the order of the modules:
//!
//! 1. [`model`]: a deployment model says which plugins guard which gate; [`expression`]: and under which conditions;
//! 2. `load`: its plugins are read, held against their digests and configured: a [`LoadedModel`];
//! 3. [`choose`]: the model that a deployment goes by is chosen, and the snapshot taken;
//! 4. `gate`: [`LoadedModel::evaluate`] asks them side by side, combines what they say, and makes the decision;
//! 5. [`rollout`]: [`LoadedModel::drive`] carries out what a strategy lays out, step by step;
//! 6. [`replay`]: what was recorded or decided runs again, as it was or with a candidate.

pub mod authority;
pub mod catalogue;
mod choose;
pub mod expression;
mod flow;
mod gate;
pub mod lifecycle;
mod load;
pub mod model;
mod namespaces;
pub mod replay;
pub mod rollout;
pub mod service;

pub use choose::{ChoiceError, Chosen, Question, choose};
pub use gate::{EngineCode, GateError, decision_id};
pub use load::{GateAction, GateNeed, LoadedModel, Ready};
pub use namespaces::LedgerNamespaces;
