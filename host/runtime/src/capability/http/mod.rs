//! The capability `http`: asking origins that the operator named, and nobody else.
//!
//! A plugin that could send a request anywhere could carry a decision's snapshot out of the house, or reach into the
//! network that the host stands in. So every request, and every redirect that it meets, goes through four questions,
//! each with a file of its own:
//!
//! 1. Is it a request at all, and free of what would let a guest speak to the connection instead of the peer?
//!    (`request`, `url`)
//! 2. Are its origin and its method granted? (`grant`, `origin`, `method`)
//! 3. Which addresses does the name stand for, and may the plugin go there? A name is asked for once in an evaluation,
//!    and the connection goes to an address that was checked, not to the name. (`dns`, `address`)
//! 4. Does the answer come in time, in bounds, and is it HTTP? (`connection`, `tls`, `send`)
//!
//! Nothing outlives a request but the answers about names, which last for one evaluation: there is no pool of
//! connections, no jar of cookies, no resumption of TLS sessions, and no proxy out of the environment.
//!
//! This module ends at questions and answers that can be written down and given again. It knows neither the contract's
//! types nor the sandbox.

mod address;
mod client;
mod connection;
mod dns;
mod grant;
mod message;
mod method;
mod origin;
mod request;
mod send;
#[cfg(test)]
mod tests;
mod tls;
mod url;

pub use address::AddressRange;
pub(crate) use client::Client;
pub(crate) use dns::NameCache;
pub use grant::{HttpGrant, HttpGrantError};
pub(crate) use message::{HttpError, Request, Response};
pub use method::Method;
pub use origin::Origin;
