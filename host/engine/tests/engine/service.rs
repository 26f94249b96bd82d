//! The engine of a server, on a real ledger and with real plugins.
mod approvals;
mod asked_once;
mod credentials;
mod exceptions;
mod life;
mod races;
pub(crate) mod stand;
