//! For how long a request may take, and whose fault it was: a client that does not send its body is told so (408), and
//! otherwise it was the server (503).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use http_body::{Frame, SizeHint};

use crate::problem::Problem;

/// Around what comes next: answers when it took too long.
pub(super) async fn within<F: Future<Output = Response>>(
    deadline: Duration,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let complete = Arc::new(AtomicBool::new(http_body::Body::is_end_stream(request.body())));
    let request = match complete.load(Ordering::Relaxed) {
        true => request,
        false => request.map(|body| Body::new(Watched { body, complete: Arc::clone(&complete) })),
    };
    match tokio::time::timeout(deadline, next(request)).await {
        Ok(response) => response,
        Err(_) if complete.load(Ordering::Relaxed) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "It took too long")
                .detail(format!(
                    "there was no answer within {deadline:?}. Whether something was written is not known: the same \
                     request with the same `Idempotency-Key` tells"
                ))
                .retry_after(1)
                .into_response()
        }
        Err(_) => Problem::of_status(StatusCode::REQUEST_TIMEOUT)
            .detail(format!("the body did not arrive within {deadline:?}"))
            .into_response(),
    }
}

/// A body that says when all of it has come.
struct Watched {
    body: Body,
    complete: Arc<AtomicBool>,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.complete.store(true, Ordering::Relaxed);
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
