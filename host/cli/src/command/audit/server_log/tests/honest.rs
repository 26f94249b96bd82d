//! A log that an honest server hands out is as good as the file.

use std::sync::atomic::{AtomicBool, Ordering};

use lockgate_audit_server::{Ledger, event};
use lockgate_domain::{Digest, Timestamp};
use lockgate_ledger::audit::{Audit, audit};
use lockgate_ledger::{
    ContentState, EntryDraft, EntryQuery, Error, FailureCause, LogSource as _, RetentionRule, SqliteStorage,
    Storage as _, prove_consistency, prove_inclusion, verify,
};
use serde_json::json;

use super::server_log;

#[test]
fn an_audit_through_a_server_says_what_one_of_the_file_says() {
    let ledger = Ledger::with(1500);
    ledger.evidence(b"kept");
    ledger.evidence(b"deleted");
    let rule = RetentionRule::Content { kind: "evidence".to_owned(), before: Timestamp::from_millis(i64::MAX) };
    ledger.storage.forget(&rule).unwrap();
    ledger.evidence(b"kept");
    ledger.rotate();
    ledger.append(vec![event("a", 1501)]);
    let against = Audit { key: Some(ledger.key.clone()), checkpoints: vec![ledger.checkpoint()] };
    let through_server = audit(&server_log(&ledger.serve()), &against).unwrap();
    assert_eq!(through_server.findings, []);
    assert_eq!((through_server.content, through_server.deleted, through_server.keys.len()), (1, 1, 2));
    assert_eq!(through_server, audit(&SqliteStorage::open_read_only(&ledger.path()).unwrap(), &against).unwrap());
}

#[test]
fn a_log_that_grows_while_it_is_read_is_intact() {
    let ledger = Ledger::with(300);
    let log = server_log(&ledger.serve());
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
            assert_eq!(audit(&log, &Audit::default()).unwrap().findings, []);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn entries_are_found_through_a_server_as_in_the_file() {
    let ledger = Ledger::with(1200);
    ledger.append(vec![event("a b/ü&?", 1).with_id("dec #1%").unwrap().of_team("my team").unwrap()]);
    let log = server_log(&ledger.serve());
    for query in [
        EntryQuery { limit: 3, ..EntryQuery::default() },
        EntryQuery { from: 7, before: Some(9), limit: 10, ..EntryQuery::default() },
        EntryQuery { newest_first: true, limit: 1100, ..EntryQuery::default() },
        EntryQuery { stream: Some("b".to_owned()), limit: usize::MAX, ..EntryQuery::default() },
        EntryQuery { kind: Some("log-key".to_owned()), limit: 5, ..EntryQuery::default() },
        EntryQuery {
            stream: Some("a b/ü&?".to_owned()),
            id: Some("dec #1%".to_owned()),
            limit: 5,
            ..EntryQuery::default()
        },
        EntryQuery { id: Some("nobody".to_owned()), limit: 5, ..EntryQuery::default() },
        EntryQuery { team: Some("my team".to_owned()), limit: 5, ..EntryQuery::default() },
    ] {
        assert_eq!(log.entries(&query).unwrap(), ledger.storage.entries(&query).unwrap(), "{query:?}");
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
    let decision = EntryDraft::new("decisions/d-1", "decision", Timestamp::from_millis(0), &decision).unwrap();
    let index = ledger.append(vec![decision.with_id("dec-1").unwrap(), event("a", 10)]).entries[0].index;
    let log = server_log(&ledger.serve());
    let included = verify::inclusion(&text(&prove_inclusion(&log, index).unwrap()), &ledger.key).unwrap();
    assert_eq!(included.entry.id.as_deref(), Some("dec-1"));
    assert_eq!(log.decision_proof("dec-1").unwrap(), prove_inclusion(&log, index).unwrap());
    let none = log.decision_proof("dec-2").unwrap_err().to_string();
    assert_eq!(none, "the log has no decision `dec-2`");
    let consistent = verify::consistency(&text(&prove_consistency(&log, &older).unwrap()), &ledger.key).unwrap();
    assert_eq!((consistent.older.size, consistent.newer.size), (10, 13));
}

#[test]
fn a_page_of_large_entries_is_followed_by_the_rest() {
    let ledger = Ledger::with(0);
    let large = |n: u64| {
        EntryDraft::new("a", "event", Timestamp::from_millis(0), &json!({ "n": n, "text": "x".repeat(3 << 20) }))
    };
    ledger.append((0..5).map(|n| large(n).unwrap()).collect());
    assert_eq!(audit(&server_log(&ledger.serve()), &Audit::default()).unwrap().findings, []);
}

#[test]
fn content_is_read_as_it_was_stored_and_what_nobody_stored_is_none() {
    let ledger = Ledger::with(0);
    let content = ledger.evidence(b"<script>steal()</script>");
    let log = server_log(&ledger.serve());
    let found = log.content(&content.digest()).unwrap().unwrap();
    assert_eq!(found, ledger.storage.content(&content.digest()).unwrap().unwrap());
    assert_eq!(found.state, ContentState::Present(b"<script>steal()</script>".to_vec()));
    assert_eq!(log.content(&Digest::of(b"nothing")).unwrap(), None);
}

#[test]
fn a_server_that_is_not_there_is_no_tampering() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = server_log(&format!("http://{address}")).head().unwrap_err();
    assert!(matches!(&error, Error::Unavailable(why) if why.cause == FailureCause::Other), "{error}");
}

#[test]
fn a_refusal_names_the_right_that_the_token_needs() {
    let router = axum::Router::new().fallback(|| async { axum::http::StatusCode::UNAUTHORIZED });
    let error = server_log(&lockgate_audit_server::serve(router)).head().unwrap_err().to_string();
    assert!(error.ends_with("; the token needs the right `audit`"), "{error}");
}
