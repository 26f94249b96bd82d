//! The tests of the engine, with real plugins and real ledgers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod catalogue;
mod catalogue_ledger;
mod catalogue_support;
mod exceptions_in_documents;
mod gate_support;
mod gates;
mod ledger_support;
mod model_checks;
mod model_expressions;
mod model_files;
mod model_findings;
mod model_properties;
mod model_support;
mod namespaces;
mod replay_decisions;
mod replay_recordings;
mod rollouts;
mod service;
