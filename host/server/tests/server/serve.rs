//! A server on a real socket: what it answers when it is asked too much, too slowly or wrongly, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Extension;
use axum::routing::{get, post};
use axum::{Json, Router};
use lockgate_ledger::SqliteStorage;
use lockgate_server::api::ServerState;
use lockgate_server::auth::token::Tokens;
use lockgate_server::config::{ByteSize, Config};
use lockgate_server::connection::RequestPeer;
use lockgate_server::intake::{RequestIntake, Turn};
use lockgate_server::problem::RequestId;
use lockgate_server::process::Lifecycle;
use lockgate_server::serve::{Server, ShutdownOutcome, StartError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::http_support::{Answer, config, exchange, request};

/// Routes behind the intake, as those of the API are.
fn taken_in(state: &ServerState, routes: Router) -> Router {
    RequestIntake::new(&state.config.limits, &state.metrics).before(routes)
}

#[tokio::test]
async fn an_empty_folder_is_enough_to_serve() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("lockgate-data");
    let running = Server::new(config(&data)).start().await.unwrap();
    assert!(running.address().ip().is_loopback());
    assert_ne!(running.address().port(), 0);
    assert_eq!(running.url(), format!("http://{}", running.address()));
    assert!(running.first_token().is_some_and(|token| token.expose().len() > 40));

    let livez = request(&running, "GET /livez HTTP/1.1", "").await;
    assert_eq!((livez.status, livez.body.as_str()), (200, "ok"));
    let readyz = request(&running, "GET /readyz HTTP/1.1", "").await;
    assert_eq!(readyz.status, 200);
    let readyz = readyz.json();
    assert_eq!(readyz["ready"], true);
    for check in ["ledger", "models", "shutdown", "signing-key"] {
        assert_eq!(readyz["checks"][check]["ok"], true, "{check}");
    }
    assert_eq!(readyz["checks"]["models"]["message"], "no model is loaded: decisions are not possible");
    assert_eq!(running.shutdown().await, ShutdownOutcome { answered: true, closed: true });

    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("ledger.key")), 0o600);

    let again = Server::new(config(&data)).start().await.unwrap();
    assert!(again.first_token().is_none(), "the administrator's token is issued once");
    again.shutdown().await;
}

#[tokio::test]
async fn the_first_administrators_token_expires_after_a_day_and_its_file_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let running = Server::new(config(folder.path())).start().await.unwrap();
    let token = running.first_token().unwrap();
    let file = folder.path().join("first-administrator.token");
    assert!(!file.exists(), "where the token is shown, no file is left");
    // One that an earlier ledger left behind, open to everybody.
    std::fs::write(&file, "lgt_of_another_ledger").unwrap();
    token.write().unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{}\n", token.expose()));
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let me = format!("GET /api/v1/me HTTP/1.1\r\nauthorization: Bearer {}", token.expose());
    let me = request(&running, &me, "").await.json();
    assert_eq!(me["person"]["roles"], json!(["administrator"]));
    running.shutdown().await;

    let storage = SqliteStorage::open_read_only(&folder.path().join("ledger.db")).unwrap();
    let tokens = Tokens::read(&storage).unwrap();
    let [token] = tokens.iter().collect::<Vec<_>>()[..] else { panic!("{tokens:?}") };
    let lasts = token.expires.unwrap().as_millis() - token.issued.as_millis();
    assert_eq!(lasts, 24 * 60 * 60 * 1000);
}

#[tokio::test]
async fn opa_users_find_health_and_status_where_they_look() {
    let folder = tempfile::tempdir().unwrap();
    let running = Server::new(config(folder.path())).start().await.unwrap();
    for path in ["/health", "/health?plugins", "/health?bundles=true&plugins"] {
        let health = request(&running, &format!("GET {path} HTTP/1.1"), "").await;
        assert_eq!((health.status, health.json()), (200, json!({})));
    }
    let status = request(&running, "GET /v1/status HTTP/1.1", "").await.json();
    assert_eq!(status["result"]["plugins"]["ledger"], json!({ "state": "OK" }));
    running.shutdown().await;
}

