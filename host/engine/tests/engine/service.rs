//! The engine of a server, on a real ledger and with real plugins.
mod approvals;
mod asked_once;
mod exceptions;
mod life;
mod races;
mod separation;
pub(crate) mod stand;
