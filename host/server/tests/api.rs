//! The native routes: a real server, a real ledger, real plugins, people with tokens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "api/conditions.rs"]
mod conditions;
mod decision_support;
#[path = "api/description.rs"]
mod description;
mod http_support;
#[path = "api/life.rs"]
mod life;
#[path = "api/people.rs"]
mod people;
#[path = "api/refusals.rs"]
mod refusals;
#[path = "api/stand.rs"]
mod stand;
#[path = "api/waiting.rs"]
mod waiting;
