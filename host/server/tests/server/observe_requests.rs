//! What is seen of requests: lines of the access log, metrics, and spans at a collector.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use futures_util::stream;
use lockgate_domain::{CredentialKind, PersonId, Principal, Teams};
use lockgate_server::config::{LogConfig, LogFormat, TraceConfig};
use lockgate_server::layers::with_request_id;
use lockgate_server::observe::{HttpExchange, LogGuard, Metrics, MetricsFormat, RequestObserver, observe, subscriber};
use lockgate_service::authority::Actor;
use serde_json::Value;

/// Something to write to, and to read afterwards.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Written {
    pub(crate) fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().expect("lock").clone();
        let text = String::from_utf8(bytes).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

/// The routes of a small server, with everything that is to be seen of them.
fn routes(observer: RequestObserver) -> Router {
    let named = |Extension(exchange): Extension<HttpExchange>| async move {
        exchange.actor(&Actor {
            person: Principal {
                id: PersonId::new("ada@example.org").unwrap(),
                name: "Ada".to_owned(),
                roles: Default::default(),
            },
            teams: Teams::All,
            scopes: None,
            credential: "token:t-1".to_owned(),
            kind: CredentialKind::Agent,
        });
        exchange.deployment("d-42");
        tracing::info!("looked up");
        "found"
    };
    let streamed = || async {
        let parts = ["one", "three"].map(|part| Ok::<_, std::io::Error>(Bytes::from(part)));
        Body::from_stream(stream::iter(parts))
    };
    Router::new()
        .route("/deployments/{id}", get(named))
        .route("/stream", get(streamed))
        .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/slow", get(std::future::pending::<()>))
        .layer(middleware::from_fn(move |request, next: Next| {
            let observer = observer.clone();
            with_request_id(request, |request| observe(observer, request, None, |request| next.run(request)))
        }))
}

