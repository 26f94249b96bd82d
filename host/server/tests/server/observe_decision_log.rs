//! The decision log: what events look like, and that none is lost.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use lockgate_domain::Timestamp;
use lockgate_ledger::{Append, ContentBlob, EntryDraft, KeyFile, SqliteOptions, Storage};
use lockgate_server::config::{DecisionLogConfig, HttpSinkConfig, InputKind, MaskOp, MaskRule};
use lockgate_server::observe::{DecisionLog, Metrics, MetricsFormat};
use serde_json::{Value, json};

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
/// Longer than any sender needs to end by itself.
const LONG: Duration = Duration::from_secs(60);

fn ledger(folder: &Path) -> Arc<dyn Storage> {
    let key = KeyFile::new(folder.join("ledger.key"));
    let opened = key.open(&folder.join("ledger.db"), "example.com/ledger", SqliteOptions::default());
    Arc::new(opened.expect("a ledger"))
}

/// The body of a decision's entry.
fn body(id: &str) -> Value {
    json!({
        "decision": {
            "id": id, "deployment": "d-1", "gate": { "stage": "fulfill", "phase": "entrance" }, "verdict": "allow",
            "bindings": [{ "id": "b", "plugin": { "name": "risk", "version": "1.2.0", "digest": DIGEST } }],
            "model": { "id": "software", "version": "2.0.0", "digest": DIGEST }, "snapshot": DIGEST,
        },
        "actor": { "person": "ada@example.org", "credential": "token:t-1", "kind": "agent" },
        "path": "opa",
        "input": { "deployment": "d-1", "password": "hunter2" },
        "request": { "id": "r-1", "trace": "4bf92f3577b34da6a3ce929d0e0e4736", "span": "00f067aa0ba902b7", "peer": "127.0.0.1:9" },
        "team": "shop", "passed": true,
        "phases": { "read_ns": 1000, "snapshot_ns": 2000, "evaluate_ns": 3000 },
    })
}

fn at() -> Timestamp {
    "2026-11-22T10:00:00.500Z".parse().expect("a time")
}

/// Decides; the answer is the index of the entry.
fn decide(ledger: &dyn Storage, id: &str) -> u64 {
    let entry = EntryDraft::new("decisions/d-1", "decision", at(), &body(id)).and_then(|entry| entry.with_id(id));
    let other = EntryDraft::new("deployment/d-1", "moved", at(), &json!({})).expect("an entry");
    let entries = vec![entry.expect("an entry"), other];
    ledger.append(Append { entries, ..Append::default() }).expect("an append").entries[0].index
}

fn ids(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["decision_id"].as_str().unwrap_or_default()).collect()
}

fn file_events(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn to_file(path: &Path) -> DecisionLogConfig {
    DecisionLogConfig { file: Some(path.to_owned()), from_start: true, ..DecisionLogConfig::default() }
}

/// Delivers what there is.
fn deliver(config: &DecisionLogConfig, ledger: &Arc<dyn Storage>) {
    let log = DecisionLog::start(config, Arc::clone(ledger), &Metrics::new(), "server-1").expect("a log");
    assert!(log.close(LONG));
}

#[test]
fn an_event_has_the_shape_that_opa_gives_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, path) = (ledger(folder.path()), folder.path().join("decisions.jsonl"));
    let index = decide(ledger.as_ref(), "dec-1");
    let labels = BTreeMap::from([("region".to_owned(), "eu".to_owned())]);
    deliver(&DecisionLogConfig { labels, ..to_file(&path) }, &ledger);

    let hash =
        ledger.entries(&lockgate_ledger::EntryQuery { from: index, limit: 1, ..Default::default() }).expect("it")[0]
            .hash;
    let expected = json!({
        "labels": { "app": "lockgate", "id": "server-1", "region": "eu", "version": env!("CARGO_PKG_VERSION") },
        "decision_id": "dec-1",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span_id": "00f067aa0ba902b7",
        "bundles": {
            "model/software": { "revision": format!("2.0.0@{DIGEST}") },
            "plugin/risk": { "revision": format!("1.2.0@{DIGEST}") },
        },
        "path": "lockgate/fulfill/entrance",
        "input": { "deployment": "d-1", "password": "hunter2" },
        "result": body("dec-1")["decision"],
        "requested_by": "ada@example.org",
        "timestamp": "2026-11-22T10:00:00.500Z",
        "metrics": {
            "timer_lockgate_evaluate_ns": 3000, "timer_lockgate_read_state_ns": 1000, "timer_lockgate_snapshot_ns": 2000,
        },
        "lockgate": {
            "api": "opa", "credential": "token:t-1", "credential_kind": "agent", "hash": hash.to_string(),
            "index": index, "peer": "127.0.0.1:9", "request": "r-1", "stream": "decisions/d-1", "team": "shop", "passed": true,
        },
    });
    assert_eq!(file_events(&path), [expected]);
}

