//! From a socket to requests.
//!
//! `server` accepts connections, does handshakes (`tls`) and reads heads. `table` limits the number of connections,
//! `activity` finds those that keep the server waiting, and `client_address` finds the client behind a proxy.
//! `client_socket` makes the system drop the data that a client has not taken when it is cut off.

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
