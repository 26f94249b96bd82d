//! What an honest server hands out is as good as the file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse as _;
use lockgate_domain::{Digest, Timestamp};
use lockgate_ledger::audit::{Audit, audit};
use lockgate_ledger::{
    ContentState, NewEntry, Query, Retention, Source as _, SqliteStorage, Storage as _, prove_consistency,
    prove_inclusion, verify,
};
use lockgate_server::api::audit::{AuditApi, RemoteSource};
use serde_json::{Value, json};
use utoipa::OpenApi as _;

use super::support::{Ledger, event, serve};

fn remote(server: &str) -> RemoteSource {
    RemoteSource::new(server, None).unwrap()
}

/// What a plain client gets: status, content type and body.
pub(super) fn get(server: &str, path: &str) -> (u16, String, Vec<u8>) {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut answer = agent.get(format!("{server}{path}")).call().unwrap();
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status().as_u16(), kind, answer.body_mut().with_config().limit(64 << 20).read_to_vec().unwrap())
}

pub(super) fn json(server: &str, path: &str) -> Value {
    let (status, _, body) = get(server, path);
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn an_audit_through_a_server_says_what_one_of_the_file_says() {
    let ledger = Ledger::with(1500);
    ledger.evidence(b"kept");
    ledger.evidence(b"deleted");
    let rule = Retention::Content { kind: "evidence".to_owned(), before: Timestamp::from_millis(i64::MAX) };
    ledger.storage.forget(&rule).unwrap();
    ledger.evidence(b"kept");
    ledger.rotate();
    ledger.append(vec![event("a", 1501)]);
    let against = Audit { key: Some(ledger.key.clone()), checkpoints: vec![ledger.checkpoint()] };
    let through_server = audit(&remote(&ledger.serve()), &against).unwrap();
    assert_eq!(through_server.findings, []);
    assert_eq!((through_server.content, through_server.deleted, through_server.keys.len()), (1, 1, 2));
    assert_eq!(through_server, audit(&SqliteStorage::open_read_only(&ledger.path()).unwrap(), &against).unwrap());
}

#[test]
fn a_log_that_grows_while_it_is_read_is_intact() {
    let ledger = Ledger::with(300);
    let remote = remote(&ledger.serve());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                ledger.append(vec![event("a", n)]);
                if n % 10 == 0 {
                    ledger.rotate();
                }
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        for _ in 0..4 {
            assert_eq!(audit(&remote, &Audit::default()).unwrap().findings, []);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn entries_are_found_through_a_server_as_in_the_file() {
    let ledger = Ledger::with(1200);
    ledger.append(vec![event("a b/ü&?", 1).with_id("dec #1%").unwrap().of_team("my team").unwrap()]);
    let remote = remote(&ledger.serve());
    for query in [
        Query { limit: 3, ..Query::default() },
        Query { from: 7, before: Some(9), limit: 10, ..Query::default() },
        Query { newest_first: true, limit: 1100, ..Query::default() },
        Query { stream: Some("b".to_owned()), limit: usize::MAX, ..Query::default() },
        Query { kind: Some("log-key".to_owned()), limit: 5, ..Query::default() },
        Query { stream: Some("a b/ü&?".to_owned()), id: Some("dec #1%".to_owned()), limit: 5, ..Query::default() },
        Query { id: Some("nobody".to_owned()), limit: 5, ..Query::default() },
        Query { team: Some("my team".to_owned()), limit: 5, ..Query::default() },
    ] {
        assert_eq!(remote.entries(&query).unwrap(), ledger.storage.entries(&query).unwrap(), "{query:?}");
    }
}

fn text(proof: &impl serde::Serialize) -> String {
    serde_json::to_string(proof).unwrap()
}

#[test]
fn proofs_can_be_made_through_a_server() {
    let ledger = Ledger::with(9);
    let older = ledger.checkpoint();
    ledger.rotate();
    let decision = json!({ "decision": { "id": "dec-1", "verdict": "allow" } });
    let decision = NewEntry::new("decisions/d-1", "decision", Timestamp::from_millis(0), &decision).unwrap();
    let index = ledger.append(vec![decision.with_id("dec-1").unwrap(), event("a", 10)]).entries[0].index;
    let remote = remote(&ledger.serve());
    let included = verify::inclusion(&text(&prove_inclusion(&remote, index).unwrap()), &ledger.key).unwrap();
    assert_eq!(included.entry.id.as_deref(), Some("dec-1"));
    assert_eq!(remote.decision_proof("dec-1").unwrap(), prove_inclusion(&remote, index).unwrap());
    let none = remote.decision_proof("dec-2").unwrap_err().to_string();
    assert_eq!(none, "the log has no decision `dec-2`");
    let consistent = verify::consistency(&text(&prove_consistency(&remote, &older).unwrap()), &ledger.key).unwrap();
    assert_eq!((consistent.older.size, consistent.newer.size), (10, 13));
}

#[test]
fn the_head_is_handed_out_as_others_read_it() {
    let ledger = Ledger::with(3);
    let server = ledger.serve();
    let (status, kind, body) = get(&server, "/api/v1/audit/checkpoint");
    assert_eq!((status, kind.as_str()), (200, "text/plain; charset=utf-8"));
    assert_eq!(verify::checkpoint(std::str::from_utf8(&body).unwrap(), &ledger.key).unwrap().size, 4);
    let (_, _, key) = get(&server, "/api/v1/audit/key");
    assert_eq!(String::from_utf8(key).unwrap(), format!("{}\n", ledger.key));
}

#[test]
fn pages_say_where_they_go_on_until_they_end() {
    let ledger = Ledger::with(4);
    let server = ledger.serve();
    let page = |query: &str| {
        let page = json(&server, &format!("/api/v1/audit/entries{query}"));
        let indexes: Vec<u64> =
            page["items"].as_array().unwrap().iter().map(|e| e["index"].as_u64().unwrap()).collect();
        (indexes, page["next"].as_u64())
    };
    assert_eq!(page("?limit=2"), (vec![0, 1], Some(2)));
    assert_eq!(page("?limit=2&from=2"), (vec![2, 3], Some(4)));
    assert_eq!(page("?limit=2&from=4"), (vec![4], None));
    assert_eq!(page("?limit=2&newest_first=true"), (vec![4, 3], Some(3)));
    assert_eq!(page("?limit=5&newest_first=true&before=3"), (vec![2, 1, 0], None));
    assert_eq!(page("?stream=b"), (vec![2, 4], None));
}

#[test]
fn a_page_of_large_entries_holds_fewer_of_them() {
    let ledger = Ledger::with(0);
    let large = |n: u64| {
        NewEntry::new("a", "event", Timestamp::from_millis(0), &json!({ "n": n, "text": "x".repeat(3 << 20) }))
    };
    ledger.append((0..5).map(|n| large(n).unwrap()).collect());
    let server = ledger.serve();
    let page = json(&server, "/api/v1/audit/entries?from=1");
    // The third one makes more than 8 MiB of it.
    assert_eq!((page["items"].as_array().unwrap().len(), page["next"].as_u64()), (3, Some(4)));
    assert_eq!(audit(&remote(&server), &Audit::default()).unwrap().findings, []);
}

#[test]
fn what_cannot_be_asked_for_is_a_problem_that_says_why() {
    let ledger = Ledger::with(3);
    let server = ledger.serve();
    for (path, status, says) in [
        ("/entries?limit=0", 400, "`limit=0` is not a whole number from 1 to 1000"),
        ("/entries?limit=1001", 400, "`limit=1001` is not a whole number from 1 to 1000"),
        ("/entries?form=1", 400, "unknown parameter `form`: did you mean `from`?"),
        ("/nodes?nodes=1,x", 400, "`x` in `nodes` is not the number of a node: write for example `nodes=1,3,7`"),
        ("/content/sha256:ab", 400, "`sha256:ab` is not a digest"),
        ("/inclusion/4", 404, "the log has no entry 4: it has 4 entries"),
        ("/inclusion/18446744073709551615", 404, "the log has no entry 18446744073709551615: it has 4"),
        ("/consistency?from=0", 404, "no log grows from 0 to 4 entries"),
        ("/consistency?from=2&to=5", 404, "`to` is at most 4"),
    ] {
        let (is, _, body) = get(&server, &format!("/api/v1/audit{path}"));
        let body = String::from_utf8(body).unwrap();
        assert_eq!(is, status, "{path}: {body}");
        assert!(body.contains(says), "{path}: {body}");
    }
}

#[test]
fn nodes_that_are_not_complete_yet_are_null() {
    let ledger = Ledger::with(2);
    let nodes = json(&ledger.serve(), "/api/v1/audit/nodes?nodes=1,3,4");
    assert!(
        nodes["hashes"][0].is_string() && nodes["hashes"][1].is_null() && nodes["hashes"][2].is_string(),
        "{nodes}"
    );
}

#[test]
fn hashes_between_two_sizes_prove_that_the_log_only_grew() {
    let ledger = Ledger::with(4);
    let older = ledger.checkpoint();
    ledger.append((5..=8).map(|n| event("a", n)).collect());
    let hashes = json(&ledger.serve(), "/api/v1/audit/consistency?from=5&to=9")["hashes"].clone();
    let proof = json!({
        "format": "lockgate-consistency-proof/v1", "older": older, "newer": ledger.checkpoint(), "hashes": hashes,
    });
    verify::consistency(&proof.to_string(), &ledger.key).unwrap();
}

#[test]
fn evidence_is_never_a_page_of_the_server() {
    let ledger = Ledger::with(0);
    let content = ledger.evidence(b"<script>steal()</script>");
    let server = ledger.serve();
    let agent = ureq::Agent::new_with_defaults();
    let path = format!("/api/v1/audit/content/{}", content.digest());
    let answer = agent.get(format!("{server}{path}")).call().unwrap();
    let header = |name: &str| answer.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/octet-stream");
    assert_eq!(header("content-disposition"), "attachment");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("lockgate-content-media-type"), "text/html");
    let found = remote(&server).content(&content.digest()).unwrap().unwrap();
    assert_eq!(found, ledger.storage.content(&content.digest()).unwrap().unwrap());
    assert_eq!(found.state, ContentState::Present(b"<script>steal()</script>".to_vec()));
    assert_eq!(remote(&server).content(&Digest::of(b"nothing")).unwrap(), None);
}

#[test]
fn a_token_is_sent_and_a_refusal_says_what_to_do() {
    let ledger = Ledger::with(1);
    let server = serve(ledger.routes().layer(from_fn(|request: Request, next: Next| async move {
        match request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned()).as_deref() {
            Some("Bearer lg_secret") => next.run(request).await,
            _ => StatusCode::UNAUTHORIZED.into_response(),
        }
    })));
    assert_eq!(RemoteSource::new(&server, Some("lg_secret".to_owned())).unwrap().head().unwrap().size, 2);
    let error = remote(&server).head().unwrap_err().to_string();
    assert!(error.contains("answers 401 Unauthorized: pass a token with the right `audit`"), "{error}");
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    let ledger = Ledger::with(1);
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let server = serve(ledger.routes().layer(from_fn(move |request: Request, next: Next| {
        let busy = counted.fetch_add(1, Ordering::Relaxed) < 2;
        async move {
            match busy {
                true => (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")]).into_response(),
                false => next.run(request).await,
            }
        }
    })));
    assert_eq!(remote(&server).head().unwrap().size, 2);
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[test]
fn a_token_goes_to_nobody_that_a_server_redirects_to() {
    let asked = Arc::new(AtomicBool::new(false));
    let noted = asked.clone();
    let other = serve(axum::Router::new().fallback(move || {
        noted.store(true, Ordering::Relaxed);
        async {}
    }));
    let server = serve(axum::Router::new().fallback(move || {
        let other = other.clone();
        async move { axum::response::Redirect::temporary(&other) }
    }));
    let error = RemoteSource::new(&server, Some("lg_secret".to_owned())).unwrap().head().unwrap_err().to_string();
    assert!(error.contains("307 Temporary Redirect: give the address that it redirects to"), "{error}");
    assert!(!asked.load(Ordering::Relaxed));
}

#[test]
fn an_address_that_is_none_is_refused_without_showing_a_password() {
    for (address, says) in [
        ("deploy.example.com", "neither `http` nor `https`"),
        ("ftp://deploy.example.com", "neither `http` nor `https`"),
        ("https://deploy.example.com?a=b", "it has a query"),
        ("https://me:hunter2@deploy.example.com", "pass the token by itself"),
        ("", "it is not a URL"),
    ] {
        let error = RemoteSource::new(address, None).err().unwrap().to_string();
        assert!(error.contains(says) && !error.contains("hunter2"), "{address}: {error}");
    }
}

#[test]
fn nobody_there_is_no_tampering() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = remote(&format!("http://{address}")).head().unwrap_err();
    assert!(
        matches!(&error, lockgate_ledger::Error::Unavailable(why) if why.cause == lockgate_ledger::Cause::Other),
        "{error}"
    );
}

#[test]
fn every_route_is_described() {
    let api = AuditApi::openapi();
    let paths: Vec<&String> = api.paths.paths.keys().collect();
    let prefix = "/api/v1/audit";
    let all = [
        "/api/v1/decisions/{id}/proof".to_owned(),
        format!("{prefix}/checkpoint"),
        format!("{prefix}/checkpoints"),
        format!("{prefix}/consistency"),
        format!("{prefix}/content/{{digest}}"),
        format!("{prefix}/contents"),
        format!("{prefix}/entries"),
        format!("{prefix}/head"),
        format!("{prefix}/inclusion/{{index}}"),
        format!("{prefix}/key"),
        format!("{prefix}/nodes"),
    ];
    for path in &all {
        assert!(paths.contains(&path), "{path} among {paths:?}");
    }
    assert_eq!(paths.len(), all.len());
    let text = api.to_json().unwrap();
    for name in ["HeadDocument", "Entries", "InclusionProofDocument", "ProblemDocument"] {
        assert!(text.contains(&format!("#/components/schemas/{name}")), "{name}");
    }
}
