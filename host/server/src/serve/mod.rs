//! The way of a request from the socket to the routes, and of the answer back; and of a server from its start to its end.
//!
//! `connections` takes sockets, does handshakes (`tls`) and reads heads; `layers` says what every request passes before
//! it is at a route: its id, metrics, a time limit (`deadline`, `body`), its turn (`admission`). `start` puts a server together
//! and ends it, `process` is that for a whole process.

mod admission;
mod body;
mod connections;
mod deadline;
mod decide;
mod layers;
mod lifecycle;
mod peer;
mod process;
mod request_id;
mod signing_key;
mod start;
mod tls;

pub use admission::{Admission, Turn, Watching, admit};
pub use decide::DecideError;
pub(crate) use decide::count_reload;
pub use layers::SpeaksTls;
pub use lifecycle::Lifecycle;
pub use peer::Peer;
pub use process::serve;
pub use request_id::{REQUEST_ID, RequestId, with_request_id};
pub use start::{Ended, Running, Server, StartError};
pub use tls::TlsError;
