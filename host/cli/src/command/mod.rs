//! One module per command. A command reads what it is given, asks the engine or the runtime, and prints what they said:
//! no rule of the domain lives here.

pub(crate) mod access;
pub(crate) mod audit;
pub(crate) mod demo;
pub(crate) mod eval;
pub(crate) mod ledger;
pub(crate) mod model;
pub(crate) mod plugin;
pub(crate) mod replay;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod token;