#[tokio::test]
async fn metrics_are_for_those_who_are_known_unless_they_are_opened_or_switched_off() {
    use lockgate_server::config::MetricsAccess;
    let folder = tempfile::tempdir().unwrap();
    for (access, status) in [(MetricsAccess::On, 401), (MetricsAccess::Open, 200), (MetricsAccess::Off, 404)] {
        let mut config = config(folder.path());
        config.observe.metrics = access;
        let running = Server::new(config).start().await.unwrap();
        assert_eq!(request(&running, "GET /metrics HTTP/1.1", "").await.status, status);
        running.shutdown().await;
    }
}

#[tokio::test]
async fn every_error_is_a_problem_that_names_its_request() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.limits.body = ByteSize::bytes(16);
    let routes = Router::new().route("/json", post(|Json(_): Json<Vec<u8>>| async { "read" })).route(
        "/panic",
        get(|| async {
            if true {
                panic!("secret words")
            }
        }),
    );
    let running = Server::new(config).with_routes(move |state| taken_in(state, routes)).start().await.unwrap();
    let json = "content-type: application/json";
    for (line, headers, body, status, code) in [
        ("GET /nowhere", "", "", 404, "not-found"),
        ("GET /json", "", "", 405, "method-not-allowed"),
        ("POST /json", "", "[1]", 415, "unsupported-media-type"),
        ("POST /json", json, "[1", 400, "bad-request"),
        ("POST /json", json, "{}", 422, "invalid-document"),
        ("POST /json", json, "[1,1,1,1,1,1,1,1,1,1]", 413, "body-too-large"),
        ("GET /panic", "", "", 500, "internal"),
    ] {
        let headers = format!("{headers}\r\nx-request-id: ci 42\r\n").trim_start().to_owned();
        let answer = request(&running, &format!("{line} HTTP/1.1\r\n{}", headers.trim_end()), body).await;
        assert_eq!(answer.status, status, "{line}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{line}");
        assert_eq!(answer.header("x-request-id"), Some("ci 42"));
        let problem = answer.json();
        assert_eq!(problem["type"], format!("urn:lockgate:problem:{code}"));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["instance"], "urn:lockgate:request:ci%2042");
        assert!(!answer.body.contains("secret words"));
    }
    running.shutdown().await;
}

#[tokio::test]
async fn a_request_that_is_refused_before_its_body_has_come_is_answered_and_so_is_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let running = Server::new(config(folder.path())).start().await.unwrap();
    let mut stream = TcpStream::connect(running.address()).await.unwrap();
    let head = |length: usize| format!("POST /nowhere HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    // Twice on one connection: a server that closed it after the first answer would have left the body unread.
    for _ in 0..2 {
        stream.write_all(head(11).as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        stream.write_all(b"hello world").await.unwrap();
        let mut answer = [0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        assert_eq!(Answer::read(&answer[..read]).status, 404);
    }
    // One that never comes, or is too large, keeps nobody waiting.
    for length in [11, 1 << 20] {
        let mut stream = TcpStream::connect(running.address()).await.unwrap();
        stream.write_all(head(length).as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(Answer::read(&answer).status, 404);
    }
    running.shutdown().await;
}

#[tokio::test]
async fn a_request_without_an_id_gets_one_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let id = |Extension(id): Extension<RequestId>| async move { id.to_string() };
    let running = Server::new(config(folder.path())).with_routes(move |_| Router::new().route("/id", get(id))).start();
    let running = running.await.unwrap();
    let first = request(&running, "GET /id HTTP/1.1", "").await;
    let second = request(&running, "GET /id HTTP/1.1", "").await;
    assert_eq!(first.header("x-request-id"), Some(first.body.as_str()));
    assert_eq!(first.body.len(), 32);
    assert_ne!(first.body, second.body);
    running.shutdown().await;
}

#[tokio::test]
async fn every_answer_tells_browsers_that_it_is_nothing_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let running = Server::new(config(folder.path())).start().await.unwrap();
    for path in ["/livez", "/nowhere"] {
        let answer = request(&running, &format!("GET {path} HTTP/1.1"), "").await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        assert_eq!(answer.header("strict-transport-security"), None, "without TLS it would be wrong");
    }
    running.shutdown().await;
}

/// Routes: one waits until it is let go, and one says that it was reached.
fn gated() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (reached, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (arrived, wait) = (Arc::clone(&reached), Arc::clone(&go));
    let slow = move || {
        let (arrived, wait) = (Arc::clone(&arrived), Arc::clone(&wait));
        async move {
            arrived.notify_one();
            wait.notified().await;
            "done"
        }
    };
    (Router::new().route("/slow", get(slow)).route("/fast", get(|| async { "fast" })), reached, go)
}

#[tokio::test]
async fn what_is_too_much_is_turned_away_and_health_is_answered_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    (config.limits.requests, config.limits.queue) = (1, 0);
    let (routes, reached, go) = gated();
    let running = Server::new(config).with_routes(move |state| taken_in(state, routes)).start().await.unwrap();
    let address = running.address();
    let slow = tokio::spawn(async move { exchange(address, "GET /slow HTTP/1.1", "").await });
    reached.notified().await;

    let turned_away = request(&running, "GET /fast HTTP/1.1", "").await;
    assert_eq!(turned_away.status, 503);
    assert_eq!(turned_away.header("retry-after"), Some("1"));
    assert_eq!(turned_away.json()["type"], "urn:lockgate:problem:overloaded");
    assert_eq!(request(&running, "GET /readyz HTTP/1.1", "").await.status, 200);

    go.notify_one();
    assert_eq!(slow.await.unwrap().body, "done");
    assert_eq!(request(&running, "GET /fast HTTP/1.1", "").await.body, "fast");
    running.shutdown().await;
}

