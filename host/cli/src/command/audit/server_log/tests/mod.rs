//! A server with a real ledger behind it: one that is honest, and ones that lie.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod honest;
mod lying;
mod teams;

use lockgate_client::Client;

use super::ServerLog;

fn server_log(server: &str) -> ServerLog {
    ServerLog::new(Client::new(server.parse().unwrap(), None))
}
