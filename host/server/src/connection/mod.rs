//! From a socket to requests.
//!
//! `server` takes connections, does handshakes (`tls`) and reads heads. `table` says how many connections there may be, `activity`
//! which of them keep the server waiting, and `client_address` who is behind a proxy. `client_socket` has the system forget what a
//! client has not taken when it is cut off.

mod activity;
mod client_address;
mod client_socket;
mod server;
mod table;
mod tls;

pub(crate) use activity::ConnectionActivity;
pub(crate) use client_address::AddressKey;
pub use client_address::RequestPeer;
pub(crate) use server::ConnectionServer;
pub(crate) use tls::ServerTls;
pub use tls::TlsError;
