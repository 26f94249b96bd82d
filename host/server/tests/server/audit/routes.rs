//! The routes of the audit log, as a plain client asks them.

use lockgate_audit_server::{Ledger, event};
use lockgate_domain::Timestamp;
use lockgate_ledger::{EntryDraft, verify};
use lockgate_server::api::audit::AuditApi;
use serde_json::{Value, json};
use utoipa::OpenApi as _;

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
        EntryDraft::new("a", "event", Timestamp::from_millis(0), &json!({ "n": n, "text": "x".repeat(3 << 20) }))
    };
    ledger.append((0..5).map(|n| large(n).unwrap()).collect());
    let server = ledger.serve();
    let page = json(&server, "/api/v1/audit/entries?from=1");
    // The third one makes more than 8 MiB of it.
    assert_eq!((page["items"].as_array().unwrap().len(), page["next"].as_u64()), (3, Some(4)));
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
