//! Who may come to which route: every route is asked with every right and in every role.

use std::collections::BTreeMap;
use std::time::Duration;

use lockgate_domain::{Digest, Right, role_names};
use lockgate_server::api::{RouteAccess, RouteRow, route_rows};
use lockgate_server::config::{Config, DecisionLogConfig, HttpSinkConfig, TraceConfig};
use lockgate_server::observe::Metrics;
use lockgate_server::serve::Server;
use lockgate_service::authority::Actor;
use serde_json::{Value, json};

use crate::api::stand::{LATER, Stand, in_a_week};
use crate::decision_support::{MODEL, catalogue, deployment, person, token};
use crate::http_support::{Answer, config, exchange, request, send};
use crate::observe_requests::logging;

/// Every route that does something else than to read, and who may come. It is written by hand, so that a mistake in the table
/// of routes is found: a route that is not here is a `GET` that needs the right to read.
const GUARDED: [(&str, &str, RouteAccess); 56] = [
    ("DELETE", "/api/v1/delegations", RouteAccess::Any(&[Right::Administer])),
    ("POST", "/api/v1/deployments", RouteAccess::Any(&[Right::Request])),
    ("PATCH", "/api/v1/deployments/{id}", RouteAccess::Any(&[Right::Request])),
    ("POST", "/api/v1/deployments/{id}/gates/{stage}/{phase}", RouteAccess::Any(&[Right::Decide, Right::Drive])),
    ("PUT", "/api/v1/deployments/{id}/evidence/{name}", RouteAccess::Any(&[Right::Attest])),
    ("POST", "/api/v1/deployments/{id}/approvals", RouteAccess::Any(&[Right::Approve])),
    ("DELETE", "/api/v1/deployments/{id}/approvals/{approval}", RouteAccess::Any(&[Right::Approve])),
    ("POST", "/api/v1/deployments/{id}/activities", RouteAccess::Any(&[Right::Drive])),
    ("POST", "/api/v1/deployments/{id}/moves", RouteAccess::Any(&[Right::Drive, Right::Approve])),
    ("POST", "/api/v1/deployments/{id}/rollout/next", RouteAccess::Any(&[Right::Drive])),
    ("POST", "/api/v1/deployments/{id}/rollout/steps/{step}", RouteAccess::Any(&[Right::Drive, Right::Resume])),
    ("POST", "/api/v1/deployments/{id}/hand-over", RouteAccess::Any(&[Right::Drive])),
    ("POST", "/api/v1/deployments/{id}/hand-over/acceptance", RouteAccess::Any(&[Right::TakeOver])),
    ("POST", "/api/v1/deployments/{id}/overrides", RouteAccess::Any(&[Right::Override])),
    ("POST", "/api/v1/deployments/{id}/overrides/{override}/confirmation", RouteAccess::Any(&[Right::Override])),
    ("POST", "/api/v1/registers/{register}", RouteAccess::Any(&[Right::Register])),
    ("PUT", "/api/v1/registers/{register}/{id}", RouteAccess::Any(&[Right::Register])),
    ("DELETE", "/api/v1/registers/{register}/{id}", RouteAccess::Any(&[Right::Register])),
    ("POST", "/api/v1/registers/kpis/{id}/samples", RouteAccess::Any(&[Right::Register])),
    ("POST", "/api/v1/overrides/{override}/review", RouteAccess::Any(&[Right::Review])),
    ("POST", "/api/v1/waivers", RouteAccess::Any(&[Right::Waive])),
    ("DELETE", "/api/v1/waivers/{id}", RouteAccess::Any(&[Right::Waive])),
    ("POST", "/api/v1/delegations", RouteAccess::Any(&[Right::Approve])),
    ("DELETE", "/api/v1/delegations/{id}", RouteAccess::Any(&[Right::Approve, Right::Administer])),
    ("POST", "/api/v1/stops", RouteAccess::Any(&[Right::Stop])),
    ("DELETE", "/api/v1/stops/{id}", RouteAccess::Any(&[Right::Stop])),
    ("POST", "/api/v1/reload", RouteAccess::Any(&[Right::Govern])),
    ("GET", "/api/v1/access", RouteAccess::Any(&[Right::Administer, Right::Audit, Right::Govern])),
    ("GET", "/api/v1/notifications", RouteAccess::Any(&[Right::Administer, Right::Audit, Right::Govern])),
    ("GET", "/api/v1/me", RouteAccess::Known),
    ("GET", "/openapi.json", RouteAccess::Open),
    ("GET", "/api/v1/audit/head", RouteAccess::Any(&[Right::Audit])),
    ("GET", "/api/v1/audit/checkpoint", RouteAccess::Any(&[Right::Audit])),
    ("GET", "/api/v1/audit/key", RouteAccess::Any(&[Right::Audit])),
    ("GET", "/api/v1/audit/entries", RouteAccess::Any(&[Right::Audit])),
    ("GET", "/api/v1/audit/nodes", RouteAccess::Any(&[Right::Audit])),
    ("GET", "/api/v1/audit/checkpoints", RouteAccess::Any(&[Right::Audit])),
    ("GET", "/api/v1/audit/contents", RouteAccess::Any(&[Right::Audit])),
    ("GET", "/api/v1/audit/content/{digest}", RouteAccess::Any(&[Right::Audit])),
    ("GET", "/api/v1/audit/inclusion/{index}", RouteAccess::Any(&[Right::Audit])),
    ("GET", "/api/v1/audit/consistency", RouteAccess::Any(&[Right::Audit])),
    ("POST", "/access/v1/evaluation", RouteAccess::Any(&[Right::Decide])),
    ("POST", "/access/v1/evaluations", RouteAccess::Any(&[Right::Decide])),
    ("GET", "/.well-known/authzen-configuration", RouteAccess::Open),
    ("GET", "/v1/data/lockgate/{stage}/{phase}", RouteAccess::Any(&[Right::Decide])),
    ("POST", "/v1/data/lockgate/{stage}/{phase}", RouteAccess::Any(&[Right::Decide])),
    ("GET", "/v1/data/lockgate/{stage}/{phase}/{*part}", RouteAccess::Any(&[Right::Decide])),
    ("POST", "/v1/data/lockgate/{stage}/{phase}/{*part}", RouteAccess::Any(&[Right::Decide])),
    ("GET", "/v1/data", RouteAccess::Any(&[Right::Decide])),
    ("POST", "/v1/data", RouteAccess::Any(&[Right::Decide])),
    ("GET", "/v1/data/{*path}", RouteAccess::Any(&[Right::Decide])),
    ("POST", "/v1/data/{*path}", RouteAccess::Any(&[Right::Decide])),
    ("GET", "/livez", RouteAccess::Open),
    ("GET", "/readyz", RouteAccess::Open),
    ("GET", "/health", RouteAccess::Open),
    ("GET", "/v1/status", RouteAccess::Open),
];

