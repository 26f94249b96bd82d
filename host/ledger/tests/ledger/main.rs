//! The ledger by its public doors, on real files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that goes wrong panics"
)]

mod audit;
mod backup;
mod crash;
mod failure;
mod key_file;
mod limits;
mod migration;
mod notes;
mod proofs;
mod support;
mod tree;
mod wal;
