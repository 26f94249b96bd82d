//! Whose turn it is on a connection: the server's, which owes an answer, or the client's, which owes a request or takes
//! its answer slowly. Only a client that keeps the server waiting is cut off.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::Instant;

/// The state of one connection. All times are microseconds since it was opened.
#[derive(Debug)]
pub(crate) struct ConnectionActivity {
    opened: Instant,
    /// How many requests have arrived with a complete head.
    heads: AtomicU64,
    /// How many requests the server works on.
    working: AtomicUsize,
    /// Since when the server has waited for the client. This lies in the future while the client takes an answer fast
    /// enough.
    silent_since: AtomicU64,
    /// When the server last worked on this connection: took a request, or handed over a part of an answer.
    served: AtomicU64,
    /// The least number of bytes of an answer that a client must take in a second.
    least_rate: u64,
    /// Whether a credential was accepted on it.
    known: AtomicBool,
    evicted: Notify,
    ended: Notify,
    /// Whether new requests no longer keep it open.
    ending: AtomicBool,
    /// Whether it is closed without waiting for data that the client has not taken.
    cut: AtomicBool,
}

/// How long a client may take for an answer that is on its way, before the server stops waiting.
pub(super) const TAKEN_IN: Duration = Duration::from_secs(1);

/// Limits for a client that keeps the server waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct SilenceLimits {
    /// The time until the first head is complete.
    pub(super) first_head: Duration,
    /// The time between two requests, and while an answer is not taken.
    pub(super) idle: Duration,
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OverdueReason {
    /// No head was complete in time.
    NoHead,
    /// Nothing arrived, or nothing was taken, for too long.
    Idle,
}

impl ConnectionActivity {
    pub(super) fn new(least_rate: u64) -> Self {
        Self {
            opened: Instant::now(),
            heads: AtomicU64::new(0),
            working: AtomicUsize::new(0),
            silent_since: AtomicU64::new(0),
            served: AtomicU64::new(0),
            least_rate: least_rate.max(1),
            known: AtomicBool::new(false),
            evicted: Notify::new(),
            ended: Notify::new(),
            ending: AtomicBool::new(false),
            cut: AtomicBool::new(false),
        }
    }

    pub(super) fn opened(&self) -> Instant {
        self.opened
    }

    /// A head is complete: the server works until the client can take the answer.
    pub(super) fn head(self: &Arc<Self>) -> RequestInProgress {
        self.heads.fetch_add(1, Ordering::Relaxed);
        let counts = !self.ending.load(Ordering::Acquire);
        if counts {
            if self.working.load(Ordering::Acquire) == 0 {
                // A client that sends the next request has taken the answer before.
                self.silent_since.store(self.now(), Ordering::Release);
                self.served.store(self.now(), Ordering::Release);
            }
            self.work();
        }
        RequestInProgress { activity: Arc::clone(self), active: counts, counts }
    }

    fn work(&self) {
        self.working.fetch_add(1, Ordering::AcqRel);
    }

    /// The server has done its part. The client may take `allowance` longer than it was allowed before: the system
    /// takes a part of an answer at once, and a client takes it in bursts.
    fn rest(&self, allowance: Duration) {
        let (now, allowance) = (self.now(), micros(allowance));
        let later = |since: u64| Some(since.max(now).saturating_add(allowance));
        self.served.store(now, Ordering::Release);
        // It never fails, because there is always a new value.
        let _ = self.silent_since.fetch_update(Ordering::AcqRel, Ordering::Acquire, later);
        self.working.fetch_sub(1, Ordering::AcqRel);
    }

    fn now(&self) -> u64 {
        micros(self.opened.elapsed())
    }

    /// How long the server has waited for the client, in microseconds. None: it does not wait.
    pub(super) fn silence(&self) -> Option<u64> {
        (self.working.load(Ordering::Acquire) == 0)
            .then(|| self.now().saturating_sub(self.silent_since.load(Ordering::Acquire)))
    }

    /// How long the server has had nothing to do on this connection, in microseconds, even if the client still has time
    /// to take an answer. None: the server is working on a request. The connection with the longest time is the first
    /// to be closed for another one: a new client has had no time to send its request, and one that reads its answer
    /// quickly gives the server the next part to send.
    pub(super) fn keeps_waiting(&self) -> Option<u64> {
        (self.working.load(Ordering::Acquire) == 0)
            .then(|| self.now().saturating_sub(self.served.load(Ordering::Acquire)))
    }