/// The row of [`GUARDED`] for a route, or the right to read.
fn expected(row: &RouteRow) -> RouteAccess {
    let guarded = GUARDED.iter().find(|(method, path, _)| *method == row.method.as_str() && *path == row.path);
    match guarded {
        Some((_, _, access)) => *access,
        None => {
            assert_eq!(row.method.as_str(), "GET", "write into `GUARDED` who may come to `{}`", row.path);
            RouteAccess::Any(&[Right::Read])
        }
    }
}

/// The path of a route, with something that does not exist for each parameter. Gates exist, and places in the log.
fn path(row: &RouteRow) -> String {
    let digest = Digest::of(b"nothing").to_string();
    let parameters = [
        ("{stage}", "plan-and-approve"),
        ("{phase}", "entrance"),
        ("{*part}", "allow"),
        ("{*path}", "no/gate"),
        ("{index}", "0"),
        ("{register}", "products"),
        ("{digest}", &digest),
    ];
    let path = parameters.iter().fold(row.path.to_owned(), |path, (name, value)| path.replace(name, value));
    let unknown = ["{id}", "{name}", "{approval}", "{step}", "{override}"];
    unknown.iter().fold(path, |path, name| path.replace(name, "unknown"))
}

/// The query, media type and body of a request that is right in every way, so that only the sender's rights can block
/// it. `with` is the right that it needs.
fn content(row: &RouteRow, with: Option<Right>) -> (&'static str, &'static str, String) {
    let json = |value: Value| ("", "application/json", value.to_string());
    let gate = json!({"stage": "plan-and-approve", "phase": "exit"});
    let evaluation = json!({
        "subject": {"type": "user", "id": "tess"},
        "action": {"name": "plan-and-approve.entrance"},
        "resource": {"type": "deployment", "id": "unknown"},
    });
    match (row.method.as_str(), row.path.trim_start_matches("/api/v1")) {
        ("POST", "/deployments") => {
            let mut new = deployment("d-1");
            new["requester"] = json!({"id": "tess", "roles": []});
            json(json!({ "deployment": new }))
        }
        ("DELETE", "/delegations") => ("?from=nobody", "", String::new()),
        ("PATCH", _) => ("", "application/merge-patch+json", "{}".to_owned()),
        ("POST", "/deployments/{id}/gates/{stage}/{phase}") => match with {
            Some(Right::Decide) => ("?ask=true", "", String::new()),
            _ => ("", "", String::new()),
        },
        ("POST", "/registers/{register}") => ("?shared=true", "application/x-ndjson", String::new()),
        ("POST", "/registers/kpis/{id}/samples") => {
            json(json!({"samples": [{"at": "2026-01-01T00:00:00Z", "value": 1}]}))
        }
        ("PUT", "/registers/{register}/{id}") => json(json!({"value": {"id": "unknown"}})),
        ("PUT", _) => ("", "text/plain", "evidence".to_owned()),
        ("POST", "/deployments/{id}/approvals") => {
            json(json!({"role": "change-authority", "answer": "approved", "subject": Digest::of(b"it")}))
        }
        ("POST", "/deployments/{id}/activities") => json(json!([])),
        ("POST", "/deployments/{id}/moves") => {
            let name = if with == Some(Right::Approve) { "reject" } else { "abort" };
            json(json!({"move": name, "reason": "because"}))
        }
        ("POST", "/deployments/{id}/rollout/steps/{step}") => match with {
            Some(Right::Resume) => json(json!({"outcome": "resumed"})),
            _ => json(json!({"outcome": "succeeded"})),
        },
        ("POST", "/deployments/{id}/hand-over") => {
            json(json!({"receiver": {"person": "mia"}, "runbooks": ["restart"]}))
        }
        ("POST", "/deployments/{id}/overrides") => {
            json(json!({"gate": gate, "binding": "people", "reason": "because"}))
        }
        ("POST", "/overrides/{override}/review") => {
            json(json!({"deployment": "unknown", "finding": "justified", "comment": "it was"}))
        }
        ("POST", "/waivers") => {
            let scope = json!({"bindings": ["people"], "product": "shop"});
            json(json!({"reason": "because", "ticket": "OPS-7", "scope": scope, "expires": LATER}))
        }
        ("POST", "/delegations") => {
            json(json!({"to": "mia", "role": "change-authority", "expires": in_a_week(), "reason": "holidays"}))
        }
        ("POST", "/stops") => json(json!({"reason": "because", "until": LATER})),
        ("POST", "/access/v1/evaluation") => json(evaluation),
        ("POST", "/access/v1/evaluations") => json(json!({"evaluations": [evaluation]})),
        ("GET", "/audit/nodes") => ("?nodes=0", "", String::new()),
        ("GET", "/audit/consistency") => ("?from=1", "", String::new()),
        ("GET", path) if path.starts_with("/v1/data") => {
            ("?input=%7B%22deployment%22%3A%22unknown%22%7D", "", String::new())
        }
        ("POST", path) if path.starts_with("/v1/data") => json(json!({"input": {"deployment": "unknown"}})),
        _ => ("", "", String::new()),
    }
}