#[test]
fn what_is_masked_leaves_the_ledger_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, path) = (ledger(folder.path()), folder.path().join("decisions.jsonl"));
    let index = decide(ledger.as_ref(), "dec-1");
    let mask = vec![
        MaskRule { op: MaskOp::Remove, path: "/input/password".to_owned(), value: None },
        MaskRule { op: MaskOp::Upsert, path: "/requested_by".to_owned(), value: Some(json!("somebody")) },
    ];
    deliver(&DecisionLogConfig { mask, ..to_file(&path) }, &ledger);
    let events = file_events(&path);
    assert_eq!(events[0]["input"], json!({ "deployment": "d-1" }));
    assert_eq!(events[0]["erased"], json!(["/input/password"]));
    assert_eq!((&events[0]["requested_by"], &events[0]["masked"]), (&json!("somebody"), &json!(["/requested_by"])));
    let query = lockgate_ledger::EntryQuery { from: index, limit: 1, ..Default::default() };
    let entry = ledger.entries(&query).expect("it")[0].read().expect("it");
    assert_eq!(entry.body["input"]["password"], "hunter2");
}

#[test]
fn an_event_can_have_the_snapshot_as_its_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, path) = (ledger(folder.path()), folder.path().join("decisions.jsonl"));
    let content = ContentBlob::new("snapshot", "application/json", Arc::new(br#"{"id":"d-1"}"#.to_vec()));
    let mut body = body("dec-1");
    body["deployment"] = json!(content.digest());
    body["evidence"] = json!({ "tests": { "digest": DIGEST } });
    body["decision"]["at"] = json!("2026-11-22T10:00:00Z");
    body["decision"]["subject"] = json!(DIGEST);
    let entry =
        EntryDraft::new("decisions/d-1", "decision", at(), &body).expect("an entry").referring_to(content.digest());
    ledger.append(Append { entries: vec![entry], content: vec![content], ..Append::default() }).expect("an append");
    deliver(&DecisionLogConfig { input: InputKind::Snapshot, ..to_file(&path) }, &ledger);
    let expected = json!({
        "id": "d-1", "gate": { "stage": "fulfill", "phase": "entrance" }, "now": "2026-11-22T10:00:00Z",
        "subject": DIGEST, "evidence": { "tests": { "digest": DIGEST } },
    });
    assert_eq!(file_events(&path)[0]["input"], expected);
}

#[test]
fn an_entry_of_another_shape_is_handed_on_and_not_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, path) = (ledger(folder.path()), folder.path().join("decisions.jsonl"));
    let entry = EntryDraft::new("decisions/d-1", "decision", at(), &json!({ "phases": "many" })).expect("an entry");
    let entry = entry.with_id("odd").expect("an id");
    ledger.append(Append { entries: vec![entry], ..Append::default() }).expect("an append");
    deliver(&to_file(&path), &ledger);
    let events = file_events(&path);
    assert_eq!((ids(&events), &events[0]["result"]), (vec!["odd"], &json!({ "phases": "many" })));
}

#[test]
fn a_sink_that_is_new_begins_with_what_comes_and_one_that_was_there_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("decisions.jsonl");
    let config = DecisionLogConfig { from_start: false, ..to_file(&path) };
    {
        let ledger = ledger(folder.path());
        decide(ledger.as_ref(), "before");
        deliver(&config, &ledger);
        assert_eq!(ids(&file_events(&path)), Vec::<&str>::new());
        decide(ledger.as_ref(), "while-away-1");
        decide(ledger.as_ref(), "while-away-2");
    }
    // As after the end of the process: the ledger is opened anew, and nothing is known but what it holds.
    let ledger = ledger(folder.path());
    deliver(&config, &ledger);
    assert_eq!(ids(&file_events(&path)), ["while-away-1", "while-away-2"]);
    deliver(&config, &ledger);
    assert_eq!(file_events(&path).len(), 2, "what was delivered does not come again");
}

