//! The native routes: a real server, a real ledger, real plugins, people with tokens.
mod conditions;
mod description;
mod life;
mod people;
mod refusals;
mod rights;
mod stand;
mod waiting;
