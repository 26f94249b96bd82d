//! What a server and its clients send each other, and what belongs neither to the engine nor to the ledger: documents,
//! names of headers, limits.
//!
//! The server writes these documents and `lockgate-client` reads them, so their form is defined once.

pub mod access;
pub mod audit;
mod problem;

pub use problem::{LEDGER_DAMAGED, PROBLEM_MEDIA_TYPE, PROBLEM_TYPE_PREFIX, ProblemDocument};

/// The header with the key that makes a write safe to repeat: the same request with the same key gets the first answer again.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
