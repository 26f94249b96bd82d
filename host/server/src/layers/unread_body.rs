//! Handles the rest of a body that the answer did not need.
//!
//! A request that is refused by its head alone is answered while its body is still on the way. Closing a connection
//! with an unread body discards the answer that was sent: the client sees a broken connection, and never the reason. So
//! a small rest is read before the answer leaves.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::response::Response;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;

use crate::connection::ConnectionActivity;

/// How much of an unneeded body is read, in bytes, and for how long.
const LARGEST_REST: u64 = 64 << 10;
const LONGEST: Duration = Duration::from_secs(1);

/// Wraps the next layer: reads what it leaves of the body, if that is little.
pub(super) async fn with_rest_read<F: Future<Output = Response>>(
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let connection = request.extensions().get::<Arc<ConnectionActivity>>().cloned();
    let (request, body) = watch(request);
    let response = next(request).await;
    if !body.is_complete() {
        // The server has done its part: a client that does not send the rest counts as silent.
        let _silent = connection.as_ref().map(ConnectionActivity::pause);
        body.read_rest().await;
    }
    response
}

/// The progress of a body while another layer reads it.
struct BodyProgress {
    complete: AtomicBool,
    /// Whether a rest may be read. A client that waits for `100 Continue` has not sent it.
    wanted: bool,
    /// The rest of the body, if its reader stopped before the end.
    rest: Mutex<Option<Body>>,
}

/// Watches the body of a request.
fn watch(request: Request) -> (Request, Arc<BodyProgress>) {
    let complete = AtomicBool::new(request.body().is_end_stream());
    let wanted = !request.headers().contains_key(EXPECT);
    let seen = Arc::new(BodyProgress { complete, wanted, rest: Mutex::new(None) });
    let request = match seen.is_complete() {
        true => request,
        false => request.map(|body| Body::new(TrackedBody { body, seen: Arc::clone(&seen) })),
    };
    (request, seen)
}

impl BodyProgress {
    /// Whether all of it has arrived.
    fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Relaxed)
    }

    /// Reads the rest, if it is little and arrives soon.
    async fn read_rest(&self) {
        if self.is_complete() || !self.wanted {
            return;
        }
        let Some(mut rest) = self.rest.lock().take() else { return };
        let mut left = LARGEST_REST;
        if rest.size_hint().lower() > left {
            return;
        }
        let read = async {
            while let Some(Ok(frame)) = rest.frame().await {
                let size = frame.data_ref().map_or(0, Bytes::len) as u64;
                let Some(less) = left.checked_sub(size) else { return };
                left = less;
            }
        };
        // Data that does not arrive in time is not read.
        drop(tokio::time::timeout(LONGEST, read).await);
    }
}

/// A body that reports when all of it has arrived, and that is given back if its reader stops before the end.
struct TrackedBody {
    body: Body,
    seen: Arc<BodyProgress>,
}

impl http_body::Body for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.seen.complete.store(true, Ordering::Relaxed);
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

impl Drop for TrackedBody {
    fn drop(&mut self) {
        if !self.seen.is_complete() {
            let body = std::mem::take(&mut self.body);
            *self.seen.rest.lock() = Some(body);
        }
    }
}