/// Asks a route with a token, or without.
async fn ask(stand: &Stand, row: &RouteRow, token: Option<&str>, with: Option<Right>) -> Answer {
    let (query, media_type, body) = content(row, with);
    let mut head = format!("{} {}{query} HTTP/1.1", row.method, path(row));
    if !media_type.is_empty() {
        head.push_str(&format!("\r\ncontent-type: {media_type}"));
    }
    if let Some(token) = token {
        head.push_str(&format!("\r\nauthorization: Bearer {token}"));
    }
    exchange(stand.running.address(), &head, &body).await
}

/// Whether the answer says that rights are missing. Other reasons to refuse something have other types.
fn is_forbidden(answer: &Answer) -> bool {
    answer.status == 403 && answer.json()["type"] == "urn:lockgate:problem:forbidden"
}

/// Somebody for each right, in all roles and narrowed to it; and somebody for each role, and for one that nobody knows.
fn people() -> Vec<(String, Actor)> {
    let narrowed = Right::ALL.map(|right| {
        let mut actor = person("tess", &role_names());
        actor.scopes = Some([right].into());
        (format!("the scope `{right}`"), actor)
    });
    let roles = role_names().into_iter().chain(["security-officer"]);
    narrowed.into_iter().chain(roles.map(|role| (format!("the role `{role}`"), person("tess", &[role])))).collect()
}

