//! The end-to-end tests: the `lockgate` binary, the contract, and the examples, as their users meet them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]

mod access;
mod audit;
mod bad_input;
mod bookings;
mod contract;
mod demo;
mod determinism;
mod durable;
mod examples;
mod exceptions_shown;
mod facts;
mod hostile;
mod languages;
mod outside;
mod pipelines;
mod quick_start;
mod reading;
mod registers;
mod release_registry;
mod replay;
mod schemas;
mod serving;