    /// Why the client is overdue, or when to check again.
    pub(super) fn overdue(&self, limits: SilenceLimits) -> Result<OverdueReason, Instant> {
        let first = self.heads.load(Ordering::Relaxed) == 0;
        let (limit, silence) =
            if first { (limits.first_head, OverdueReason::NoHead) } else { (limits.idle, OverdueReason::Idle) };
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

    /// Records that a credential was accepted: such connections are the last to be closed for others.
    pub(crate) fn accept(&self) {
        self.known.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_known(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }

    /// Closes the connection at once, to make room for another one.
    pub(super) fn evict(&self) {
        if self.keeps_waiting().is_some_and(|time| time >= micros(TAKEN_IN)) {
            self.cut();
        }
        self.evicted.notify_one();
    }

    /// Whether the server has waited for the client for this long.
    pub(super) fn is_silent_for(&self, time: Duration) -> bool {
        self.silence().is_some_and(|silence| silence >= micros(time))
    }

    /// From now on, new requests do not keep the connection open: it was told to end a while ago.
    pub(super) fn count_no_more(&self) {
        self.ending.store(true, Ordering::Release);
    }

    /// Closes the connection once the present answers are sent.
    pub(crate) fn end(&self) {
        self.ended.notify_one();
    }

    /// Returns when the connection should be closed in that way.
    pub(super) async fn ended(&self) {
        self.ended.notified().await;
    }

    /// Makes the system drop the data that the client has not taken, when the connection is closed.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }

    /// Returns when the connection should be closed at once.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// Lets the connection count as silent until the guard is dropped, although the server still answers it.
    pub(crate) fn pause(self: &Arc<Self>) -> PauseGuard {
        self.rest(Duration::ZERO);
        PauseGuard(Arc::clone(self))
    }
}

/// A request that is answered slowly on purpose.
pub(crate) struct PauseGuard(Arc<ConnectionActivity>);

impl Drop for PauseGuard {
    fn drop(&mut self) {
        self.0.work();
    }
}

/// A request of a connection, until its answer is handed over.
pub(super) struct RequestInProgress {
    activity: Arc<ConnectionActivity>,
    active: bool,
    /// Whether the request keeps the connection open.
    counts: bool,
}

impl RequestInProgress {
    fn go_on(&mut self) {
        if self.counts && !std::mem::replace(&mut self.active, true) {
            self.activity.work();
        }
    }

    fn handed_over(&mut self, bytes: usize) {
        if !self.counts {
            return;
        }
        // A client that takes the next part has taken the one before.
        self.go_on();
        self.active = false;
        self.activity.rest(Duration::from_millis(bytes as u64 * 1000 / self.activity.least_rate));
    }
}

impl Drop for RequestInProgress {
    fn drop(&mut self) {
        if self.active {
            self.handed_over(0);
        }
    }
}

/// How much of an answer is handed over at once, in bytes. The connection owns handed-over data, and its memory is not
/// counted any more.
const LARGEST_FRAME: usize = 32 << 10;

/// The body of an answer. It is the client's turn while data is ready, and the server's while none is.
pub(super) struct AnswerBody {
    body: Body,
    /// The rest of a frame that is too large to be handed over at once.
    rest: Bytes,
    working: RequestInProgress,
}

impl AnswerBody {
    pub(super) fn new(body: Body, working: RequestInProgress) -> Self {
        Self { body, rest: Bytes::new(), working }
    }

    /// Hands over the beginning of some data, and keeps the rest.
    fn hand_over(&mut self, mut data: Bytes) -> Frame<Bytes> {
        let rest = data.split_off(data.len().min(LARGEST_FRAME));
        self.rest = rest;
        self.working.handed_over(data.len());
        Frame::data(data)
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return Poll::Ready(Some(Ok(self.hand_over(rest))));
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match polled {
            Poll::Pending => {
                self.working.go_on();
                Poll::Pending
            }
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(match frame.into_data() {
                Ok(data) => self.hand_over(data),
                Err(trailers) => trailers,
            }))),
            ended => {
                self.working.handed_over(0);
                ended
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
