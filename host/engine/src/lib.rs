//! Evaluates gates: the only place that joins the domain, the plugins and (later) the ledger.
//!
//! The way of one decision is the order of the modules: a deployment [`model`] says which plugins guard which gate; the
//! `gate` asks them side by side, combines what they say, and makes the [`lockgate_domain::Decision`]; the `rollout`
//! carries out what a strategy lays out, step by step.

pub mod model;
