//! A server from its start to its end.
//!
//! `start` opens everything on the disk, puts the server together and ends it. `service` holds the parts that decide,
//! `due` is the host's clock, and `signing_key` watches the ledger's key. `run` runs a server as a whole process, with its log and its signals.

mod due;
mod run;
mod service;
mod signing_key;
mod start;

pub use run::serve;
pub use service::ServiceStartError;
pub use start::{FirstToken, RunningServer, Server, ShutdownOutcome, StartError};
