//! Events for webhooks: signed, tried again, kept if nobody takes them, and sent once by several servers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lockgate_server::config::{Config, NotificationsConfig};
use lockgate_server::serve::{RunningServer, Server};
use ring::hmac;
use serde_json::{Value, json};

use crate::api::stand::LATER;
use crate::decision_support::{MODEL, catalogue, deployment};
use crate::http_support::{Answer, config, request};

/// A request that a receiver got.
struct Received {
    head: String,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let found = self
            .head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value).unwrap_or_else(|| panic!("no `{name}`: {}", self.head))
    }

    fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A receiver that answers with these statuses in turn, and with 204 afterwards.
fn receiver(statuses: &[u16]) -> (String, Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    let (send, received) = channel();
    let mut statuses: Vec<u16> = statuses.iter().rev().copied().collect();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while reader.read_line(&mut head).unwrap_or(0) > 2 {}
            let length =
                head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            if reader.read_exact(&mut body).is_err() {
                continue;
            }
            let status = statuses.pop().unwrap_or(204);
            let answer = format!("HTTP/1.1 {status} Said\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
            if send.send(Received { head, body: String::from_utf8(body).unwrap() }).is_err() {
                return;
            }
        }
    });
    (url, received)
}

/// A server that ends in a hurry leaves its turn to end by itself, after 30 seconds.
fn next(received: &Receiver<Received>) -> Received {
    received.recv_timeout(Duration::from_secs(90)).expect("nothing was sent")
}

fn nothing_more(received: &Receiver<Received>) {
    let more = received.recv_timeout(Duration::from_millis(1500));
    assert!(more.is_err(), "{}", more.map(|more| more.body).unwrap_or_default());
}

/// A server that lets everybody in, with one webhook.
async fn start(folder: &Path, webhook: Value) -> RunningServer {
    drop(catalogue(folder, MODEL));
    let secret = folder.join("secret");
    std::fs::write(&secret, "a secret that only two know\n").unwrap();
    let mut hook = json!({"name": "ops", "secret-file": secret, "max-delay": "100ms"});
    hook.as_object_mut().unwrap().extend(webhook.as_object().unwrap().clone());
    let notifications = json!({"base-url": "https://deploy.example.com/", "webhooks": [hook]});
    let notifications: NotificationsConfig = serde_json::from_value(notifications).unwrap();
    let models = vec![folder.join("model.toml").to_str().unwrap().to_owned()];
    let config = Config { insecure_no_auth: true, notifications, models, ..config(&folder.join("data")) };
    Server::new(config).start().await.unwrap()
}

async fn post(running: &RunningServer, path: &str, body: Value) -> Answer {
    let line = format!("POST /api/v1{path} HTTP/1.1\r\ncontent-type: application/json");
    let answer = request(running, &line, &body.to_string()).await;
    assert!([200, 201].contains(&answer.status), "{}", answer.body);
    answer
}

async fn stop(running: &RunningServer, reason: &str) {
    post(running, "/stops", json!({"reason": reason, "until": LATER})).await;
}

