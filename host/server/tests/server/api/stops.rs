//! Stops of the line, and what is due, over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lockgate_domain::Timestamp;
use lockgate_ledger::{KeyFile, SqliteOptions, SystemClock};
use lockgate_server::config::{Config, StopsConfig};
use lockgate_server::serve::{RunningServer, Server};
use serde_json::{Value, json};

use crate::api::stand::{LATER, Stand};
use crate::decision_support::{person, token};
use crate::http_support::{config, request};

/// The codes of the reasons that block at the entrance of plan-and-approve.
async fn blocking(stand: &Stand) -> Vec<Value> {
    let path = "POST /api/v1/deployments/d-1/gates/plan-and-approve/entrance?ask=true";
    let decision = stand.send("rita", path, &[], "").await.json();
    let reasons = decision["reasons"].as_array().unwrap().iter();
    reasons.filter(|reason| reason["blocking"] == true).map(|reason| reason["code"].clone()).collect()
}

#[tokio::test]
async fn the_line_is_stopped_and_runs_again_when_the_stop_is_lifted() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let new = json!({"reason": "INC-7", "until": LATER, "scope": {"environment": "live-d-1"}});
    let placed = stand.post("olga", "/stops", new).await;
    assert_eq!(placed.status, 201, "{}", placed.body);
    let place = placed.header("location").unwrap().trim_start_matches("/api/v1").to_owned();
    let seen = stand.get("rita", &place).await.json();
    assert_eq!((&seen["by"], &seen["holds"]), (&json!("olga"), &json!(true)));
    assert_eq!(seen["scope"], json!({"team": "checkout", "environment": "live-d-1"}));
    assert_eq!(stand.get("rita", "/stops").await.json()["items"], json!([seen]));
    assert_eq!(blocking(&stand).await, ["line-stopped"]);
    let denied = stand.pass("d-1", "plan-and-approve/entrance").await;
    assert_eq!((denied.status, &denied.json()["passed"]), (200, &json!(false)));

    let due = stand.get("rita", "/due?what=stop-expired").await.json();
    assert_eq!((&due["items"][0]["about"], &due["items"][0]["overdue"]), (&seen["id"], &json!(false)));

    let lift = format!("DELETE /api/v1{place}");
    assert_eq!(stand.send("rita", &lift, &[], "").await.json()["right"], "stop");
    let lifted = stand.send("olga", &lift, &[], "").await.json();
    assert_eq!((&lifted["holds"], &lifted["lifted"]["by"]["person"]), (&json!(false), &json!("olga")));
    assert_eq!(stand.send("olga", &lift, &[], "").await.json()["type"], "urn:lockgate:problem:over");
    assert!(blocking(&stand).await.is_empty());
    assert_eq!(stand.get("rita", "/due").await.json()["items"], json!([]));
}

#[tokio::test]
async fn mistakes_in_stops_are_told_at_their_place() {
    let stand = Stand::new().await;
    for (new, pointer) in [
        (json!({"reason": "INC-7"}), "/until"),
        (json!({"reason": "INC-7", "until": "2020-01-01T00:00:00Z"}), "/until"),
        (json!({"reason": " ", "until": LATER}), "/reason"),
        (json!({"reason": "INC-7", "until": LATER, "scope": {"team": "search"}}), "/scope/team"),
        (json!({"reason": "INC-7", "until": LATER, "scope": {"environment": "*"}}), "/scope/environment"),
        (json!({"reason": "INC-7", "until": LATER, "scope": {"env": "live"}}), "/scope/env"),
        (json!({"reason": "INC-7", "until": LATER, "by": "ben"}), "/by"),
    ] {
        let refused = stand.post("olga", "/stops", new.clone()).await;
        let problem = refused.json();
        assert_eq!((refused.status, &problem["errors"][0]["pointer"]), (422, &json!(pointer)), "{new}: {problem}");
    }
    assert_eq!(stand.get("olga", "/stops/stop-1").await.status, 404);
    for query in ["what=hold", "cursor=7", "overdue=maybe", "before=today", "limit=0", "kind=hold-ended"] {
        let refused = stand.get("rita", &format!("/due?{query}")).await;
        assert_eq!(refused.status, 400, "{query}: {}", refused.body);
    }
}

