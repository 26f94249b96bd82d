//! The tests of the server, on real sockets and with real plugins.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]

mod api;
mod audit;
mod auth;
mod authzen;
mod codes;
mod config;
mod decision_support;
mod hostile;
mod http_support;
mod notify;
mod observe_decision_log;
mod observe_metrics;
mod observe_requests;
mod opa;
mod readiness;
mod serve;
mod tls;
