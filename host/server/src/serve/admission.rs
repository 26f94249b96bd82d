//! How many requests are worked on at once, and what happens to more.
//!
//! A few wait for their turn; what does not fit in there either is turned away at once, so that those who wait are still
//! answered in time. A client that waits for something to happen does nothing, so it gives its turn back
//! ([`Turn::watch`]): a thousand pipelines that wait for an approval keep nobody from giving it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::LimitsConfig;
use crate::observe::{Metrics, Shed};
use crate::problem::Problem;

/// After how many seconds it is worth asking again.
const RETRY_AFTER: u64 = 1;

/// The turns that there are; cheap to clone.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Turns>);

#[derive(Debug)]
struct Turns {
    working: Arc<Semaphore>,
    watching: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    metrics: Arc<Metrics>,
}

/// The turn of a request, among its extensions.
#[derive(Clone, Debug)]
pub struct Turn {
    permit: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
    turns: Arc<Turns>,
}

/// The place of a client that waits for something to happen; it is free again when this is dropped.
#[derive(Debug)]
pub struct Watching {
    _permit: OwnedSemaphorePermit,
}

/// One more in the queue, until it is dropped.
struct Queued<'t>(&'t AtomicUsize);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    /// As many turns as these limits say.
    pub fn new(limits: &LimitsConfig, metrics: Arc<Metrics>) -> Self {
        let permits = |number: u32| {
            let number = usize::try_from(number).unwrap_or(Semaphore::MAX_PERMITS);
            Arc::new(Semaphore::new(number.min(Semaphore::MAX_PERMITS)))
        };
        Self(Arc::new(Turns {
            working: permits(limits.requests),
            watching: permits(limits.watchers),
            waiting: AtomicUsize::new(0),
            queue: usize::try_from(limits.queue).unwrap_or(usize::MAX),
            metrics,
        }))
    }

    async fn turn(&self) -> Result<Turn, Problem> {
        let turns = &self.0;
        let permit = match Arc::clone(&turns.working).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let before = turns.waiting.fetch_add(1, Ordering::Relaxed);
                let _queued = Queued(&turns.waiting);
                if before >= turns.queue {
                    return Err(turns.overloaded("too many requests are being answered and waiting already"));
                }
                let permit = Arc::clone(&turns.working).acquire_owned().await;
                permit.map_err(|_| turns.overloaded("no more requests are taken"))?
            }
        };
        Ok(Turn { permit: Arc::new(Mutex::new(Some(permit))), turns: Arc::clone(turns) })
    }
}

impl Turns {
    fn overloaded(&self, detail: &str) -> Problem {
        self.metrics.shed(Shed::Busy);
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "There is too much to do");
        problem.detail(format!("{detail}: nothing was done, ask again later")).retry_after(RETRY_AFTER)
    }
}

impl Turn {
    /// Gives the turn back, to wait for something to happen. Whoever does that answers without much work afterwards.
    ///
    /// # Errors
    /// If too many are waiting already.
    pub fn watch(&self) -> Result<Watching, Problem> {
        let permit = Arc::clone(&self.turns.watching).try_acquire_owned();
        let permit = permit.map_err(|_| self.turns.overloaded("too many clients are waiting for something already"))?;
        drop(self.permit.lock().unwrap_or_else(PoisonError::into_inner).take());
        Ok(Watching { _permit: permit })
    }
}

/// A middleware: lets a request through when it is its turn, or turns it away.
pub async fn admit(State(admission): State<Admission>, mut request: Request, next: Next) -> Response {
    match admission.turn().await {
        Ok(turn) => {
            request.extensions_mut().insert(turn.clone());
            let response = next.run(request).await;
            // Until the head of the answer is there; whoever answers in a stream does not hold a turn for long.
            drop(turn.permit.lock().unwrap_or_else(PoisonError::into_inner).take());
            response
        }
        Err(problem) => problem.into_response(),
    }
}
