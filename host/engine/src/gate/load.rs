//! Counts the decisions that this process makes at the same time.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

static DECISIONS: AtomicUsize = AtomicUsize::new(0);
static CORES: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// Counts a decision as long as it lives.
pub(super) struct RunningDecision;

impl RunningDecision {
    pub(super) fn begin() -> Self {
        DECISIONS.fetch_add(1, Ordering::Relaxed);
        Self
    }

    /// Whether there are at least as many decisions as cores.
    #[expect(clippy::unused_self, reason = "whoever asks is one of them")]
    pub(super) fn all_cores(&self) -> bool {
        DECISIONS.load(Ordering::Relaxed) >= *CORES
    }
}

impl Drop for RunningDecision {
    fn drop(&mut self) {
        DECISIONS.fetch_sub(1, Ordering::Relaxed);
    }
}
