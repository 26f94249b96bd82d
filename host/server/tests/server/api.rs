//! The native routes: a real server, a real ledger, real plugins, people with tokens.
mod conditions;
mod description;
mod life;
mod people;
mod refusals;
mod stand;
mod team_audit;
mod waiting;
