//! Connections without any credential: silent ones, half of a head, frames of HTTP/2, answers that nobody takes, and many.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use lockgate_server::config::LimitsConfig;
use lockgate_server::observe::{Metrics, MetricsFormat};
use lockgate_server::serve::{RunningServer, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::{PREFACE, ask, connect, is_alive, serve, until_closed};
use crate::http_support::{config, exchange, request};

/// The head of `GET /livez` as a frame of HTTP/2, on a stream; with `complete`, it is the whole head.
fn head_frame(stream: u8, complete: bool) -> Vec<u8> {
    // Method, scheme, path and authority, as HPACK writes them without its table.
    let block: &[u8] = b"\x82\x86\x04\x06/livez\x01\x01a";
    let flags = if complete { 0x5 } else { 0x1 };
    let length = u8::try_from(block.len()).unwrap();
    [&[0, 0, length, 1, flags, 0, 0, 0, stream], block].concat()
}

fn ping() -> Vec<u8> {
    [&[0, 0, 8, 6, 0, 0, 0, 0, 0], [7; 8].as_slice()].concat()
}

fn quick() -> LimitsConfig {
    let soon = "500ms".parse().unwrap();
    LimitsConfig { header_read: soon, idle: soon, ..LimitsConfig::default() }
}

#[tokio::test]
async fn a_connection_without_a_complete_head_is_closed_whatever_it_speaks() {
    let (_folder, running) = serve(quick()).await;
    let half = head_frame(1, false);
    let mut hostile = Vec::new();
    for (what, sent) in [
        ("nothing", Vec::new()),
        ("the first byte of a method", b"G".to_vec()),
        ("the first byte of both versions", b"P".to_vec()),
        ("half of a head", b"GET /livez HTTP/1.1\r\nhost: a\r\n".to_vec()),
        ("half of a preface", PREFACE[..20].to_vec()),
        ("a preface alone", PREFACE[..24].to_vec()),
        ("a preface and settings", PREFACE.to_vec()),
        ("a preface and a ping", [PREFACE, ping().as_slice()].concat()),
        ("half of a head of HTTP/2", [PREFACE, half.as_slice()].concat()),
    ] {
        let mut stream = connect(2, running.address()).await;
        stream.write_all(&sent).await.unwrap();
        hostile.push((what, stream));
    }
    is_alive(&running).await;
    for (what, mut stream) in hostile {
        let received = until_closed(&mut stream).await;
        let text = String::from_utf8_lossy(&received);
        assert!(!text.contains("200 OK") && !text.contains("ok"), "{what}: {text}");
    }
    is_alive(&running).await;
    running.shutdown().await;
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_not_waited_for() {
    let (_folder, running) = serve(quick()).await;
    let mut stream = connect(2, running.address()).await;
    let (mut reading, mut writing) = stream.split();
    let drip = async {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let mut received = Vec::new();
    tokio::select! {
        _ = reading.read_to_end(&mut received) => {}
        () = drip => {}
    }
    is_alive(&running).await;
    running.shutdown().await;
}

#[tokio::test]
async fn a_connection_that_asks_nothing_more_is_closed() {
    let (_folder, running) = serve(quick()).await;
    let mut stream = connect(2, running.address()).await;
    assert_eq!(ask(&mut stream, "/livez").await.body, "ok");
    assert_eq!(until_closed(&mut stream).await, b"", "it is closed without a word");
    // Half of the next head keeps it no longer.
    let mut stream = connect(2, running.address()).await;
    ask(&mut stream, "/livez").await;
    stream.write_all(b"GET /livez HTTP/1.1\r\n").await.unwrap();
    until_closed(&mut stream).await;
    is_alive(&running).await;
    running.shutdown().await;
}

#[tokio::test]
async fn a_connection_of_http_2_is_not_kept_open_by_pings() {
    let (_folder, running) = serve(quick()).await;
    let mut stream = connect(2, running.address()).await;
    stream.write_all(&[PREFACE, &head_frame(1, true)].concat()).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let pings = async {
        while writing.write_all(&ping()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let mut received = Vec::new();
    let read = async {
        let _ = reading.read_to_end(&mut received).await;
    };
    tokio::select! { () = read => {}, () = pings => {} }
    assert!(received.windows(2).any(|bytes| bytes == b"ok"), "the first request was answered");
    running.shutdown().await;
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up_and_one_that_comes_slowly_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.limits = quick();
    // Far more than the buffers of the system hold.
    let large = || async { vec![b'x'; 64 << 20] };
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        "slow"
    };
    config.limits.least_rate = "1 GiB".parse().unwrap();
    let routes = Router::new().route("/large", get(large)).route("/slow", get(slow));
    let metrics = Arc::new(Metrics::new());
    let server = Server::new(config).observed(Arc::clone(&metrics), false).with_routes(move |_| routes);
    let running = server.start().await.unwrap();
    let mut stream = connect(2, running.address()).await;
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    // The work of the server is not the client's silence, however long it takes.
    assert_eq!(request(&running, "GET /slow HTTP/1.1", "").await.body, "slow");
    // Closed: what is still to be read is what the buffers hold, and no more.
    let closed = "lockgate_http_connections_closed_total{kind=\"idle\"} 1";
    while !metrics.text(MetricsFormat::Prometheus).contains(closed) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let received = until_closed(&mut stream).await;
    assert!(received.len() < 64 << 20, "{}", received.len());
    running.shutdown().await;
}

/// A route that says when it was reached, and waits until it is let go.
fn busy() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (reached, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (arrived, wait) = (Arc::clone(&reached), Arc::clone(&go));
    let handler = move || {
        let (arrived, wait) = (Arc::clone(&arrived), Arc::clone(&wait));
        async move {
            arrived.notify_one();
            wait.notified().await;
            "done"
        }
    };
    (Router::new().route("/busy", get(handler)).route("/free", get(|| async { "free" })), reached, go)
}

async fn busy_server(
    edit: impl FnOnce(&mut LimitsConfig),
) -> (tempfile::TempDir, RunningServer, Arc<Notify>, Arc<Notify>) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    edit(&mut config.limits);
    let (routes, reached, go) = busy();
    let running = Server::new(config).with_routes(move |_| routes).start().await.unwrap();
    (folder, running, reached, go)
}

#[tokio::test]
async fn silent_connections_make_room_for_one_that_asks() {
    let (_folder, running, _, _) = busy_server(|limits| limits.connections = 20).await;
    let mut silent = Vec::new();
    for n in 0..60 {
        silent.push(connect(2 + n % 10, running.address()).await);
    }
    is_alive(&running).await;
    assert_eq!(request(&running, "GET /free HTTP/1.1", "").await.body, "free");
    // The first ones had been silent for longest.
    until_closed(&mut silent[0]).await;
    // Of those that are left, the last one is answered.
    assert_eq!(ask(silent.last_mut().unwrap(), "/free").await.body, "free");
    running.shutdown().await;
}

/// A client may take its answer slowly for a while, but then its place goes to the next client that comes.
#[tokio::test]
async fn answers_that_are_taken_slowly_make_room_for_one_that_asks() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.limits.connections = 20;
    let large = || async { vec![b'x'; 8 << 20] };
    let routes = Router::new().route("/large", get(large)).route("/free", get(|| async { "free" }));
    let running = Server::new(config).with_routes(move |_| routes).start().await.unwrap();
    let take_slowly = async |from| {
        let mut stream = connect(from, running.address()).await;
        stream.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        // The answer is on its way.
        stream.read_exact(&mut [0; 16]).await.unwrap();
        stream
    };
    let mut slow = Vec::new();
    for n in 0..20 {
        slow.push(take_slowly(2 + n).await);
    }
    for n in 0..5 {
        let mut good = connect(1, running.address()).await;
        // The next ones come before its request does.
        for from in 0..4 {
            slow.push(take_slowly(2 + 4 * n + from).await);
        }
        assert_eq!(ask(&mut good, "/free").await.body, "free");
    }
    // A shutdown waits for clients that take their answers.
    drop(slow);
    running.shutdown().await;
}

#[tokio::test]
async fn an_address_beyond_its_limit_closes_its_own_silent_connections() {
    let (_folder, running, _, _) = busy_server(|limits| limits.connections_per_address = 2).await;
    let mut good = connect(1, running.address()).await;
    let mut first = connect(2, running.address()).await;
    let mut second = connect(2, running.address()).await;
    ask(&mut second, "/free").await;
    let mut third = connect(2, running.address()).await;
    until_closed(&mut first).await;
    for stream in [&mut second, &mut third, &mut good] {
        assert_eq!(ask(stream, "/free").await.body, "free");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn an_address_whose_connections_are_all_being_answered_gets_no_more() {
    let (_folder, running, reached, go) = busy_server(|limits| limits.connections_per_address = 1).await;
    let mut first = connect(2, running.address()).await;
    first.write_all(b"GET /busy HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    reached.notified().await;
    let mut second = connect(2, running.address()).await;
    assert_eq!(until_closed(&mut second).await, b"");
    assert_eq!(request(&running, "GET /free HTTP/1.1", "").await.body, "free");
    go.notify_one();
    let mut answer = vec![0; 4096];
    assert!(first.read(&mut answer).await.unwrap() > 0, "the one that is being answered stays");
    running.shutdown().await;
}

#[tokio::test]
async fn where_all_connections_are_being_answered_health_is_told_and_nothing_else() {
    let (_folder, running, reached, go) = busy_server(|limits| limits.connections = 2).await;
    let mut busy: Vec<TcpStream> = Vec::new();
    for from in [2, 3] {
        let mut stream = connect(from, running.address()).await;
        stream.write_all(b"GET /busy HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        reached.notified().await;
        busy.push(stream);
    }
    is_alive(&running).await;
    for path in ["/readyz", "/health", "/v1/status"] {
        assert_eq!(request(&running, &format!("GET {path} HTTP/1.1"), "").await.status, 200, "{path}");
    }
    let refused = exchange(running.address(), "GET /free HTTP/1.1", "").await;
    assert_eq!((refused.status, refused.json()["type"].as_str()), (503, Some("urn:lockgate:problem:overloaded")));
    assert_eq!(refused.header("connection"), Some("close"));
    go.notify_waiters();
    for stream in &mut busy {
        let mut answer = vec![0; 4096];
        assert!(stream.read(&mut answer).await.unwrap() > 0);
    }
    running.shutdown().await;
}

#[tokio::test]
async fn a_connection_of_http_2_is_one_of_the_address_and_waits_like_others() {
    let (_folder, running, _, _) = busy_server(|limits| limits.connections_per_address = 1).await;
    let mut first = connect(2, running.address()).await;
    first.write_all(&[PREFACE, &head_frame(1, true)].concat()).await.unwrap();
    let mut received = vec![0; 4096];
    while first.read(&mut received).await.unwrap() == 0 {}
    let mut second = connect(2, running.address()).await;
    assert_eq!(ask(&mut second, "/free").await.body, "free");
    until_closed(&mut first).await;
    running.shutdown().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_keeps_no_place() {
    let (_folder, running, _, _) = busy_server(|limits| limits.connections = 20).await;
    // Refused by their heads alone; the server would read the rest of a body before it answers.
    let mut pinned = Vec::new();
    for n in 0..20 {
        let mut stream = connect(2 + n, running.address()).await;
        stream.write_all(&[PREFACE, &post_frame(1)].concat()).await.unwrap();
        pinned.push(stream);
    }
    let pin = async {
        for next in (3..).step_by(2) {
            for stream in &mut pinned {
                let _ = stream.write_all(&post_frame(next)).await;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    let ask = async {
        for _ in 0..10 {
            is_alive(&running).await;
            assert_eq!(request(&running, "GET /free HTTP/1.1", "").await.body, "free");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! { () = ask => {}, () = pin => {} }
    running.shutdown().await;
}

/// The head of `POST /livez`, whose body does not come.
fn post_frame(stream: u8) -> Vec<u8> {
    let block: &[u8] = b"\x83\x86\x04\x06/livez\x01\x01a";
    let length = u8::try_from(block.len()).unwrap();
    [&[0, 0, length, 1, 0x4, 0, 0, 0, stream], block].concat()
}

#[tokio::test]
async fn silent_connections_leave_room_for_questions_about_health() {
    let (_folder, running, reached, go) = busy_server(|limits| limits.connections = 1).await;
    let mut busy = connect(2, running.address()).await;
    busy.write_all(b"GET /busy HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    reached.notified().await;
    let mut silent = Vec::new();
    for n in 0..200 {
        silent.push(connect(3 + n % 20, running.address()).await);
    }
    for _ in 0..20 {
        is_alive(&running).await;
    }
    go.notify_one();
    running.shutdown().await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_holds_up_no_shutdown() {
    let (_folder, running, _, _) = busy_server(|limits| limits.shutdown = "60s".parse().unwrap()).await;
    let mut silent = connect(2, running.address()).await;
    silent.write_all(&[PREFACE, &head_frame(1, true)].concat()).await.unwrap();
    let mut received = vec![0; 4096];
    while silent.read(&mut received).await.unwrap() == 0 {}
    // It neither closes the connection nor says that it knows of the end.
    let ended = tokio::time::timeout(Duration::from_secs(30), running.shutdown()).await;
    assert!(ended.expect("it is not waited for").answered);
}