#[tokio::test]
async fn a_few_more_requests_wait_for_their_turn() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    (config.limits.requests, config.limits.queue) = (1, 1);
    let (routes, reached, go) = gated();
    let running = Server::new(config).with_routes(move |state| taken_in(state, routes)).start().await.unwrap();
    let address = running.address();
    let slow = tokio::spawn(async move { exchange(address, "GET /slow HTTP/1.1", "").await });
    reached.notified().await;
    let mut next = Box::pin(exchange(address, "GET /fast HTTP/1.1", ""));
    let early = tokio::time::timeout(Duration::from_millis(50), &mut next).await;
    assert!(early.is_err(), "it has to wait");
    go.notify_one();
    assert_eq!((slow.await.unwrap().body, next.await.body), ("done".to_owned(), "fast".to_owned()));
    running.shutdown().await;
}

#[tokio::test]
async fn clients_that_wait_for_something_take_no_turn() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    (config.limits.requests, config.limits.queue, config.limits.watchers) = (1, 0, 1);
    let (routes, reached, go) = gated();
    let (arrived, wait) = (Arc::clone(&reached), Arc::clone(&go));
    let watch = move |Extension(turn): Extension<Turn>| {
        let (arrived, wait) = (Arc::clone(&arrived), Arc::clone(&wait));
        async move {
            let _watching = turn.watch()?;
            arrived.notify_one();
            wait.notified().await;
            Ok::<_, lockgate_server::problem::Problem>("turned")
        }
    };
    let routes = routes.route("/watch", get(watch));
    let running = Server::new(config).with_routes(move |state| taken_in(state, routes)).start().await.unwrap();
    let address = running.address();
    let watching = tokio::spawn(async move { exchange(address, "GET /watch HTTP/1.1", "").await });
    reached.notified().await;
    assert_eq!(request(&running, "GET /fast HTTP/1.1", "").await.body, "fast");
    assert_eq!(request(&running, "GET /watch HTTP/1.1", "").await.status, 503, "one may wait, and one does");
    go.notify_one();
    assert_eq!(watching.await.unwrap().body, "turned");
    running.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_answers_what_is_being_answered_and_takes_nothing_new() {
    let folder = tempfile::tempdir().unwrap();
    let (routes, reached, go) = gated();
    let running =
        Server::new(config(folder.path())).with_routes(move |state| taken_in(state, routes)).start().await.unwrap();
    let address = running.address();
    let slow = tokio::spawn(async move { exchange(address, "GET /slow HTTP/1.1", "").await });
    reached.notified().await;
    let lifecycle: Lifecycle = running.lifecycle().clone();
    let ended = tokio::spawn(running.shutdown());
    lifecycle.stopping().await;
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go.notify_one();
    let answer = slow.await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "done"));
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(ended.await.unwrap(), ShutdownOutcome { answered: true, closed: true });
}

#[tokio::test]
async fn a_shutdown_does_not_wait_forever() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.limits.shutdown = "50ms".parse().unwrap();
    let (routes, reached, _go) = gated();
    let running = Server::new(config).with_routes(move |state| taken_in(state, routes)).start().await.unwrap();
    let address = running.address();
    let slow = tokio::spawn(async move { exchange(address, "GET /slow HTTP/1.1", "").await });
    reached.notified().await;
    assert_eq!(running.shutdown().await, ShutdownOutcome { answered: false, closed: true });
    assert_eq!(slow.await.unwrap().status, 0, "it was cut off");
}

