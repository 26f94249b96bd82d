//! Every hostile guest of `tests/hostile` is let loose, beside a victim that must not notice.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod corpus;
mod readme;
