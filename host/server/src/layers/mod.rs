//! The layers between a connection and the routes: the headers of the answer, the request's id, metrics and logs,
//! problems, panics, the rest of an unread body (`unread_body`), and the headers of the request (`request_headers`).

pub(crate) mod request_headers;
mod unread_body;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;

use self::unread_body::with_rest_read;
use crate::connection::RequestPeer;
use crate::observe::{Metrics, RequestObserver, observe};
use crate::problem::{Problem, REQUEST_ID, RequestId, as_problems};

/// The headers of every answer that tell a browser that it is data, and for nobody else.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// A year of nothing but TLS, for browsers.
const STRICT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Puts the layers around the routes:
///
/// headers of the answer → id → metrics, trace and access log → problems → panics → the rest of a body that nobody read →
/// headers of the request → the route.
///
/// Each route has its own checks of credential and rights, and the [`RequestIntake`](crate::intake::RequestIntake).
pub(crate) fn around(routes: Router, metrics: &Arc<Metrics>, traces: bool, tls: bool) -> Router {
    let around = LayerState { observer: RequestObserver::new(Arc::clone(metrics), traces), tls };
    routes.layer(from_fn_with_state(Arc::new(around), pass))
}

/// Whether the server itself speaks TLS. In the extensions of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeaksTls(pub bool);

/// The state of the layers around every route.
struct LayerState {
    observer: RequestObserver,
    tls: bool,
}

/// A middleware with all layers, one inside the other. With one tower layer for each, every request would be wrapped
/// and copied once for each.
async fn pass(State(around): State<Arc<LayerState>>, request: Request, next: Next) -> Response {
    let LayerState { observer, tls } = &*around;
    let route = |mut request: Request| async {
        if let Err(problem) = request_headers::check(request.headers()) {
            return problem.into_response();
        }
        request.extensions_mut().insert(SpeaksTls(*tls));
        next.run(request).await
    };
    let answered = |request| async {
        let answer = AssertUnwindSafe(with_rest_read(request, route)).catch_unwind();
        answer.await.unwrap_or_else(|panic| panicked(&*panic))
    };
    let explained = |request| as_problems(request, answered);
    let observed = |request: Request| {
        let peer = RequestPeer::of(&request).map(|peer| peer.address);
        observe(observer.clone(), request, peer, explained)
    };
    let mut response = with_request_id(request, observed).await;
    tell_browsers(response.headers_mut(), *tls);
    response
}

/// Adds the headers of every answer. Headers that a route sets stay.
fn tell_browsers(headers: &mut HeaderMap, tls: bool) {
    let strict = tls.then_some((STRICT_TRANSPORT_SECURITY, STRICT));
    for (name, value) in HEADERS.into_iter().chain(strict) {
        headers.entry(name).or_insert(value);
    }
}

/// The answer to a request that hit a bug in the server. Only the log has the details.
fn panicked(panic: &(dyn Any + Send)) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("unknown"), "request aborted: internal error");
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
        .detail("internal error: the server's log tells more under the id of the request")
        .into_response()
}

/// Wraps the next layer: finds or makes the request's id, and adds it to the answer.
pub async fn with_request_id<F: Future<Output = Response>>(
    mut request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let given = request.headers().get(REQUEST_ID).and_then(RequestId::given);
    let id = given.unwrap_or_else(RequestId::generate);
    request.extensions_mut().insert(id.clone());
    let mut response = next(request).await;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response.extensions_mut().insert(id);
    response
}
