//! Authentication by its public doors: a ledger in a file, issuers on real sockets, keys that were made for the test.

mod certificates;
mod configuration;
mod http;
pub(crate) mod issuer;
pub(crate) mod keys;
mod oidc;
mod rsa;
mod support;
mod throttle;
mod tokens;
