//! The tests of the service, with real plugins and real ledgers.

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
#[allow(dead_code, reason = "each test binary uses its part")]
#[path = "../../../engine/tests/engine/gate_support/mod.rs"]
mod gate_support;
mod ledger_support;
mod namespaces;
mod replay_decisions;
mod service;
