//! Authentication by its public doors: a ledger in a file, issuers on real sockets, keys that were made for the test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that goes wrong panics"
)]

mod certificates;
mod configuration;
mod http;
mod issuer;
mod keys;
mod oidc;
mod rsa;
mod support;
mod throttle;
mod tokens;
