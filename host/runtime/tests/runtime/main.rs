//! The tests of the runtime, with real components.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod admission;
mod bundled;
mod cache;
mod configuring;
mod directions;
mod directory;
mod http;
mod key_value;
mod limits;
mod looking;
mod support;