/// What the server says of its webhook.
async fn state(running: &RunningServer) -> Value {
    let answer = request(running, "GET /api/v1/notifications HTTP/1.1", "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["items"][0].clone()
}

/// Until the server knows of its webhook: from then on, events are for it.
async fn ready(running: &RunningServer) {
    for _ in 0..500 {
        if state(running).await["webhook"] == "ops" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no webhook");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_deployment_is_told_in_order_in_the_words_of_cdevents_and_signed() {
    let (url, received) = receiver(&[]);
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path(), json!({"url": url})).await;
    ready(&running).await;
    let mut new = deployment("d-1");
    new["requester"] = json!({"id": "anonymous@localhost", "roles": []});
    post(&running, "/deployments", json!({"team": "checkout", "deployment": new})).await;
    post(&running, "/deployments/d-1/gates/plan-and-approve/entrance", json!({})).await;
    post(&running, "/deployments/d-1/moves", json!({"move": "reject", "reason": "not now"})).await;

    let created = next(&received);
    let event = created.event();
    assert_eq!(event["type"], "dev.cdevents.approval.created.0.1.0");
    assert_eq!((&event["specversion"], &event["subject"]), (&json!("1.0"), &json!("d-1")));
    assert_eq!(event["source"], "https://deploy.example.com");
    let carried = &event["data"];
    assert_eq!((&carried["context"]["id"], &carried["context"]["type"]), (&event["id"], &event["type"]));
    let address = "https://deploy.example.com/api/v1/deployments/d-1?team=checkout";
    assert_eq!(carried["subject"]["content"]["approvalDetailsUrl"], address);
    assert_eq!(carried["subject"]["content"]["requestor"], "urn:lockgate:person:anonymous%40localhost");
    assert_eq!(carried["customData"]["team"], "checkout");

    assert_eq!(created.header("content-type"), "application/cloudevents+json");
    let (id, seconds) = (created.header("webhook-id"), created.header("webhook-timestamp"));
    assert_eq!(id, event["id"]);
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret that only two know");
    let tag = hmac::sign(&key, format!("{id}.{seconds}.{}", created.body).as_bytes());
    assert_eq!(created.header("webhook-signature"), format!("v1,{}", STANDARD.encode(tag)));

    let closed = next(&received).event();
    assert_eq!(closed["type"], "dev.cdevents.approval.closed.0.1.0");
    assert_eq!(closed["data"]["subject"]["content"]["status"], "rejected");
    assert!(running.shutdown().await.closed, "no webhook holds the ledger open");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_tried_again_and_what_is_refused_is_kept_and_shown() {
    let (url, received) = receiver(&[503, 500, 204, 422]);
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path(), json!({"url": url, "events": ["line-stopped"]})).await;
    ready(&running).await;
    stop(&running, "first").await;
    let attempts = [(); 3].map(|()| next(&received));
    let ids: Vec<&str> = attempts.iter().map(|attempt| attempt.header("webhook-id")).collect();
    assert_eq!(ids, [ids[0]; 3], "it is the same event each time");
    assert!(attempts[0].body.contains("first"));
    stop(&running, "second").await;
    stop(&running, "third").await;
    assert!(next(&received).body.contains("second"));
    assert!(next(&received).body.contains("third"), "the refused one holds nothing up");
    let shown = state(&running).await;
    assert_eq!(shown["failing"], Value::Null);
    let dead = &shown["dead"][0];
    assert!(dead["message"].as_str().unwrap().contains("422"), "{shown}");
    assert_eq!((&dead["attempts"], shown["dead"].as_array().unwrap().len()), (&json!(1), 1));
    assert!(dead["event"].to_string().contains("second"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_takes_for_long_is_given_up_and_the_next_one_is_sent() {
    let (url, received) = receiver(&[503; 2]);
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path(), json!({"url": url, "events": ["line-stopped"], "give-up-after": "1ms"})).await;
    ready(&running).await;
    stop(&running, "first").await;
    stop(&running, "second").await;
    assert!(next(&received).body.contains("first"));
    assert!(next(&received).body.contains("first"));
    assert!(next(&received).body.contains("second"));
    let shown = state(&running).await;
    assert_eq!((&shown["dead"][0]["attempts"], &shown["failing"]), (&json!(2), &Value::Null), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_one_sends_and_the_ledger_keeps_what_happens_while_none_runs() {
    let (url, received) = receiver(&[]);
    let folder = tempfile::tempdir().unwrap();
    let hook = json!({"url": url, "events": ["line-stopped"]});
    let servers = [start(folder.path(), hook.clone()).await, start(folder.path(), hook.clone()).await];
    ready(&servers[0]).await;
    for (server, reason) in servers.iter().zip(["first", "second"]) {
        stop(server, reason).await;
        assert!(next(&received).body.contains(reason));
    }
    nothing_more(&received);
    for server in servers {
        server.shutdown().await;
    }
    // One without webhooks writes; the next one sends what it missed.
    let silent = Config { insecure_no_auth: true, ..config(&folder.path().join("data")) };
    let silent = Server::new(silent).start().await.unwrap();
    stop(&silent, "third").await;
    silent.shutdown().await;
    let again = start(folder.path(), hook).await;
    assert!(next(&received).body.contains("third"), "the turn of the servers before ended with them");
    again.shutdown().await;
}