#[test]
fn a_file_that_was_renamed_away_is_begun_anew_and_a_line_that_was_cut_off_keeps_to_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, path) = (ledger(folder.path()), folder.path().join("decisions.jsonl"));
    decide(ledger.as_ref(), "dec-1");
    deliver(&to_file(&path), &ledger);
    std::fs::rename(&path, folder.path().join("decisions.jsonl.1")).expect("renamed");
    std::fs::write(&path, "{\"decision_id\":\"cut").expect("written");
    decide(ledger.as_ref(), "dec-2");
    deliver(&to_file(&path), &ledger);
    let text = std::fs::read_to_string(&path).expect("text");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (2, "{\"decision_id\":\"cut"));
    let event: Value = serde_json::from_str(lines[1]).expect("an event");
    assert_eq!(event["decision_id"], "dec-2");
}

/// A receiver of events, with what it was sent and how it answers: one after the other, and then always with the last.
#[derive(Clone, Default)]
struct Receiver {
    taken: Arc<Mutex<Vec<Vec<Value>>>>,
    authorized: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<Vec<StatusCode>>>,
    /// Larger bodies are refused, if that is set. In bytes of JSON.
    largest: Option<usize>,
}

impl Receiver {
    fn answering(answers: &[StatusCode]) -> Self {
        let answers = Arc::new(Mutex::new(answers.iter().rev().copied().collect()));
        Self { answers, ..Self::default() }
    }

    fn chunks(&self) -> Vec<Vec<Value>> {
        self.taken.lock().expect("lock").clone()
    }

    fn events(&self) -> Vec<Value> {
        self.chunks().concat()
    }

    fn answer(&self, headers: &HeaderMap, body: &Bytes) -> StatusCode {
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["content-encoding"], "gzip");
        let mut text = String::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).expect("gzip");
        if self.largest.is_some_and(|largest| text.len() > largest) {
            return StatusCode::PAYLOAD_TOO_LARGE;
        }
        let status = {
            let mut answers = self.answers.lock().expect("lock");
            if answers.len() > 1 { answers.pop() } else { answers.first().copied() }
        };
        let status = status.unwrap_or(StatusCode::NO_CONTENT);
        if status.is_success() {
            self.taken.lock().expect("lock").push(serde_json::from_str(&text).expect("an array"));
            let authorization = headers.get("authorization").map(|value| value.to_str().expect("text").to_owned());
            self.authorized.lock().expect("lock").extend(authorization);
        }
        status
    }

    /// Listens, from another thread, until the end of the process.
    fn listen(&self) -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let take = |State(receiver): State<Self>, headers: HeaderMap, body: Bytes| async move {
            receiver.answer(&headers, &body)
        };
        let routes = Router::new().route("/logs", post(take)).with_state(self.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
                axum::serve(listener, routes).await.expect("a server");
            });
        });
        address
    }
}

fn to_server(address: SocketAddr) -> DecisionLogConfig {
    let http = HttpSinkConfig {
        max_delay: lockgate_domain::Duration::from_millis(5),
        ..HttpSinkConfig::new(format!("http://{address}/logs"))
    };
    DecisionLogConfig { http: Some(http), from_start: true, ..DecisionLogConfig::default() }
}

