//! What the tests of the runtime share with all other tests: a guest to fill in, a snapshot to show it.

pub(crate) use lockgate_tests::{bundled, runtime, shared_snapshot, snapshot};

/// A guest made of texts that live as long as the test: what is put together at run time is leaked.
pub(crate) type Guest = lockgate_tests::Guest<'static>;
