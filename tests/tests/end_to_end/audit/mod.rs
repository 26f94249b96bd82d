//! `lockgate audit` and `lockgate ledger`, as people and pipelines use them: on files, on a server that runs, and on files
//! that somebody changed.

mod keeping;
mod proving;
mod support;
mod tampering;
mod verifying;
mod walkthrough;