async fn serve(routes: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

async fn ask(url: String, headers: &'static [(&'static str, &'static str)]) -> u16 {
    let ask = move || {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut request = agent.get(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.call().expect("an answer");
        answer.body_mut().read_to_string().expect("the whole answer");
        answer.status().as_u16()
    };
    tokio::task::spawn_blocking(ask).await.expect("an answer")
}

/// Until something is as it should be; the test's own limit ends what never is.
async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Has the log of this thread written where the test reads it.
pub(crate) fn logging(
    traces: &TraceConfig,
    metrics: &Metrics,
) -> (Written, tracing::subscriber::DefaultGuard, LogGuard) {
    let written = Written::default();
    let config = LogConfig { format: LogFormat::Json, ..LogConfig::default() };
    let (dispatch, guard) = subscriber(&config, traces, metrics, written.clone(), false).expect("a log");
    (written, tracing::dispatcher::set_default(&dispatch), guard)
}

#[tokio::test]
async fn a_request_is_one_line_that_says_who_and_what_and_no_secret() {
    let metrics = Arc::new(Metrics::new());
    let (written, _default, guard) = logging(&TraceConfig::default(), &metrics);
    let address = serve(routes(RequestObserver::new(Arc::clone(&metrics), guard.traces()))).await;
    let headers = &[
        ("authorization", "Bearer s3cret"),
        ("x-request-id", "r-7"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    assert_eq!(ask(format!("http://{address}/deployments/d-42?token=s3cret"), headers).await, 200);
    drop(guard);

    let lines = written.lines();
    let access: Vec<_> = lines.iter().filter(|line| line["target"] == "lockgate::access").collect();
    assert_eq!(access.len(), 1, "{lines:?}");
    let line = access[0];
    let said = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    assert_eq!((said("method"), said("route")), ("GET".to_owned(), "/deployments/{id}".to_owned()));
    assert_eq!((said("path"), said("request_id")), ("/deployments/d-42".to_owned(), "r-7".to_owned()));
    assert_eq!((line["status"].as_u64(), line["bytes"].as_u64()), (Some(200), Some(5)));
    assert_eq!((said("actor"), said("credential")), ("ada@example.org".to_owned(), "token:t-1".to_owned()));
    assert_eq!((said("credential_kind"), said("deployment")), ("agent".to_owned(), "d-42".to_owned()));
    assert_eq!(said("trace_id"), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(line["duration_ms"].is_f64() && line.get("gate").is_none(), "{line}");

    let inside = lines.iter().find(|line| line["message"] == "looked up").expect("the handler's own line");
    assert_eq!(inside["span"]["request_id"], "r-7");
    let text = String::from_utf8(written.0.lock().expect("lock").clone()).expect("text");
    assert!(!text.contains("s3cret"), "{text}");
}

#[tokio::test]
async fn requests_are_counted_by_the_pattern_of_the_route_and_never_by_the_path() {
    let metrics = Arc::new(Metrics::new());
    let address = serve(routes(RequestObserver::new(Arc::clone(&metrics), false))).await;
    for path in ["deployments/a", "deployments/b", "no/such/place", "no/such/other", "stream", "broken"] {
        ask(format!("http://{address}/{path}"), &[]).await;
    }
    until(|| metrics.text(MetricsFormat::Prometheus).contains("lockgate_http_requests_in_flight 0\n")).await;
    let text = metrics.text(MetricsFormat::Prometheus);
    let has = |sample: &str| assert!(text.contains(sample), "`{sample}` is not in {text}");
    has("lockgate_http_requests_total{method=\"GET\",route=\"/deployments/{id}\",status=\"200\"} 2\n");
    has("lockgate_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"} 2\n");
    has("lockgate_http_requests_total{method=\"GET\",route=\"/stream\",status=\"200\"} 1\n");
    has("lockgate_http_requests_total{method=\"GET\",route=\"/broken\",status=\"500\"} 1\n");
    has("lockgate_http_request_duration_seconds_count{method=\"GET\",route=\"/deployments/{id}\"} 2\n");
}

#[tokio::test]
async fn a_stream_is_logged_when_it_ends_with_all_its_bytes() {
    let metrics = Arc::new(Metrics::new());
    let (written, _default, guard) = logging(&TraceConfig::default(), &metrics);
    let address = serve(routes(RequestObserver::new(Arc::clone(&metrics), guard.traces()))).await;
    ask(format!("http://{address}/stream"), &[]).await;
    until(|| metrics.text(MetricsFormat::Prometheus).contains("lockgate_http_requests_in_flight 0\n")).await;
    drop(guard);
    let lines = written.lines();
    assert_eq!(lines.iter().filter(|line| line["bytes"] == 8).count(), 1, "{lines:?}");
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_is_seen_too() {
    let metrics = Arc::new(Metrics::new());
    let address = serve(routes(RequestObserver::new(Arc::clone(&metrics), false))).await;
    let mut client = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let request = b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut client, request).await.expect("a request");
    until(|| metrics.text(MetricsFormat::Prometheus).contains("lockgate_http_requests_in_flight 1\n")).await;
    drop(client);
    let left = "lockgate_http_requests_total{method=\"GET\",route=\"/slow\",status=\"499\"} 1\n";
    until(|| metrics.text(MetricsFormat::Prometheus).contains(left)).await;
}

/// A collector: keeps what is posted to it.
async fn collector(status: StatusCode) -> (SocketAddr, Arc<Mutex<Vec<Value>>>) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let take = move |State(taken): State<Arc<Mutex<Vec<Value>>>>, body: Bytes| async move {
        taken.lock().expect("lock").push(serde_json::from_slice(&body).expect("JSON"));
        (status, [("content-type", "application/json")], "{}").into_response()
    };
    let routes = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&taken));
    (serve(routes).await, taken)
}

/// The attributes of something in OTLP, as `key=value`.
fn attributes(of: &Value) -> Vec<String> {
    let attributes = of["attributes"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| match value {
        Value::Object(one) => one.values().next().map(|v| v.as_str().map_or(v.to_string(), str::to_owned)),
        _ => None,
    };
    let one =
        |attribute: &Value| format!("{}={}", attribute["key"].as_str()?.to_owned(), text(&attribute["value"])?).into();
    attributes.iter().filter_map(one).collect()
}

#[tokio::test]
async fn a_collector_gets_a_span_of_each_request_that_goes_on_with_the_trace_of_the_client() {
    let (collector, taken) = collector(StatusCode::OK).await;
    let metrics = Arc::new(Metrics::new());
    let traces = TraceConfig { endpoint: Some(format!("http://{collector}")), ..TraceConfig::default() };
    let (written, default, guard) = logging(&traces, &metrics);
    assert!(guard.traces());
    let address = serve(routes(RequestObserver::new(Arc::clone(&metrics), guard.traces()))).await;
    let headers =
        &[("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), ("x-request-id", "r-8")];
    ask(format!("http://{address}/deployments/d-42"), headers).await;
    ask(format!("http://{address}/broken"), &[]).await;
    // Sent from another thread, because this one answers for the collector.
    tokio::task::spawn_blocking(move || drop(guard)).await.expect("the end");
    drop(default);

    let batches = taken.lock().expect("lock").clone();
    let resource = &batches[0]["resourceSpans"][0];
    let of_resource = attributes(&resource["resource"]);
    assert!(of_resource.contains(&"service.name=lockgate".to_owned()), "{of_resource:?}");
    let version = format!("service.version={}", env!("CARGO_PKG_VERSION"));
    assert!(of_resource.contains(&version), "{of_resource:?}");
    let spans: Vec<Value> = batches
        .iter()
        .flat_map(|batch| batch["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().cloned().unwrap_or_default())
        .collect();
    assert_eq!(spans.len(), 2, "{spans:?}");
    let span = spans.iter().find(|span| span["name"] == "GET /deployments/{id}").expect("a span of that name");
    assert_eq!(span["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(span["parentSpanId"], "00f067aa0ba902b7");
    assert_eq!(span["kind"], 2, "a server's");
    let of_span = attributes(span);
    for attribute in [
        "http.request.method=GET",
        "http.route=/deployments/{id}",
        "http.response.status_code=200",
        "lockgate.request.id=r-8",
        "lockgate.deployment.id=d-42",
        "enduser.id=ada@example.org",
    ] {
        assert!(of_span.contains(&attribute.to_owned()), "`{attribute}` is not in {of_span:?}");
    }
    let broken = spans.iter().find(|span| span["name"] == "GET /broken").expect("a span of that name");
    assert_eq!(broken["status"]["code"], 2, "an error");
    let own = broken["traceId"].as_str().expect("a trace").to_owned();
    assert_ne!(own, "4bf92f3577b34da6a3ce929d0e0e4736");
    let lines = written.lines();
    assert!(lines.iter().any(|line| line["trace_id"] == own.as_str()), "the log names the same trace: {lines:?}");
    assert!(metrics.text(MetricsFormat::Prometheus).contains("lockgate_trace_exports_total{outcome=\"success\"}"));
}

#[tokio::test]
async fn a_collector_that_is_down_fails_no_request_and_is_counted() {
    // Bound and closed again: nobody listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let metrics = Arc::new(Metrics::new());
    let traces = TraceConfig { endpoint: Some(format!("http://{closed}")), ..TraceConfig::default() };
    let (_written, default, guard) = logging(&traces, &metrics);
    let address = serve(routes(RequestObserver::new(Arc::clone(&metrics), guard.traces()))).await;
    assert_eq!(ask(format!("http://{address}/deployments/d-1"), &[]).await, 200);
    let guard = tokio::task::spawn_blocking(move || {
        guard.flush_traces();
        guard
    });
    let guard = guard.await.expect("the end of the attempts");
    assert_eq!(ask(format!("http://{address}/deployments/d-2"), &[]).await, 200);
    let text = metrics.text(MetricsFormat::Prometheus);
    assert!(text.contains("lockgate_trace_exports_total{outcome=\"failure\"}"), "{text}");
    assert!(text.contains("lockgate_trace_exports_total{outcome=\"success\"} 0\n"), "{text}");
    tokio::task::spawn_blocking(move || drop(guard)).await.expect("the end");
    drop(default);
}

#[test]
fn a_filter_that_cannot_be_read_is_refused() {
    let config = LogConfig { filter: "info,lockgate=loud".to_owned(), ..LogConfig::default() };
    let faults = config.faults();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].path.to_string(), "observe.log.filter");
    assert!(faults[0].message.contains("info,lockgate_service=debug"), "{}", faults[0].message);
    assert!(LogConfig::default().faults().is_empty());
}