fn until(what: impl Fn() -> bool) {
    while !what() {
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_server_gets_gzipped_arrays_with_the_token_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = ledger(folder.path());
    let receiver = Receiver::default();
    let mut config = to_server(receiver.listen());
    let token = folder.path().join("token");
    std::fs::write(&token, "t0ken\n").expect("written");
    if let Some(http) = &mut config.http {
        http.token_file = Some(token);
    }
    decide(ledger.as_ref(), "dec-1");
    decide(ledger.as_ref(), "dec-2");
    deliver(&config, &ledger);
    assert_eq!(receiver.chunks().len(), 1, "together in one request");
    assert_eq!(ids(&receiver.events()), ["dec-1", "dec-2"]);
    assert_eq!(*receiver.authorized.lock().expect("lock"), ["Bearer t0ken"]);
}

#[test]
fn a_server_that_fails_is_asked_again_until_it_takes_the_events() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = ledger(folder.path());
    let failing = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::BAD_GATEWAY, StatusCode::UNAUTHORIZED];
    let receiver = Receiver::answering(&[&failing[..], &[StatusCode::OK]].concat());
    let metrics = Metrics::new();
    let config = to_server(receiver.listen());
    decide(ledger.as_ref(), "dec-1");
    let log = DecisionLog::start(&config, Arc::clone(&ledger), &metrics, "server-1").expect("a log");
    until(|| !receiver.events().is_empty());
    let index = decide(ledger.as_ref(), "dec-2");
    log.appended(index);
    until(|| receiver.events().len() == 2);
    until(|| log.behind() == [("http", 0)]);
    assert!(log.close(LONG));
    assert_eq!(ids(&receiver.events()), ["dec-1", "dec-2"]);
    let text = metrics.text(MetricsFormat::Prometheus);
    for sample in [
        "lockgate_decision_log_sent_total{sink=\"http\"} 2\n",
        "lockgate_decision_log_failures_total{sink=\"http\"} 3\n",
        "lockgate_decision_log_dropped_total{sink=\"http\"} 0\n",
        "lockgate_decision_log_behind_entries{sink=\"http\"} 0\n",
    ] {
        assert!(text.contains(sample), "`{sample}` is not in {text}");
    }
}

#[test]
fn nothing_is_lost_when_the_process_ends_while_the_receiver_is_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let away = Receiver::answering(&[StatusCode::SERVICE_UNAVAILABLE]);
    let config = to_server(away.listen());
    {
        let ledger = ledger(folder.path());
        let metrics = Metrics::new();
        let log = DecisionLog::start(&config, Arc::clone(&ledger), &metrics, "server-1").expect("a log");
        for n in 0..300 {
            log.appended(decide(ledger.as_ref(), &format!("dec-{n}")));
        }
        let never = "lockgate_decision_log_failures_total{sink=\"http\"} 0\n";
        until(|| !metrics.text(MetricsFormat::Prometheus).contains(never));
        assert!(log.close(LONG));
    }
    assert_eq!(away.events(), Vec::<Value>::new());
    let back = Receiver::default();
    let ledger = ledger(folder.path());
    deliver(&to_server(back.listen()), &ledger);
    let expected: Vec<String> = (0..300).map(|n| format!("dec-{n}")).collect();
    assert_eq!(ids(&back.events()), expected);
}

#[test]
fn after_a_crash_between_delivery_and_cursor_events_come_again_and_none_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::default();
    let config = to_server(receiver.listen());
    let ledger = ledger(folder.path());
    decide(ledger.as_ref(), "dec-1");
    let before = ledger.value("decision-log", "http").expect("the cursor");
    assert_eq!(before, None);
    deliver(&config, &ledger);
    // What the crash left: the receiver has the event, and the cursor is where it was.
    let changes = BTreeMap::from([("http".to_owned(), Some(b"0".to_vec()))]);
    let namespace = "decision-log".to_owned();
    let values = vec![lockgate_ledger::ValueChanges { namespace, expect: None, changes }];
    ledger.append(Append { values, ..Append::default() }).expect("an append");
    decide(ledger.as_ref(), "dec-2");
    deliver(&config, &ledger);
    let events = receiver.events();
    assert_eq!(ids(&events), ["dec-1", "dec-1", "dec-2"]);
    assert_eq!(events[0]["lockgate"]["index"], events[1]["lockgate"]["index"]);
}

#[test]
fn what_a_server_finds_too_large_is_sent_in_pieces_and_a_single_event_without_its_largest_parts() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = ledger(folder.path());
    let receiver = Receiver { largest: Some(3000), ..Receiver::default() };
    let config = to_server(receiver.listen());
    for n in 0..5 {
        decide(ledger.as_ref(), &format!("dec-{n}"));
    }
    let mut large = body("large");
    large["input"] = json!("x".repeat(4000));
    let entry = EntryDraft::new("decisions/d-1", "decision", at(), &large).expect("an entry");
    ledger.append(Append { entries: vec![entry], ..Append::default() }).expect("an append");
    deliver(&config, &ledger);
    let events = receiver.events();
    assert_eq!(ids(&events), ["dec-0", "dec-1", "dec-2", "dec-3", "dec-4", "large"]);
    assert_eq!(events[5]["erased"], json!(["/input", "/result"]));
    assert_eq!(events[4]["erased"], Value::Null);
    assert!(receiver.chunks().len() > 2, "{}", receiver.chunks().len());
}

