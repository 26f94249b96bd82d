//! For how long a request may take, and whose fault it was: a client that does not send its body is told so (408), and
//! otherwise it was the server (503).

use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::body::watch;
use crate::problem::Problem;

/// Around what comes next: answers when it took too long.
pub(super) async fn within<F: Future<Output = Response>>(
    deadline: Duration,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let (request, body) = watch(request);
    match tokio::time::timeout(deadline, next(request)).await {
        Ok(response) => {
            body.read_rest().await;
            response
        }
        Err(_) if body.is_complete() => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "It took too long")
            .detail(format!(
                "there was no answer within {deadline:?}. Whether something was written is not known: the same \
                     request with the same `Idempotency-Key` tells"
            ))
            .retry_after(1)
            .into_response(),
        Err(_) => Problem::of_status(StatusCode::REQUEST_TIMEOUT)
            .detail(format!("the body did not arrive within {deadline:?}"))
            .into_response(),
    }
}
