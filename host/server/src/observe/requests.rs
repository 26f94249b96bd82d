//! Records each request: a span, a line of the access log, and metrics.
//!
//! One middleware does all three, because all need the same: the route, the beginning, and the end. The handlers add
//! the rest (the actor, the deployment, the decision) to the [`HttpExchange`] in the extensions of the request.
//!
//! A path is logged without its query, and of the headers only the request's id, so no secret gets into a line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, HttpBody as _};
use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::Response;
use http_body_util::BodyExt as _;
use lockgate_domain::{CredentialKind, Decision};
use lockgate_service::authority::Actor;
use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanContext, Status, TraceContextExt as _};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use parking_lot::Mutex;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::logging::{ACCESS, SPAN};
use super::metrics::{Metrics, RequestPhases};
use crate::problem::RequestId;

/// The status in the log if the client left before the answer.
const CLIENT_LEFT: u16 = 499;
/// How much of a path is logged, in bytes.
const LONGEST_PATH: usize = 1024;

/// The state of the middleware: the metrics, and whether spans are sent.
#[derive(Clone, Debug)]
pub struct RequestObserver {
    metrics: Arc<Metrics>,
    traces: bool,
}

impl RequestObserver {
    /// An observer with these metrics; `traces` is what [`LogGuard::traces`](super::LogGuard::traces) returns.
    pub fn new(metrics: Arc<Metrics>, traces: bool) -> Self {
        Self { metrics, traces }
    }

    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }
}

/// One request and its answer, in the extensions of the request. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpExchange(Arc<ExchangeState>);

#[derive(Debug)]
struct ExchangeState {
    observer: RequestObserver,
    began: Instant,
    method: Method,
    path: String,
    route: Option<MatchedPath>,
    request_id: Option<RequestId>,
    peer: Option<SocketAddr>,
    span: Span,
    context: SpanContext,
    noted: Mutex<ExchangeNotes>,
}

#[derive(Debug, Default)]
struct ExchangeNotes {
    actor: Option<String>,
    credential: Option<String>,
    credential_kind: Option<CredentialKind>,
    deployment: Option<String>,
    gate: Option<String>,
    decision: Option<String>,
    verdict: Option<&'static str>,
}

impl HttpExchange {
    fn begin(observer: RequestObserver, request: &Request, peer: Option<SocketAddr>) -> Self {
        observer.metrics.request_began();
        let method = request.method().clone();
        let route = request.extensions().get::<MatchedPath>().cloned();
        let request_id = request.extensions().get::<RequestId>().cloned();
        let id = request_id.as_ref().map(RequestId::as_str);
        let parent = match request.headers().contains_key("traceparent") {
            true => TraceContextPropagator::new().extract(&HeaderExtractor(request.headers())),
            false => opentelemetry::Context::new(),
        };
        let mut path = request.uri().path().to_owned();
        path.truncate(path.floor_char_boundary(LONGEST_PATH));
        let span = if observer.traces {
            tracing::info_span!(target: SPAN, "request", request_id = id, otel.kind = "server")
        } else {
            tracing::info_span!(target: SPAN, "request", request_id = id)
        };
        let mut context = parent.span().span_context().clone();
        if observer.traces && span.set_parent(parent).is_ok() {
            let own = span.context();
            let own = own.span();
            context = own.span_context().clone();
            // Named by the route, as OpenTelemetry's conventions require, and never by the path.
            let route = route.as_ref().map(MatchedPath::as_str);
            own.update_name(route.map_or_else(|| method_name(&method).to_owned(), |route| format!("{method} {route}")));
            own.set_attribute(KeyValue::new("http.request.method", method_name(&method)));
            own.set_attribute(KeyValue::new("url.path", path.clone()));
            own.set_attributes(route.map(|route| KeyValue::new("http.route", route.to_owned())));
            own.set_attributes(id.map(|id| KeyValue::new("lockgate.request.id", id.to_owned())));
        }
        let noted = Mutex::default();
        let began = Instant::now();
        Self(Arc::new(ExchangeState { observer, began, method, path, route, request_id, peer, span, context, noted }))
    }

    fn note(&self, note: impl FnOnce(&mut ExchangeNotes)) {
        note(&mut self.0.noted.lock());
    }

    fn attribute(&self, key: &'static str, value: &str) {
        if self.0.observer.traces {
            self.0.span.set_attribute(key, value.to_owned());
        }
    }

    /// Records the actor, and the name and kind of the credential. The name is no secret.
    pub fn actor(&self, actor: &Actor) {
        self.attribute("enduser.id", actor.person.id.written());
        self.note(|noted| {
            noted.actor = Some(actor.person.id.written().to_owned());
            noted.credential = Some(actor.credential.clone());
            noted.credential_kind = Some(actor.kind);
        });
    }

