//! The engine of a server, on a real ledger and with real plugins.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "service/approvals.rs"]
mod approvals;
#[path = "service/asked_once.rs"]
mod asked_once;
#[path = "service/exceptions.rs"]
mod exceptions;
mod gate_support;
#[path = "service/life.rs"]
mod life;
#[path = "service/races.rs"]
mod races;
#[path = "service/stand.rs"]
mod stand;
