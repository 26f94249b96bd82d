//! Whose turn it is on a connection: the server's, which owes an answer, or the client's, which owes a request or takes its
//! answer slowly. Only a client that keeps the server waiting is cut off.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::Instant;

/// What happens on one connection. All times are microseconds since it was opened.
#[derive(Debug)]
pub(crate) struct ConnectionActivity {
    opened: Instant,
    /// How many requests have come with a complete head.
    heads: AtomicU64,
    /// How many of them the server works on.
    working: AtomicUsize,
    /// Since when the server has waited for the client. It lies in the future while the client takes an answer as fast as it
    /// has to.
    silent_since: AtomicU64,
    /// At least how many bytes of an answer a client takes in a second.
    least_rate: u64,
    evicted: Notify,
}

/// Limits for a client that keeps the server waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct SilenceLimits {
    /// Until the first head is complete.
    pub(super) first_head: Duration,
    /// Between two requests, and while an answer is not taken.
    pub(super) idle: Duration,
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// No head was complete in time.
    NoHead,
    /// Nothing came, or nothing was taken, for too long.
    Idle,
}

impl ConnectionActivity {
    pub(super) fn new(least_rate: u64) -> Self {
        Self {
            opened: Instant::now(),
            heads: AtomicU64::new(0),
            working: AtomicUsize::new(0),
            silent_since: AtomicU64::new(0),
            least_rate: least_rate.max(1),
            evicted: Notify::new(),
        }
    }

    pub(super) fn opened(&self) -> Instant {
        self.opened
    }

    /// A head is complete: the server works until the answer is the client's to take.
    pub(super) fn head(self: &Arc<Self>) -> Working {
        self.heads.fetch_add(1, Ordering::Relaxed);
        self.work();
        Working { activity: Arc::clone(self), active: true }
    }

    fn work(&self) {
        self.working.fetch_add(1, Ordering::AcqRel);
    }

    /// The server has done its part; the client may take as long as the allowance says.
    fn rest(&self, allowance: Duration) {
        let until = self.now().saturating_add(micros(allowance));
        self.silent_since.fetch_max(until, Ordering::AcqRel);
        self.working.fetch_sub(1, Ordering::AcqRel);
    }

    fn now(&self) -> u64 {
        micros(self.opened.elapsed())
    }

    /// For how long the server has waited for the client, in microseconds; none: it does not.
    pub(super) fn silence(&self) -> Option<u64> {
        (self.working.load(Ordering::Acquire) == 0)
            .then(|| self.now().saturating_sub(self.silent_since.load(Ordering::Acquire)))
    }

    /// What the client has been too slow with, or when that is to be asked again.
    pub(super) fn overdue(&self, limits: SilenceLimits) -> Result<Silence, Instant> {
        let first = self.heads.load(Ordering::Relaxed) == 0;
        let (limit, silence) = if first { (limits.first_head, Silence::NoHead) } else { (limits.idle, Silence::Idle) };
        let limit_us = micros(limit).max(1);
        match self.silence() {
            None => Err(Instant::now() + limits.idle.max(Duration::from_millis(1))),
            Some(silent) if silent >= limit_us => Ok(silence),
            Some(_) => {
                let since = self.silent_since.load(Ordering::Acquire);
                Err(self.opened + Duration::from_micros(since.saturating_add(limit_us)))
            }
        }
    }

    /// Has the connection closed at once, to make room for another one.
    pub(super) fn evict(&self) {
        self.evicted.notify_one();
    }

    /// Ends when the connection is to be closed at once.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// Lets the connection count as silent until the guard is dropped, although it is being answered.
    pub(crate) fn pause(self: &Arc<Self>) -> Paused {
        self.rest(Duration::ZERO);
        Paused(Arc::clone(self))
    }
}

/// A request that is being answered slowly on purpose.
pub(crate) struct Paused(Arc<ConnectionActivity>);

impl Drop for Paused {
    fn drop(&mut self) {
        self.0.work();
    }
}

/// A request of a connection, until its answer is handed over.
pub(super) struct Working {
    activity: Arc<ConnectionActivity>,
    active: bool,
}

impl Working {
    fn go_on(&mut self) {
        if !std::mem::replace(&mut self.active, true) {
            self.activity.work();
        }
    }

    fn handed_over(&mut self, bytes: usize) {
        if std::mem::replace(&mut self.active, false) {
            self.activity.rest(Duration::from_millis(bytes as u64 * 1000 / self.activity.least_rate));
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.handed_over(0);
    }
}

/// The body of an answer: it is the client's turn while it takes what is there, and the server's while there is nothing yet.
pub(super) struct AnswerBody {
    pub(super) body: Body,
    pub(super) working: Working,
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Pending => self.working.go_on(),
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.working.handed_over(bytes);
            }
            Poll::Ready(None | Some(Err(_))) => self.working.handed_over(0),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
