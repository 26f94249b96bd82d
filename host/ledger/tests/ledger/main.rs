//! The tests of the ledger, through its public items and on real files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod audit;
mod backup;
mod clock;
mod conformance;
mod crash;
mod decisions;
mod failure;
mod first_start;
mod forged;
mod key_file;
mod limits;
mod loss;
mod loss_refused;
mod migration;
mod notes;
mod proofs;
mod requests;
mod sizes;
mod strangers;
mod support;
mod teams;
mod tree;
mod wal;
