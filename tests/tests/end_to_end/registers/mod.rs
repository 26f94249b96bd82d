//! Registers as their users meet them: `lockgate register` against a real server, `eval --register`, and the example
//! connector.

mod changes;
mod commands;
mod connector;
mod eval;
mod same_snapshot;
mod signed;
mod stand;