#[test]
fn chunks_have_at_most_the_size_that_is_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, path) = (ledger(folder.path()), folder.path().join("decisions.jsonl"));
    for n in 0..4 {
        decide(ledger.as_ref(), &format!("dec-{n}"));
    }
    deliver(&to_file(&path), &ledger);
    let line = std::fs::read_to_string(&path).expect("text").lines().next().expect("a line").len() as u64;
    let receiver = Receiver::default();
    let mut config = to_server(receiver.listen());
    if let Some(http) = &mut config.http {
        // Two events with a bracket and a comma each, and not three.
        http.max_chunk_bytes = 2 * line + 60;
    }
    deliver(&config, &ledger);
    assert_eq!(receiver.chunks().iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
}

#[tokio::test]
async fn decisions_wait_for_a_sink_that_is_too_far_behind_only_if_that_is_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = ledger(folder.path());
    let away = Receiver::answering(&[StatusCode::SERVICE_UNAVAILABLE]);
    let patient = to_server(away.listen());
    let strict = DecisionLogConfig {
        max_behind: Some(5),
        max_wait: lockgate_domain::Duration::from_millis(1),
        ..patient.clone()
    };
    // At index 0 is the ledger's own entry; each decision here comes with one entry more.
    decide(ledger.as_ref(), "dec-1");
    let log = DecisionLog::start(&strict, Arc::clone(&ledger), &Metrics::new(), "server-1").expect("a log");
    assert_eq!(log.admit().await, Ok(()));
    let decided: Vec<u64> = (2..5).map(|n| decide(ledger.as_ref(), &format!("dec-{n}"))).collect();
    let last = decided[2];
    log.appended(last + 1);
    let refused = log.admit().await.expect_err("too far behind");
    let behind = last + 2;
    assert_eq!(
        refused.to_string(),
        format!(
            "the sink `http` of the decision log is {behind} entries behind, of at most 5: it has to catch up first"
        )
    );
    // The receiver is back, and the waiting decisions go on.
    *away.answers.lock().expect("lock") = vec![StatusCode::OK];
    while log.admit().await.is_err() {}
    // Near enough is not all: the rest comes as well.
    while away.events().len() < 4 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    drop(log);

    *away.answers.lock().expect("lock") = vec![StatusCode::SERVICE_UNAVAILABLE];
    let log = DecisionLog::start(&patient, Arc::clone(&ledger), &Metrics::new(), "server-1").expect("a log");
    log.appended(1_000_000);
    assert_eq!(log.admit().await, Ok(()));
}

#[tokio::test]
async fn without_a_sink_nothing_is_started_and_nothing_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = ledger(folder.path());
    let log = DecisionLog::start(&DecisionLogConfig::default(), ledger, &Metrics::new(), "server-1").expect("a log");
    log.appended(1_000);
    assert_eq!((log.behind(), log.admit().await), (Vec::new(), Ok(())));
    assert!(log.close(LONG));
}

#[test]
fn a_file_that_cannot_be_written_is_told_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, path) = (ledger(folder.path()), folder.path().join("no/such/folder/decisions.jsonl"));
    let refused = DecisionLog::start(&to_file(&path), ledger, &Metrics::new(), "server-1").expect_err("no folder");
    let start = format!("the sink `file` of the decision log could not start: writing to `{}`: ", path.display());
    assert!(refused.to_string().starts_with(&start), "{refused}");
}

#[test]
fn all_faults_of_the_settings_are_told_at_once() {
    let config: DecisionLogConfig = toml::from_str(
        r#"
            interval = "0s"
            max-behind = 0
            [http]
            url = "https://user:secret@logs.example.com/logs"
            token-file = "token"
            token-env = "TOKEN"
            max-chunk-bytes = 0
            [[mask]]
            op = "remove"
            path = "/labels"
        "#,
    )
    .expect("settings");
    let faults: Vec<String> = config.faults().iter().map(|fault| fault.path.to_string()).collect();
    let keys = ["interval", "max-behind", "http.url", "http.token-env", "http.max-chunk-bytes", "mask[0].path"];
    assert_eq!(faults, keys.map(|key| format!("decision-log.{key}")));
    assert!(config.faults().iter().all(|fault| !fault.message.contains("secret")));
    assert!(toml::from_str::<DecisionLogConfig>("consol = true").is_err());
    assert!(DecisionLogConfig::default().faults().is_empty());
}
