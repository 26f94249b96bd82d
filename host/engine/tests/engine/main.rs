//! The tests of the engine, with real plugins and real ledgers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod fact_demands;
mod gate_support;
mod gates;
mod model_checks;
mod model_expressions;
mod model_files;
mod model_findings;
mod model_properties;
mod model_support;
mod replay_recordings;
mod rollouts;
mod strategies_end;
