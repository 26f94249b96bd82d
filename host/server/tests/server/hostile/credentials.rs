//! Clients with a credential: slow bodies, many of them, many streams of events, and others who guess from the same address.

use std::time::Duration;

use lockgate_server::config::Config;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{connect, until_closed};
use crate::api::stand::Stand;
use crate::decision_support::deployment;
use crate::http_support::Answer;

/// Sends a head that announces a body, and `part` of the body.
async fn begin(stand: &Stand, bearer: &str, line: &str, length: usize, part: &[u8]) -> TcpStream {
    let mut stream = connect(2, stand.running.address()).await;
    let head = format!(
        "{line} HTTP/1.1\r\nhost: a\r\n{bearer}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), part].concat()).await.unwrap();
    stream
}

async fn answered(stream: &mut TcpStream) -> Answer {
    Answer::read(&until_closed(stream).await)
}

const REQUEST: &str = "POST /api/v1/deployments";

/// Begins requests of somebody until the next one is refused; with what is said then. More than there is room for may have to
/// be begun: one that comes while another one is answered is refused itself.
async fn until_full<F: Future<Output = TcpStream>>(
    stand: &Stand,
    who: &str,
    mut begin_one: impl FnMut() -> F,
) -> (Vec<TcpStream>, Answer) {
    let mut begun = Vec::new();
    loop {
        begun.push(begin_one().await);
        let answer = stand.get(who, "/deployments").await;
        if answer.status != 200 {
            return (begun, answer);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn who_may_not_is_told_before_the_body_comes() {
    let stand = Stand::new().await;
    // Ada hands out credentials and requests no deployment; a stranger has none; and nobody takes a megabyte and a byte.
    for (bearer, length, status) in [
        (stand.bearer("ada"), 100, 403),
        ("authorization: Bearer nonsense".to_owned(), 100, 401),
        (stand.bearer("rita"), (1 << 20) + 1, 413),
    ] {
        let mut stream = begin(&stand, &bearer, REQUEST, length, b"").await;
        let mut answer = vec![0; 16 << 10];
        let read = stream.read(&mut answer).await.unwrap();
        assert_eq!(Answer::read(&answer[..read]).status, status);
    }
    stand.shutdown().await;
}

#[tokio::test]
async fn slow_bodies_hold_no_turn_and_only_the_room_of_their_credential() {
    let few = |config: &mut Config| {
        (config.limits.requests, config.limits.queue) = (1, 100);
        // What has come buys a minute.
        config.limits.least_rate = "1 B".parse().unwrap();
        (config.limits.requests_per_credential, config.limits.queue_per_credential) = (1, 2);
    };
    let stand = Stand::with(few).await;
    let bearer = stand.bearer("rita");
    let (slow, refused) = until_full(&stand, "rita", || begin(&stand, &bearer, REQUEST, 100, &[b' '; 60])).await;
    assert!(slow.len() >= 3, "{}", slow.len());
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert_eq!(refused.json()["type"], "urn:lockgate:problem:too-many-requests");
    assert_eq!(refused.header("retry-after"), Some("1"));
    // The only turn that there is stays free for others.
    assert_eq!(stand.get("ben", "/deployments").await.status, 200);
    drop(slow);
    // As soon as they are gone, there is room again.
    while stand.get("rita", "/deployments").await.status != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stand.shutdown().await;
}

#[tokio::test]
async fn a_body_below_the_least_rate_is_given_up_and_one_above_it_is_not() {
    // The time that a client has before the rate counts is at most that of a request.
    let quick = |config: &mut Config| {
        config.limits.request = "1500ms".parse().unwrap();
        config.limits.wait = "1s".parse().unwrap();
        config.limits.least_rate = "100 B".parse().unwrap();
    };
    let stand = Stand::with(quick).await;
    let body = json!({"deployment": deployment("slow")}).to_string();
    let body = format!("{body}{}", " ".repeat(1900));
    let mut too_slow = begin(&stand, &stand.bearer("rita"), REQUEST, body.len(), b"{").await;
    // Longer than a request may take, at ten times the rate.
    let mut steady = begin(&stand, &stand.bearer("rita"), REQUEST, body.len(), b"").await;
    for part in body.as_bytes().chunks(100) {
        steady.write_all(part).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut answer = vec![0; 16 << 10];
    let read = steady.read(&mut answer).await.unwrap();
    let answer = Answer::read(&answer[..read]);
    assert_eq!(answer.status, 201, "{}", answer.body);
    let answer = answered(&mut too_slow).await;
    assert_eq!((answer.status, answer.json()["type"].as_str()), (408, Some("urn:lockgate:problem:request-timeout")));
    assert!(answer.body.contains("limits.least-rate"), "{}", answer.body);
    stand.shutdown().await;
}

#[tokio::test]
async fn bodies_take_no_more_memory_than_there_is_for_them() {
    let little = |config: &mut Config| {
        (config.limits.body, config.limits.evidence) = ("1 MiB".parse().unwrap(), "1 MiB".parse().unwrap());
        (config.limits.bodies, config.limits.bodies_per_credential) =
            ("2 MiB".parse().unwrap(), "1 MiB".parse().unwrap());
    };
    let stand = Stand::with(little).await;
    // What has come buys half a minute.
    let half = vec![b' '; 1 << 19];
    let mut held = Vec::new();
    let small = json!({"deployment": deployment("one")});
    // That of the credential is in use, and there is some for others.
    let refused = loop {
        held.push(begin(&stand, &stand.bearer("rita"), REQUEST, 1 << 20, &half).await);
        let answer = stand.post("rita", "/deployments", small.clone()).await;
        if answer.status == 429 {
            break answer;
        }
    };
    assert!(refused.body.contains("bytes of requests"), "{}", refused.body);
    assert_eq!(stand.get("rita", "/deployments").await.status, 200, "without a body, it takes none");
    assert_eq!(stand.post("ben", "/delegations", json!({})).await.status, 422);
    // Now all of it is.
    let refused = loop {
        held.push(begin(&stand, &stand.bearer("ben"), "POST /api/v1/delegations", 1 << 20, &half).await);
        let answer = stand.post("mia", "/deployments", small.clone()).await;
        if answer.status == 503 {
            break answer;
        }
    };
    assert_eq!(refused.json()["type"], "urn:lockgate:problem:overloaded");
    // A shutdown waits for what has begun.
    drop(held);
    stand.shutdown().await;
}

#[tokio::test]
async fn a_body_of_unknown_length_is_counted_as_it_comes() {
    let stand = Stand::with(|config| config.limits.body = "1 KiB".parse().unwrap()).await;
    let mut stream = connect(2, stand.running.address()).await;
    let head = format!(
        "{REQUEST} HTTP/1.1\r\nhost: a\r\n{}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        stand.bearer("rita")
    );
    let chunk = format!("200\r\n{}\r\n", " ".repeat(512));
    stream.write_all(format!("{head}{}", chunk.repeat(3)).as_bytes()).await.unwrap();
    let mut answer = vec![0; 16 << 10];
    let read = stream.read(&mut answer).await.unwrap();
    let answer = Answer::read(&answer[..read]);
    assert_eq!((answer.status, answer.json()["type"].as_str()), (413, Some("urn:lockgate:problem:body-too-large")));
    assert!(answer.body.contains("1 KiB"), "{}", answer.body);
    stand.shutdown().await;
}

#[tokio::test]
async fn one_credential_has_a_share_of_the_streams_of_events() {
    let few = |config: &mut Config| (config.limits.watchers, config.limits.watchers_per_credential) = (4, 2);
    let stand = Stand::with(few).await;
    stand.request("d-1").await;
    let follow = async |who: &str| {
        let mut stream = connect(2, stand.running.address()).await;
        let head = format!(
            "GET /api/v1/deployments/d-1/events HTTP/1.1\r\nhost: a\r\n{}\r\naccept: text/event-stream\r\n\r\n",
            stand.bearer(who)
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        (Answer::read(&answer[..read]).status, stream)
    };
    let mut streams = Vec::new();
    for (who, status) in [("rita", 200), ("rita", 200), ("rita", 429), ("ben", 200), ("ben", 200), ("mia", 503)] {
        let (answered, stream) = follow(who).await;
        assert_eq!(answered, status, "{who}");
        streams.push(stream);
    }
    assert_eq!(stand.get("rita", "/deployments/d-1/wait?timeout=1s").await.status, 429);
    assert_eq!(stand.get("rita", "/deployments/d-1").await.status, 200, "they hold no turn");
    stand.shutdown().await;
}

#[tokio::test]
async fn a_valid_token_is_taken_whatever_else_comes_from_its_address() {
    let edit = |config: &mut Config| config.auth = toml::from_str("throttle = { failures = 3, per = '1h' }").unwrap();
    let stand = Stand::with(edit).await;
    let bad = format!("authorization: Bearer lgt_0123456789ab_{}", "0".repeat(64));
    let mut refused = Vec::new();
    for _ in 0..5 {
        refused.push(stand.send_with(&[&bad], "GET /api/v1/me", "").await.status);
        assert_eq!(stand.get("rita", "/me").await.status, 200);
    }
    assert_eq!(refused, [401, 401, 401, 429, 429]);
    stand.shutdown().await;
}

#[tokio::test]
async fn answers_that_are_not_taken_hold_the_room_of_their_credential() {
    let few = |config: &mut Config| {
        (config.limits.requests_per_credential, config.limits.queue_per_credential) = (1, 2);
    };
    let stand = Stand::with(few).await;
    stand.request("d-1").await;
    let evidence = "x".repeat(8 << 20);
    let headers = ["content-type: text/plain"];
    let put = stand.send("rita", "PUT /api/v1/deployments/d-1/evidence/large", &headers, &evidence).await;
    assert!(matches!(put.status, 200 | 201), "{}", put.body);
    let take_none = || async {
        let mut stream = connect(2, stand.running.address()).await;
        let head = format!(
            "GET /api/v1/deployments/d-1/evidence/large HTTP/1.1\r\nhost: a\r\n{}\r\n\r\n",
            stand.bearer("rita")
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut begun = [0; 16];
        assert!(stream.read(&mut begun).await.unwrap() > 0);
        stream
    };
    let (untaken, refused) = until_full(&stand, "rita", take_none).await;
    assert_eq!(refused.status, 429);
    assert_eq!(stand.get("ben", "/deployments").await.status, 200);
    drop(untaken);
    while stand.get("rita", "/deployments").await.status != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stand.shutdown().await;
}

#[tokio::test]
async fn a_document_that_grows_when_it_is_read_is_counted_by_what_it_grows_to() {
    let stand = Stand::new().await;
    let bomb = format!("[{}0]", "{\"\":0},".repeat(140_000));
    let headers = ["content-type: application/json"];
    let answer = stand.send("rita", REQUEST, &headers, &bomb).await;
    assert_eq!((answer.status, answer.json()["type"].as_str()), (413, Some("urn:lockgate:problem:body-too-large")));
    assert!(answer.body.contains("too many values"), "{}", answer.body);
    // The same bytes as one text are read, and found to be no deployment.
    let text = format!("\"{}\"", "[{,:".repeat(200_000));
    assert_eq!(stand.send("rita", REQUEST, &headers, &text).await.status, 422);
    stand.shutdown().await;
}
