//! The client of Lockgate's HTTP API.
//!
//! A [`Client`] sends JSON to a server and reads JSON from it. It knows where the server is ([`ServerAddress`]) and signs in with a
//! [`Token`]; both can come from the environment variables `LOCKGATE_SERVER` and `LOCKGATE_TOKEN`. The documents themselves are
//! types of [`lockgate_domain`], for example those in [`lockgate_domain::api`].
//!
//! ```no_run
//! use lockgate_client::{Client, Error, RequestPath};
//! use lockgate_domain::api::access::AccessReview;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::from_env()?;
//! let path = RequestPath::new("/api/v1/access").query("team", "shop");
//! match client.get::<AccessReview>(&path) {
//!     Ok(review) => println!("{} warnings", review.warnings.len()),
//!     Err(Error::Refused(refusal)) => println!("refused with the code {:?}", refusal.code()),
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What a request goes through
//!
//! - **TLS** trusts the certificates that the system trusts, or those in the file that `SSL_CERT_FILE` names.
//! - **Redirects are not followed**, so a token goes to no other server.
//! - **Busy servers are asked again**: after 429 or 503 with `Retry-After`, up to five times in all. Every write carries an
//!   `Idempotency-Key` that its repetitions share, so what it asks for is done once.
//! - **Time limits**: 10 seconds to connect, 60 seconds until the answer begins, 60 seconds for each part of it.
//! - **Size limits**: 64 MiB for an answer in JSON, 1 MiB for a problem document.
//! - **Errors** are RFC 9457 problem documents. They become an [`Error::Refused`], which has the status, the code and the detail.
//!
//! # Modules
//!
//! - `environment`: the variables that name a server and a token.
//! - `address` and `token`: where the server is, and what a client signs in with.
//! - `path`: the path and the query of a request, with every value escaped.
//! - `tls`: connections, with TLS, time limits and no redirects.
//! - `client`: sends requests and reads their answers.
//! - `error`: why a request has no result.

mod address;
mod client;
mod environment;
mod error;
mod path;
mod tls;
mod token;

pub use address::{InvalidAddress, ServerAddress};
pub use client::{Answered, Client, Download, RequestBody};
pub use environment::{EnvironmentError, SERVER_VARIABLE, TOKEN_VARIABLE};
pub use error::{Error, Refusal};
pub use path::RequestPath;
pub use token::{InvalidToken, Token};
