//! The way of a request from the socket to the routes, and of the answer back.

mod peer;
mod request_id;

pub use peer::Peer;
pub use request_id::{REQUEST_ID, RequestId, with_request_id};