/// What is wrong with the answers of a route, if something is.
async fn mistakes(stand: &Stand, row: &RouteRow, people: &[(String, Actor, String)]) -> Vec<String> {
    let mut mistakes = Vec::new();
    let access = expected(row);
    let unknown = ask(stand, row, None, None).await;
    if (unknown.status == 401) == (access == RouteAccess::Open) || unknown.status == 403 {
        mistakes.push(format!("{} {} without a credential: {}", row.method, row.path, unknown.status));
    }
    for (name, actor, token) in people {
        let (may, with) = match access {
            RouteAccess::Open | RouteAccess::Known => (true, None),
            RouteAccess::Any(rights) => {
                let held = rights.iter().copied().find(|right| actor.may(*right));
                (held.is_some(), held)
            }
        };
        let answer = ask(stand, row, Some(token), with).await;
        let as_expected = match access {
            RouteAccess::Any(rights) if !may => {
                let problem = answer.json();
                is_forbidden(&answer)
                    && rights.iter().any(|right| problem["right"] == right.as_str())
                    && (problem["roles"].is_array() || actor.scopes.is_some())
            }
            _ => answer.status != 401 && answer.status != 0 && !is_forbidden(&answer),
        };
        if !as_expected {
            mistakes.push(format!("{} {} with {name}: {} {}", row.method, row.path, answer.status, answer.body));
        }
    }
    mistakes
}

#[tokio::test]
async fn every_route_lets_in_whoever_has_its_right_and_nobody_else() {
    let stand = Stand::new().await;
    let storage = stand.storage();
    let people: Vec<(String, Actor, String)> = people()
        .into_iter()
        .map(|(name, actor)| {
            let token = token(&*storage, &actor);
            (name, actor, token)
        })
        .collect();
    drop(storage);
    let mut all = Vec::new();
    for row in route_rows() {
        all.extend(mistakes(&stand, &row, &people).await);
    }
    assert!(all.is_empty(), "{} mistakes:\n{}", all.len(), all.join("\n"));
}

#[test]
fn the_table_of_routes_is_as_it_was_written_by_hand() {
    let rows = route_rows();
    for (method, path, _) in GUARDED {
        assert!(rows.iter().any(|row| row.method.as_str() == method && row.path == path), "{method} {path} is gone");
    }
    let differing: BTreeMap<String, RouteAccess> = rows
        .iter()
        .filter(|row| row.access != expected(row))
        .map(|row| (format!("{} {}", row.method, row.path), row.access))
        .collect();
    assert_eq!(differing, BTreeMap::new());
}

#[tokio::test]
async fn whoever_may_not_is_refused_before_the_body_is_read() {
    let stand = Stand::new().await;
    let storage = stand.storage();
    let token = token(&*storage, &person("tess", &["user"]));
    drop(storage);
    let mut refused = 0;
    for row in route_rows().iter().filter(|row| !matches!(row.method.as_str(), "GET" | "DELETE")) {
        let (query, media_type, _) = content(row, None);
        let media_type = if media_type.is_empty() { "application/json" } else { media_type };
        // A terabyte is announced, and none of it comes.
        let head = format!(
            "{} {}{query} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             content-type: {media_type}\r\ncontent-length: 1000000000000\r\n\r\n",
            row.method,
            path(row),
        );
        let answer = send(stand.running.address(), head.as_bytes());
        let answer = tokio::time::timeout(Duration::from_secs(10), answer).await;
        let answer = Answer::read(&answer.unwrap_or_else(|_| panic!("{} {} waits for the body", row.method, row.path)));
        assert!(is_forbidden(&answer), "{} {}: {} {}", row.method, row.path, answer.status, answer.body);
        refused += 1;
    }
    assert!(refused > 15, "{refused}");
}

#[tokio::test]
async fn what_is_asked_with_head_needs_the_right_of_get() {
    let stand = Stand::new().await;
    let head = |who: &str| format!("HEAD /api/v1/audit/head HTTP/1.1\r\n{}", stand.bearer(who));
    let address = stand.running.address();
    let statuses =
        [exchange(address, &head("rita"), "").await.status, exchange(address, &head("gus"), "").await.status];
    assert_eq!(statuses, [403, 200]);
}

