//! Waiting for something to happen.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::api::stand::Stand;

#[tokio::test]
async fn whoever_waits_is_answered_when_the_deployment_changes() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let waiting = stand.get("ben", "/deployments/d-1/wait?after=1");
    let changing = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stand.pass("d-1", "plan-and-approve/entrance").await
    };
    let (waited, _) = tokio::join!(waiting, changing);
    assert_eq!((waited.status, waited.header("etag")), (200, Some("\"2\"")));
    assert_eq!(waited.json()["position"]["status"], "in-progress");
}

#[tokio::test]
async fn what_has_changed_already_is_answered_at_once_and_nothing_after_the_time() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    assert_eq!(stand.get("ben", "/deployments/d-1/wait?after=0").await.status, 200);
    let nothing = stand.get("ben", "/deployments/d-1/wait?timeout=1ms").await;
    assert_eq!((nothing.status, nothing.header("etag")), (204, Some("\"1\"")));
    assert_eq!(stand.get("ben", "/deployments/d-2/wait").await.status, 404);
    assert_eq!(stand.get("ben", "/deployments/d-1/wait?timeout=soon").await.status, 400);
}

#[tokio::test]
async fn what_another_server_writes_is_told_too() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let waiting = stand.get("ben", "/deployments/d-1/wait?after=1");
    let changing = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stand.other_server("d-1").await;
    };
    let (waited, ()) = tokio::join!(waiting, changing);
    assert_eq!((waited.status, waited.header("etag")), (200, Some("\"2\"")));
}

#[tokio::test]
async fn a_gate_that_is_waited_for_is_passed_as_soon_as_somebody_approves() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    stand.pass("d-1", "plan-and-approve/entrance").await;
    let waiting = stand.pass("d-1", "plan-and-approve/exit?wait=20s");
    let approving = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stand.approve("ben", "d-1").await
    };
    let (waited, approved) = tokio::join!(waiting, approving);
    assert_eq!(approved.status, 201, "{}", approved.body);
    assert_eq!((waited.status, &waited.json()["passed"]), (200, &json!(true)), "{}", waited.body);
    // Looking is no deciding: there is one decision for each answer.
    let decisions = stand.get("rita", "/decisions?deployment=d-1").await.json();
    assert_eq!(decisions["items"].as_array().unwrap().len(), 2, "{decisions:#}");
}

#[tokio::test]
async fn where_a_gate_does_not_turn_nothing_is_decided() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let waited = stand.pass("d-1", "plan-and-approve/exit?ask=true&wait=10ms&until=allow").await;
    assert_eq!((waited.status, waited.body.as_str()), (204, ""));
    assert_eq!(stand.get("rita", "/decisions").await.json()["items"], json!([]));
}

#[tokio::test]
async fn what_cannot_turn_is_not_waited_for() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    // The next gate is the entrance: a request for the exit is told so at once, however long it would wait.
    assert_eq!(stand.pass("d-1", "plan-and-approve/exit?wait=1h").await.status, 409);
    assert_eq!(stand.pass("d-2", "plan-and-approve/exit?wait=1h").await.status, 404);
    assert_eq!(stand.pass("d-1", "plan-and-approve/entrance?wait=1h").await.json()["passed"], true);
    for wrong in ["until=allow", "wait=20s&until=tomorrow", "wait=soon"] {
        let answer = stand.pass("d-1", &format!("plan-and-approve/exit?{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
    }
}

/// Reads a stream until it has that many events.
async fn follow(stand: &Stand, more: &str, events: usize) -> Vec<(String, Value)> {
    let mut stream = TcpStream::connect(stand.running.address()).await.unwrap();
    let head = format!(
        "GET /api/v1/deployments/d-1/events HTTP/1.1\r\nhost: localhost\r\n{}\r\naccept: text/event-stream\r\n{more}\r\n",
        stand.bearer("ben")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while text.matches("\nid: ").count() < events || !text.contains("\n\n") {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the stream ended: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    let lines = |prefix: &'static str| text.lines().filter_map(move |line| line.strip_prefix(prefix));
    let data = lines("data: ").map(|data| serde_json::from_str(data).unwrap());
    lines("event: ").map(str::to_owned).zip(data).take(events).collect()
}

#[tokio::test]
async fn events_are_sent_as_they_happen_and_none_is_missed() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let following = follow(&stand, "", 2);
    let changing = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let abort = json!({"move": "abort", "reason": "no longer needed"});
        stand.post("rita", "/deployments/d-1/moves", abort).await
    };
    let (events, _) = tokio::join!(following, changing);
    assert_eq!(events[0].0, "requested");
    assert_eq!((events[1].0.as_str(), &events[1].1["reason"]), ("aborted", &json!("no longer needed")));

    let rest = follow(&stand, "last-event-id: 1\r\n", 1).await;
    assert_eq!((rest[0].0.as_str(), &rest[0].1["version"]), ("aborted", &json!(2)));
}

#[tokio::test]
async fn a_shutdown_ends_streams_and_waiting() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let address = stand.running.address();
    let head = format!(
        "GET /api/v1/deployments/d-1/wait HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{}\r\n\r\n",
        stand.bearer("ben")
    );
    let waiting = tokio::spawn(async move { crate::http_support::send(address, head.as_bytes()).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let ended = stand.shutdown().await;
    assert!(ended.answered && ended.closed, "{ended:?}");
    let answer = crate::http_support::Answer::read(&waiting.await.unwrap());
    assert_eq!(answer.status, 204);
}

#[tokio::test]
async fn more_than_may_wait_are_turned_away() {
    let stand = Stand::with(|config| config.limits.watchers = 1).await;
    stand.request("d-1").await;
    let first = stand.get("ben", "/deployments/d-1/wait?timeout=2s");
    let second = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stand.get("ben", "/deployments/d-1/wait").await
    };
    let (_, second) = tokio::join!(first, second);
    assert_eq!((second.status, second.header("retry-after")), (503, Some("1")), "{}", second.body);
}
