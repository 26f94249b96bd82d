//! The native routes: a real server, a real ledger, real plugins, people with tokens.
mod conditions;
mod credentials;
mod description;
mod life;
mod people;
mod refusals;
mod rights;
pub(crate) mod stand;
mod team_audit;
mod teams;
mod values;
mod waiting;
