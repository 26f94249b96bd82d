//! The native routes: a real server, a real ledger, real plugins, people with tokens.
mod access;
mod conditions;
mod content_coding;
mod credentials;
mod description;
mod documents;
mod life;
mod people;
mod refusals;
mod rights;
mod signatures;
pub(crate) mod stand;
mod stops;
mod team_audit;
mod teams;
mod values;
mod waiting;
