//! The engine of a server, on a real ledger and with real plugins.
mod approvals;
mod asked_once;
mod changed_file;
mod credentials;
mod delegations;
mod drift;
pub(crate) mod environment_flow;
mod exceptions;
mod laid_out;
mod life;
mod races;
mod registers;
mod repeats;
mod resuming;
mod separation;
pub(crate) mod stand;
mod teams;
mod values;
