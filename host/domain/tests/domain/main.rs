//! The tests of the domain, through its public items.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod combine;
mod exemptions;
mod forms;
mod rules;
mod timing;
