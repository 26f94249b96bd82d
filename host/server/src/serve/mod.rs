//! The way of a request from the socket to the routes, and of the answer back; and of a server from its start to its end.
//!
//! `connections` takes sockets, does handshakes (`tls`) and reads heads; `connection_table` says how many connections there are,
//! `activity` which of them keep the server waiting, and `client_address` who is behind a proxy. `layers` says what every request
//! passes: its id, metrics, problems, its headers (`request_headers`), the rest of its body (`body`). `intake` takes a request in whose credential was checked: its
//! place and turn (`admission`), its body, a time limit. `threads` are those for work that takes long. `start` puts a server together and ends it, `process` is that for a
//! whole process.

mod activity;
mod admission;
mod body;
mod client_address;
mod client_socket;
mod connection_table;
mod connections;
mod content_coding;
mod decide;
mod first_token;
mod intake;
mod layers;
mod lifecycle;
mod open_files;
mod peer;
mod process;
pub(crate) mod request_headers;
mod request_id;
mod request_path;
mod signing_key;
mod start;
pub(crate) mod threads;
mod tls;

pub(crate) use activity::ConnectionActivity;
pub(crate) use admission::TurnKind;
pub use admission::{Turn, Watching};
pub(crate) use content_coding::MediaType;
pub use decide::DecideError;
pub(crate) use decide::count_reload;
pub use first_token::FirstToken;
pub use intake::Intake;
pub use layers::SpeaksTls;
pub use lifecycle::Lifecycle;
pub(crate) use peer::AddressKey;
pub use peer::Peer;
pub use process::serve;
pub use request_id::{REQUEST_ID, RequestId, with_request_id};
pub use start::{Ended, Running, Server, StartError};
pub use tls::TlsError;

/// How many cores there are to work on.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
