//! Metrics, as Prometheus reads them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use lockgate_domain::{Decision, Timestamp};
use lockgate_ledger::{KeyFile, SqliteOptions, Storage};
use lockgate_server::observe::{Metrics, MetricsFormat, RequestPhases, ShedReason, scrape};
use lockgate_service::DecisionPhases;
use serde_json::{Value, json};

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// A binding's outcome: what it says, the answer, and the receipt of a call of 2 ms with 5000 units of fuel, if asked.
fn binding(plugin: &str, id: &str, standing: &str, answer: Value, asked: bool) -> Value {
    let receipt = json!({
        "component": DIGEST, "settings": DIGEST, "contract": "0.1.0", "function": "decide", "fuel": 5000,
        "host_effort": 100, "peak_memory": 65536, "wall_time_us": 2000, "host_calls": {},
    });
    json!({
        "id": id, "plugin": { "name": plugin, "version": "1.0.0", "digest": DIGEST }, "kind": "approval-policy",
        "enforcement": "hard-mandatory", "standing": standing, "answer": answer,
        "receipt": asked.then_some(receipt), "log": [], "log_dropped": 0,
    })
}

fn decision(verdict: &str, bindings: &[Value]) -> Decision {
    let decision = json!({
        "id": "dec-1", "deployment": "d-1", "gate": { "stage": "fulfill", "phase": "entrance" },
        "at": "2026-11-22T10:00:00Z", "verdict": verdict, "reasons": [], "requirements": [], "obligations": {},
        "bindings": bindings, "groups": [],
        "model": { "id": "software", "version": "2.1.0", "digest": DIGEST, "chosen_because": "the only one" },
        "snapshot": DIGEST, "subject": DIGEST,
    });
    serde_json::from_value(decision).expect("a decision")
}

fn failed(kind: &str) -> Value {
    json!({ "failed": { "kind": kind, "message": "it could not" } })
}

fn not_asked() -> Value {
    json!({ "not-asked": { "when": "false" } })
}

/// The samples of a text in the older form, by name and labels, and the type of each metric.
fn read(text: &str) -> (BTreeMap<String, f64>, BTreeMap<String, String>) {
    let (mut samples, mut types) = (BTreeMap::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a type");
            types.insert(name.to_owned(), kind.to_owned());
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            let before = samples.insert(name.to_owned(), value.parse().expect("a number"));
            assert_eq!(before, None, "`{name}` is there once");
        }
    }
    (samples, types)
}