#[tokio::test]
async fn readiness_turns_false_before_connections_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (reached, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (arrived, wait) = (Arc::clone(&reached), Arc::clone(&go));
    let running = Server::new(config(folder.path()))
        .with_routes(move |state| {
            let checks = Arc::clone(&state.checks);
            let look = move || {
                let (checks, arrived, wait) = (Arc::clone(&checks), Arc::clone(&arrived), Arc::clone(&wait));
                async move {
                    arrived.notify_one();
                    wait.notified().await;
                    Json(serde_json::to_value(checks.readiness()).unwrap_or(Value::Null))
                }
            };
            Router::new().route("/look", get(look))
        })
        .start()
        .await
        .unwrap();
    let address = running.address();
    let look = tokio::spawn(async move { exchange(address, "GET /look HTTP/1.1", "").await });
    reached.notified().await;
    let lifecycle = running.lifecycle().clone();
    let ended = tokio::spawn(running.shutdown());
    lifecycle.stopping().await;
    go.notify_one();
    let readiness = look.await.unwrap().json();
    assert_eq!(readiness["ready"], false);
    assert_eq!(readiness["checks"]["shutdown"], json!({ "ok": false, "message": "a shutdown has begun" }));
    ended.await.unwrap();
}

#[tokio::test]
async fn a_head_that_does_not_come_closes_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.limits.header_read = "50ms".parse().unwrap();
    let running = Server::new(config).start().await.unwrap();
    // No empty line: the head never ends.
    let answer = crate::http_support::send(running.address(), b"GET /livez HTTP/1.1\r\nhost: a\r\n").await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    running.shutdown().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_the_clients_fault_and_a_slow_answer_is_ours() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.limits.request = "100ms".parse().unwrap();
    let (routes, _reached, _go) = gated();
    let routes = routes.route("/read", post(|body: String| async move { body }));
    let running = Server::new(config).with_routes(move |state| taken_in(state, routes)).start().await.unwrap();
    let head = b"POST /read HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 9\r\n\r\nabc";
    let answer = crate::http_support::Answer::read(&crate::http_support::send(running.address(), head).await);
    assert_eq!((answer.status, answer.json()["type"].as_str()), (408, Some("urn:lockgate:problem:request-timeout")));
    let answer = request(&running, "GET /slow HTTP/1.1", "").await;
    assert_eq!((answer.status, answer.json()["type"].as_str()), (503, Some("urn:lockgate:problem:timeout")));
    assert_eq!(answer.header("retry-after"), Some("1"));
    running.shutdown().await;
}

#[tokio::test]
async fn a_handler_knows_who_is_at_the_other_end() {
    let folder = tempfile::tempdir().unwrap();
    let who = |axum::extract::ConnectInfo(peer): axum::extract::ConnectInfo<RequestPeer>| async move {
        format!("{} {}", peer.address.ip(), peer.certificate.is_some())
    };
    let running = Server::new(config(folder.path())).with_routes(move |_| Router::new().route("/who", get(who)));
    let running = running.start().await.unwrap();
    assert_eq!(request(&running, "GET /who HTTP/1.1", "").await.body, "127.0.0.1 false");
    running.shutdown().await;
}

#[tokio::test]
async fn without_authentication_it_listens_on_loopback_alone() {
    let folder = tempfile::tempdir().unwrap();
    let open = Config { insecure_no_auth: true, listen: "0.0.0.0:0".parse().unwrap(), ..config(folder.path()) };
    let Err(error) = Server::new(open).start().await else { panic!("it started") };
    assert!(matches!(error, StartError::OpenToAll(_)));

    let local = Config { insecure_no_auth: true, ..config(folder.path()) };
    let running = Server::new(local).start().await.unwrap();
    assert!(running.first_token().is_none(), "nobody needs one");
    assert_eq!(request(&running, "GET /metrics HTTP/1.1", "").await.status, 200);
    running.shutdown().await;
}

#[tokio::test]
async fn an_address_that_is_taken_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let data = folder.path().join("data");
    let config = Config { listen: taken.local_addr().unwrap(), ..config(&data) };
    let Err(error) = Server::new(config).start().await else { panic!("it started") };
    assert!(error.to_string().contains("cannot listen on"), "{error}");
    assert!(!data.exists());
}