#[tokio::test]
async fn nobody_ends_or_takes_back_anything_without_the_right_to_give_it() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let given = stand.approve("ben", "d-1").await;
    let new = json!({"to": "mia", "role": "change-authority", "expires": in_a_week(), "reason": "holidays"});
    let lent = stand.post("ben", "/delegations", new).await;
    assert_eq!((given.status, lent.status), (201, 201));
    let storage = stand.storage();
    let mut reading = person("ben", &["change-authority"]);
    reading.scopes = Some([Right::Read].into());
    let token = token(&*storage, &reading);
    drop(storage);
    for place in [given.header("location").unwrap(), lent.header("location").unwrap()] {
        let line = format!("DELETE {place} HTTP/1.1\r\nauthorization: Bearer {token}");
        let refused = exchange(stand.running.address(), &line, "").await;
        assert_eq!((refused.status, &refused.json()["right"]), (403, &json!("approve")), "{place}");
    }
}

#[tokio::test]
async fn the_access_log_names_who_asked_on_every_route_that_asks_who_it_is() {
    let (written, _default, guard) = logging(&TraceConfig::default(), &Metrics::new());
    let stand = Stand::new().await;
    let rows = route_rows();
    for row in &rows {
        let token = stand.bearer("gus").split_off("authorization: Bearer ".len());
        ask(&stand, row, Some(&token), None).await;
    }
    stand.shutdown().await;
    drop(guard);
    let lines = written.lines();
    let access: Vec<&Value> = lines.iter().filter(|line| line["target"] == "lockgate::access").collect();
    assert_eq!(access.len(), rows.len());
    for (line, row) in access.into_iter().zip(&rows) {
        let actor = if row.access == RouteAccess::Open { Value::Null } else { json!("gus") };
        assert_eq!((&line["route"], &line["actor"]), (&json!(row.path), &actor), "{line}");
    }
}

/// The routes that may end in a decision.
const DECIDING: [(&str, &str); 7] = [
    ("POST", "/api/v1/deployments/{id}/gates/{stage}/{phase}"),
    ("POST", "/access/v1/evaluation"),
    ("POST", "/access/v1/evaluations"),
    ("GET", "/v1/data/lockgate/{stage}/{phase}"),
    ("POST", "/v1/data/lockgate/{stage}/{phase}"),
    ("GET", "/v1/data/lockgate/{stage}/{phase}/{*part}"),
    ("POST", "/v1/data/lockgate/{stage}/{phase}/{*part}"),
];

/// A server that lets everybody in and loads the model of the tests. Its decision log is sent to nobody, and is to keep up.
fn behind(folder: &std::path::Path) -> Config {
    drop(catalogue(folder, MODEL));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let decision_log = DecisionLogConfig {
        http: Some(HttpSinkConfig::new(format!("http://{nobody}/logs"))),
        from_start: true,
        max_behind: Some(1),
        max_wait: lockgate_domain::Duration::from_millis(1),
        ..DecisionLogConfig::default()
    };
    let models = vec![folder.join("model.toml").to_str().unwrap().to_owned()];
    Config { insecure_no_auth: true, decision_log, models, ..config(&folder.join("data")) }
}

#[tokio::test]
async fn every_route_that_decides_turns_requests_away_while_the_decision_log_is_behind_and_no_other_does() {
    let folder = tempfile::tempdir().unwrap();
    let running = Server::new(behind(folder.path())).start().await.unwrap();
    let mut new = deployment("d-1");
    new["requester"] = json!({"id": "anonymous@localhost", "roles": []});
    let json_follows = "HTTP/1.1\r\ncontent-type: application/json";
    let line = format!("POST /api/v1/deployments {json_follows}");
    let asked = request(&running, &line, &json!({"team": "checkout", "deployment": new}).to_string()).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    // Decisions, until the sink that nobody answers is too far behind for another one.
    let gate = "POST /api/v1/deployments/d-1/gates/plan-and-approve/entrance?ask=true HTTP/1.1";
    let mut decided = 0;
    while request(&running, gate, "").await.status == 200 {
        decided += 1;
        assert!(decided < 1000, "nothing holds decisions up");
    }
    for row in route_rows() {
        let (query, media_type, body) = content(&row, None);
        let line = format!("{} {}{query} HTTP/1.1\r\ncontent-type: {media_type}", row.method, path(&row));
        let answer = request(&running, &line, &body).await;
        let turned_away = answer.body.contains("urn:lockgate:problem:decision-log-behind");
        let decides = DECIDING.contains(&(row.method.as_str(), row.path));
        assert_eq!(turned_away, decides, "{} {}: {} {}", row.method, row.path, answer.status, answer.body);
    }
    running.shutdown().await;
}
