//! What the tests of the runtime share with all other tests: a guest to fill in, a snapshot to show it.

#![allow(unused_imports, unreachable_pub, reason = "every test file uses a part of it")]

pub use lockgate_tests::{bundled, runtime, shared_snapshot, snapshot};

/// A guest made of texts that live as long as the test: what is put together at run time is leaked.
#[allow(dead_code, reason = "not every file that includes this needs it")]
pub type Guest = lockgate_tests::Guest<'static>;
