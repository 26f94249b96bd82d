//! The audit log over HTTP, on real sockets: by a server that is honest, and by servers that are not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that goes wrong panics"
)]

#[path = "audit/honest.rs"]
mod honest;
#[path = "audit/lying.rs"]
mod lying;
#[path = "audit/support.rs"]
mod support;
