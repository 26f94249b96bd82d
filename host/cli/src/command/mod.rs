//! One module per command. A command reads its input, calls the engine or the runtime, and prints the result. No rule of the domain
//! is in this crate.

pub(crate) mod access;
pub(crate) mod audit;
pub(crate) mod change;
pub(crate) mod demo;
pub(crate) mod deployment;
pub(crate) mod due;
pub(crate) mod eval;
pub(crate) mod ledger;
pub(crate) mod model;
pub(crate) mod plugin;
pub(crate) mod register;
pub(crate) mod replay;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod stop;
pub(crate) mod token;