#[tokio::test]
async fn the_configuration_names_the_roles_that_stop_the_line() {
    let roles = |roles: &[&str]| roles.iter().map(|role| (*role).to_owned()).collect();
    let folder = tempfile::tempdir().unwrap();
    let configured = Config { stops: StopsConfig { roles: roles(&["on-call"]) }, ..config(folder.path()) };
    let running = Server::new(configured).start().await.unwrap();
    let secret = running.first_token().unwrap().expose().to_owned();
    let asked = format!("GET /api/v1/me HTTP/1.1\r\nauthorization: Bearer {secret}");
    assert_eq!(request(&running, &asked, "").await.status, 200);
    let storage = KeyFile::new(folder.path().join("ledger.key"));
    let storage = storage.open(&folder.path().join("ledger.db"), "lockgate", SqliteOptions::default()).unwrap();
    let as_role = |role: &str| token(&storage, &person("nia", &[role]));
    let secrets = ["on-call", "operations-manager"].map(as_role);
    let body = json!({"reason": "INC-7", "until": LATER}).to_string();
    let mut answers = Vec::new();
    for secret in secrets {
        let line = "POST /api/v1/stops HTTP/1.1\r\ncontent-type: application/json";
        answers.push(request(&running, &format!("{line}\r\nauthorization: Bearer {secret}"), &body).await);
    }
    assert_eq!(answers[0].status, 201, "{}", answers[0].body);
    let refused = answers[1].json();
    assert_eq!((answers[1].status, &refused["type"]), (403, &json!("urn:lockgate:problem:cannot-stop-line")));
    assert_eq!(refused["roles"], json!(["on-call"]));
}

/// A server that lets everybody in, on a data folder, with a clock that the test moves.
async fn start(data: &std::path::Path, now: &Arc<AtomicI64>) -> RunningServer {
    let now = Arc::clone(now);
    let clock = SystemClock::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)));
    let config = Config { insecure_no_auth: true, ..config(data) };
    Server::new(config).with_clock(clock).start().await.unwrap()
}

/// How many entries of a kind are in the log.
async fn count(running: &RunningServer, kind: &str) -> usize {
    let answer = request(running, &format!("GET /api/v1/audit/entries?kind={kind} HTTP/1.1"), "").await;
    answer.json()["items"].as_array().unwrap_or_else(|| panic!("{}", answer.body)).len()
}

#[tokio::test]
async fn two_servers_record_once_what_fell_due_while_none_ran() {
    let folder = tempfile::tempdir().unwrap();
    let evening: Timestamp = "2026-11-24T20:00:00Z".parse().unwrap();
    let now = Arc::new(AtomicI64::new(evening.as_millis()));
    let first = start(folder.path(), &now).await;
    let line = "POST /api/v1/stops HTTP/1.1\r\ncontent-type: application/json";
    for until in ["2026-11-24T21:00:00Z", "2026-11-24T22:00:00Z", "2026-11-25T22:00:00Z"] {
        let body = json!({"reason": "INC-7", "until": until}).to_string();
        assert_eq!(request(&first, line, &body).await.status, 201);
    }
    assert!(first.shutdown().await.closed, "the clock holds no ledger open");

    now.fetch_add(8 * 3_600_000, Ordering::SeqCst);
    let servers = [start(folder.path(), &now).await, start(folder.path(), &now).await];
    let recorded = async {
        while count(&servers[0], "stop-expired").await < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), recorded).await.expect("nothing was recorded");
    // The clock moves while they run, and both notice.
    now.fetch_add(24 * 3_600_000, Ordering::SeqCst);
    let recorded = async {
        while count(&servers[1], "stop-expired").await < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), recorded).await.expect("the last was not recorded");
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(count(&servers[0], "stop-expired").await, 3);
    for server in servers {
        assert!(server.shutdown().await.closed);
    }
}