    /// Records the deployment that the request is about.
    pub fn deployment(&self, id: &str) {
        self.attribute("lockgate.deployment.id", id);
        self.note(|noted| noted.deployment = Some(id.to_owned()));
    }

    /// Records and counts a decision. `phases` are those of the whole request, as far as they are known. Without a
    /// total, it is the time since the request arrived.
    pub fn decision(&self, decision: &Decision, mut phases: RequestPhases) {
        if phases.total.is_zero() {
            phases.total = self.0.began.elapsed();
        }
        self.0.observer.metrics.decision(decision, &phases);
        let gate = format!("{}/{}", decision.gate.stage.as_str(), decision.gate.phase.as_str());
        self.attribute("lockgate.deployment.id", &decision.deployment);
        self.attribute("lockgate.gate", &gate);
        self.attribute("lockgate.decision.id", &decision.id);
        self.attribute("lockgate.verdict", decision.verdict.as_str());
        self.note(|noted| {
            noted.deployment = Some(decision.deployment.clone());
            noted.gate = Some(gate);
            noted.decision = Some(decision.id.clone());
            noted.verdict = Some(decision.verdict.as_str());
        });
    }

    /// The metrics of the server.
    pub fn metrics(&self) -> &Metrics {
        &self.0.observer.metrics
    }

    /// When the request began.
    pub fn began(&self) -> Instant {
        self.0.began
    }

    /// The span of the request. Enter it on threads that work for the request.
    pub fn span(&self) -> &Span {
        &self.0.span
    }

    /// The id of the trace, in hexadecimal: the client's, or a new one if spans are sent.
    pub fn trace_id(&self) -> Option<String> {
        self.0.context.is_valid().then(|| self.0.context.trace_id().to_string())
    }

    /// The id of the span, in hexadecimal: the client's, or the request's if spans are sent.
    pub fn span_id(&self) -> Option<String> {
        self.0.context.is_valid().then(|| self.0.context.span_id().to_string())
    }

    fn end(&self, status: u16, bytes: u64) {
        let seen = &*self.0;
        let time = seen.began.elapsed();
        let method = method_name(&seen.method);
        let route = seen.route.as_ref().map_or("unmatched", MatchedPath::as_str);
        seen.observer.metrics.request_ended(method, route, status, time);
        if seen.observer.traces {
            seen.span.set_attribute("http.response.status_code", i64::from(status));
            if status >= 500 {
                seen.span.set_status(Status::error(""));
            }
        }
        if !tracing::enabled!(target: ACCESS, tracing::Level::INFO) {
            return;
        }
        let noted = seen.noted.lock();
        #[expect(clippy::cast_precision_loss, reason = "nobody waits for that many microseconds")]
        let duration_ms = time.as_micros() as f64 / 1000.0;
        tracing::info!(
            target: ACCESS,
            method,
            route,
            path = seen.path,
            status,
            duration_ms,
            bytes,
            request_id = seen.request_id.as_ref().map(RequestId::as_str),
            trace_id = self.trace_id(),
            peer = seen.peer.map(|peer| peer.to_string()),
            actor = noted.actor,
            credential = noted.credential,
            credential_kind = noted.credential_kind.map(CredentialKind::as_str),
            deployment = noted.deployment,
            gate = noted.gate,
            decision = noted.decision,
            verdict = noted.verdict,
        );
    }
}

/// The name of a method. All methods outside of HTTP's share one name.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}

/// Ends the exchange when it is dropped: after the last byte of the answer, or when nobody waits for the answer any
/// more.
struct ExchangeEnd {
    exchange: HttpExchange,
    status: u16,
    bytes: u64,
}

impl ExchangeEnd {
    fn count(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }
}

impl Drop for ExchangeEnd {
    fn drop(&mut self) {
        self.exchange.end(self.status, self.bytes);
    }
}

/// Wraps the next layer: records each request, which came from `peer`. It must be in a layer of the router itself
/// (`Router::layer`), so that the route is known, and inside [`with_request_id`](crate::layers::with_request_id).
pub async fn observe<F: Future<Output = Response>>(
    observer: RequestObserver,
    mut request: Request,
    peer: Option<SocketAddr>,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let exchange = HttpExchange::begin(observer, &request, peer);
    let span = exchange.span().clone();
    request.extensions_mut().insert(exchange.clone());
    let mut ending = ExchangeEnd { exchange, status: CLIENT_LEFT, bytes: 0 };
    let response = next(request).instrument(span).await;
    ending.status = response.status().as_u16();
    if let Some(bytes) = response.body().size_hint().exact() {
        ending.bytes = bytes;
        return response;
    }
    // A stream ends when its body does.
    response.map(|body| {
        let counted = body.map_frame(move |frame| {
            ending.count(frame.data_ref().map_or(0, |data| data.len()));
            frame
        });
        Body::new(counted)
    })
}
