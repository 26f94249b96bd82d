//! `lockgate audit` and `lockgate ledger`, as people and pipelines use them: on files, on a server that runs, and on files
//! that somebody changed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that goes wrong panics"
)]

mod keeping;
mod proving;
mod support;
mod tampering;
mod verifying;
mod walkthrough;
