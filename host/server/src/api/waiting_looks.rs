//! Limits the evaluations of waiting requests: however many wait, they take a fixed share of the machine.

use std::sync::Arc;

use lockgate_service::{GateThreads, ThreadWork};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::process::{compute, cores};

/// How many evaluations run at once whose plugins may wait for others: those take memory, but no core.
const LOOKS_THAT_WAIT: usize = 32;

/// The turns of requests that evaluate their gate again while they wait. An evaluation asks plugins, and takes a thread
/// and their memory. All of them together get half of the cores, and each is followed by a pause of its own length, so
/// they take at most a quarter of the machine.
#[derive(Clone)]
pub(super) struct WaitingLooks {
    computing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl WaitingLooks {
    pub(super) fn new() -> Self {
        Self::on(cores())
    }

    fn on(cores: usize) -> Self {
        let computing = Arc::new(Semaphore::new((cores / 2).max(1)));
        Self { computing, waiting: Arc::new(Semaphore::new(LOOKS_THAT_WAIT)) }
    }

    /// The threads for an evaluation, each of which starts at its turn.
    pub(super) fn threads(&self) -> Arc<dyn GateThreads> {
        Arc::new(LookThreads { looks: self.clone(), runtime: Handle::current() })
    }
}

struct LookThreads {
    looks: WaitingLooks,
    runtime: Handle,
}

impl GateThreads for LookThreads {
    fn compute(&self, work: ThreadWork) {
        let (turns, runtime) = (Arc::clone(&self.looks.computing), self.runtime.clone());
        self.runtime.spawn(async move {
            // It is never closed.
            let _turn = turns.acquire_owned().await;
            let began = Instant::now();
            // If the work panics, its sender is dropped, and the request is answered with an error.
            let _ = compute(&runtime, work).await;
            tokio::time::sleep(began.elapsed()).await;
        });
    }

    fn wait(&self, work: ThreadWork) {
        let (turns, runtime) = (Arc::clone(&self.looks.waiting), self.runtime.clone());
        self.runtime.spawn(async move {
            let _turn = turns.acquire_owned().await;
            let _ = runtime.spawn_blocking(work).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::task::JoinSet;

    use super::*;

    /// How many of 20 evaluations ran at once, and how long all took.
    async fn looks_of(look: impl Fn(&dyn GateThreads, ThreadWork)) -> (usize, Duration) {
        let threads = WaitingLooks::on(4).threads();
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let began = Instant::now();
        let mut waiting = JoinSet::new();
        for _ in 0..20 {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            let (done, seen) = tokio::sync::oneshot::channel();
            let work = move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
                now.fetch_sub(1, Ordering::SeqCst);
                let _ = done.send(());
            };
            look(&*threads, Box::new(work));
            waiting.spawn(seen);
        }
        waiting.join_all().await;
        (most.load(Ordering::SeqCst), began.elapsed())
    }

    #[tokio::test]
    async fn looks_of_many_take_turns_and_make_pauses() {
        let (most, took) = looks_of(|threads, work| threads.compute(work)).await;
        // 10 evaluations of each turn, with a pause after each but the last.
        assert!(most <= 2 && took >= Duration::from_millis(10 * 10 - 5), "{most} at once, {took:?}");
    }

    #[tokio::test]
    async fn looks_that_may_wait_wait_beside_each_other() {
        let (most, _) = looks_of(|threads, work| threads.wait(work)).await;
        assert!(most > 2, "{most} at once");
    }
}