#[test]
fn a_decision_is_counted_by_gate_model_and_verdict_and_its_plugins_by_what_they_said() {
    let metrics = Metrics::new();
    let phases = RequestPhases {
        decision: DecisionPhases { evaluate: Duration::from_millis(3), ..DecisionPhases::default() },
        append: Duration::from_micros(700),
        total: Duration::from_millis(4),
        ..RequestPhases::default()
    };
    let bindings = [
        binding("risk", "risk-limit", "error", failed("out-of-fuel"), true),
        binding("freeze", "no-friday", "not-applicable", not_asked(), false),
    ];
    metrics.decision(&decision("error", &bindings), &phases);
    metrics.decision(&decision("error", &bindings), &phases);
    let mut same_again = binding("risk", "risk-limit", "deny", not_asked(), true);
    same_again["receipt"]["reused"] = json!(true);
    metrics.decision(&decision("deny", &[same_again]), &RequestPhases::default());

    let (samples, types) = read(&metrics.text(MetricsFormat::Prometheus));
    let sample = |name: &str| samples.get(name).copied();
    assert_eq!(
        sample(r#"lockgate_decisions_total{gate="fulfill/entrance",model="software",verdict="error"}"#),
        Some(2.0)
    );
    assert_eq!(
        sample(
            r#"lockgate_plugin_outcomes_total{plugin="risk",binding="risk-limit",standing="error",failure="out-of-fuel"}"#
        ),
        Some(2.0)
    );
    assert_eq!(
        sample(
            r#"lockgate_plugin_outcomes_total{plugin="freeze",binding="no-friday",standing="not-applicable",failure=""}"#
        ),
        Some(2.0)
    );
    assert_eq!(sample("lockgate_decision_duration_seconds_count"), Some(3.0));
    assert_eq!(sample("lockgate_decision_duration_seconds_sum"), Some(0.008));
    assert_eq!(sample(r#"lockgate_decision_phase_duration_seconds_count{phase="append"}"#), Some(2.0));
    assert_eq!(sample(r#"lockgate_decision_phase_duration_seconds_bucket{le="0.0005",phase="append"}"#), Some(0.0));
    assert_eq!(sample(r#"lockgate_decision_phase_duration_seconds_bucket{le="0.001",phase="append"}"#), Some(2.0));
    assert_eq!(sample(r#"lockgate_decision_phase_duration_seconds_count{phase="snapshot"}"#), None);
    assert_eq!(sample(r#"lockgate_plugin_call_duration_seconds_sum{plugin="risk"}"#), Some(0.004));
    assert_eq!(sample(r#"lockgate_plugin_call_fuel_sum{plugin="risk"}"#), Some(10_000.0));
    assert_eq!(sample(r#"lockgate_plugin_call_fuel_count{plugin="freeze"}"#), None);
    assert_eq!(sample(r#"lockgate_plugin_answers_reused_total{plugin="risk"}"#), Some(1.0));

    assert_eq!(types.get("lockgate_decisions_total").map(String::as_str), Some("counter"));
    assert_eq!(types.get("lockgate_decision_duration_seconds").map(String::as_str), Some("histogram"));
    assert_eq!(types.get("lockgate_ledger_failing").map(String::as_str), Some("gauge"));
}

#[test]
fn names_beyond_the_limit_share_one_series() {
    let metrics = Metrics::new();
    for n in 0..1005 {
        let bindings = [binding(&format!("p{n}"), "b", "allow", not_asked(), false)];
        metrics.decision(&decision("allow", &bindings), &RequestPhases::default());
    }
    let (samples, _) = read(&metrics.text(MetricsFormat::Prometheus));
    let series = samples.keys().filter(|name| name.starts_with("lockgate_plugin_outcomes_total{")).count();
    assert_eq!(series, 1001);
    let other = r#"lockgate_plugin_outcomes_total{plugin="other",binding="other",standing="allow",failure=""}"#;
    assert_eq!(samples.get(other), Some(&5.0));
}

#[test]
fn models_that_are_not_loaded_any_more_are_not_told_any_more() {
    let metrics = Metrics::new();
    let mut model = decision("allow", &[]).model;
    metrics.reloaded([&model], Timestamp::from_millis(1_500));
    model.version = "3.0.0".to_owned();
    metrics.reloaded([&model], Timestamp::from_millis(2_500));
    metrics.reload_failed();

    let (samples, _) = read(&metrics.text(MetricsFormat::Prometheus));
    let models: Vec<_> = samples.keys().filter(|name| name.starts_with("lockgate_model_info")).collect();
    assert_eq!(models, [&format!(r#"lockgate_model_info{{id="software",version="3.0.0",digest="{DIGEST}"}}"#)]);
    assert_eq!(samples.get(r#"lockgate_models_reloads_total{outcome="success"}"#), Some(&2.0));
    assert_eq!(samples.get(r#"lockgate_models_reloads_total{outcome="failure"}"#), Some(&1.0));
    assert_eq!(samples.get("lockgate_models_last_reload_timestamp_seconds"), Some(&2.5));
}

#[test]
fn what_was_turned_away_is_counted_by_why() {
    let metrics = Metrics::new();
    metrics.shed(ShedReason::LedgerBusy);
    metrics.throttled();
    metrics.authentication_failed("expired");
    metrics.deployments([("fulfill", 3), ("observe", 1)]);
    metrics.deployments([("observe", 4)]);
    let (samples, _) = read(&metrics.text(MetricsFormat::Prometheus));
    assert_eq!(samples.get(r#"lockgate_requests_shed_total{kind="ledger-busy"}"#), Some(&1.0));
    assert_eq!(samples.get("lockgate_requests_throttled_total"), Some(&1.0));
    assert_eq!(samples.get(r#"lockgate_authentication_failures_total{kind="expired"}"#), Some(&1.0));
    assert_eq!(samples.get(r#"lockgate_deployments{position="observe"}"#), Some(&4.0));
    assert_eq!(samples.get(r#"lockgate_deployments{position="fulfill"}"#), None);
}

#[test]
fn phases_are_written_into_the_ledger_without_those_that_are_not_known() {
    let phases = RequestPhases {
        authenticate: Duration::from_nanos(1200),
        decision: DecisionPhases { read: Duration::from_micros(3), ..DecisionPhases::default() },
        ..RequestPhases::default()
    };
    let written = serde_json::to_value(phases).expect("JSON");
    assert_eq!(written, json!({ "authenticate_ns": 1200, "read_state_ns": 3000 }));
}

#[tokio::test]
async fn a_scrape_gives_the_ledger_as_it_is_and_the_form_that_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = KeyFile::new(folder.path().join("key"));
    let ledger = key.open(&folder.path().join("db"), "example.com/ledger", SqliteOptions::default()).expect("a ledger");
    let size = lockgate_ledger::LogSource::head(&ledger).expect("a head").size;
    let storage: Arc<dyn Storage> = Arc::new(ledger);
    let metrics = Arc::new(Metrics::new());
    let route = get(move |headers: HeaderMap| scrape(metrics, Some(storage), headers));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/metrics", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/metrics", route)).await });

    let answers = tokio::task::spawn_blocking(move || {
        let get = |accept: &str| {
            let mut answer = ureq::get(&url).header("accept", accept).call().expect("an answer");
            let media_type = answer.headers()["content-type"].to_str().expect("text").to_owned();
            (media_type, answer.body_mut().read_to_string().expect("text"))
        };
        (get("text/plain"), get("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"))
    });
    let ((plain_type, plain), (open_type, open)) = answers.await.expect("answers");
    assert_eq!(plain_type, "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(open_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let (samples, _) = read(&plain);
    assert_eq!(samples.get("lockgate_ledger_failing"), Some(&0.0));
    assert_eq!(samples.get("lockgate_ledger_writes_waiting"), Some(&0.0));
    #[expect(clippy::cast_precision_loss, reason = "a new ledger is small")]
    let entries = size as f64;
    assert_eq!(samples.get("lockgate_ledger_entries"), Some(&entries));
    assert!(open.ends_with("# EOF\n") && !plain.contains("# EOF"), "only one of the forms has an end");
    assert!(open.contains("# UNIT lockgate_decision_duration_seconds seconds\n"), "{open}");
}
