//! What every request passes on its way to the routes.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tower_http::catch_panic::CatchPanicLayer;

use super::admission::{Admission, admit};
use super::deadline::within;
use super::request_id::with_request_id;
use crate::config::LimitsConfig;
use crate::observe::{Metrics, Observer, observe};
use crate::problem::{Problem, as_problems};

/// What a browser is told about every answer: that it is data, for nobody else.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// A year of nothing but TLS, for browsers.
const STRICT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Puts what every request passes around the routes, the first it meets last:
///
/// headers → id → metrics, trace and access log → problems → panics → time limit → size limit → its turn → the route.
///
/// `always` are those that do not wait for their turn, so that they are answered under any load.
pub(super) fn around(
    waiting: Router,
    always: Router,
    limits: &LimitsConfig,
    metrics: &Arc<Metrics>,
    traces: bool,
    tls: bool,
) -> Router {
    let body = DefaultBodyLimit::max(limits.body.as_usize());
    let request = Duration::from_millis(limits.request.as_millis());
    let admission = Admission::new(limits, Arc::clone(metrics));
    waiting
        // Of a route that does not exist, nobody needs to wait for a turn to hear it.
        .route_layer(from_fn_with_state(admission, admit))
        .merge(always)
        .layer(body)
        .layer(from_fn_with_state(request, within))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(as_problems))
        .layer(from_fn_with_state(Observer::new(Arc::clone(metrics), traces), observe))
        .layer(from_fn(with_request_id))
        .layer(from_fn_with_state(tls, with_headers))
}

/// A middleware: the headers of every answer. What a route says itself, stays.
async fn with_headers(State(tls): State<bool>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
    if tls {
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(STRICT);
    }
    response
}

/// The answer to a request that hit a mistake of ours. What it was, is in the log alone.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("unknown"), "a request was given up because of a mistake in the server");
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
        .detail("this is a mistake in the server; its log tells more, under the id of the request")
        .into_response()
}
