//! Threads for work that would keep the threads that serve connections from them: those that compute, and those that read.
//!
//! Both are few, whatever comes in, because each thread takes memory of its own. The runtime itself has many threads that may
//! wait; it begins one whenever none is free at that moment, so a burst of short looks would leave it with a hundred.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use super::admission::READS_PER_CORE;
use super::cores;

/// How long a thread stays without work.
const KEPT_IDLE: Duration = Duration::from_secs(600);

/// How many of those who have waited read at once, for each core.
pub(crate) const READS_AFTER_WAIT_PER_CORE: usize = 1;

/// The threads that compute. They belong to the machine, not to one server: more of them than cores help nobody.
static COMPUTING: LazyLock<Option<Runtime>> = LazyLock::new(|| few(cores(), "decide"));

/// The threads that read: as many as there are turns for reading, so what has its turn does not wait again.
static READING: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let turns = usize::try_from(READS_PER_CORE).unwrap_or(usize::MAX);
    few(cores().saturating_mul(turns.saturating_add(READS_AFTER_WAIT_PER_CORE)), "read")
});

fn few(threads: usize, name: &str) -> Option<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.max_blocking_threads(threads).thread_keep_alive(KEPT_IDLE).thread_name(name).build().ok()
}

/// Hands work to the threads that compute; to those of the runtime, if the machine gives none. It may be called from any thread.
pub(crate) fn compute<T: Send + 'static>(runtime: &Handle, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    COMPUTING.as_ref().map_or(runtime, Runtime::handle).spawn_blocking(work)
}

/// Hands work to the threads that read; to those of the runtime, if the machine gives none.
pub(crate) fn read<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    match &*READING {
        Some(few) => few.spawn_blocking(work),
        None => Handle::current().spawn_blocking(work),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{READS_AFTER_WAIT_PER_CORE, READS_PER_CORE, cores, read};

    /// The threads of a runtime would be as many as there were looks that did not find one free.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_burst_of_reads_begins_few_threads() {
        let at_most = cores() * (READS_PER_CORE as usize + READS_AFTER_WAIT_PER_CORE);
        let look = || {
            std::thread::sleep(std::time::Duration::from_millis(1));
            std::thread::current().id()
        };
        let looks: Vec<_> = (0..at_most * 20).map(|_| read(look)).collect();
        let mut threads = HashSet::new();
        for look in looks {
            threads.extend(look.await.ok());
        }
        assert!(!threads.is_empty() && threads.len() <= at_most, "{} threads, at most {at_most}", threads.len());
    }
}
