//! What an auditor of some teams is shown: their entries whole, of all others the hash, and nothing that tells more.

use lockgate_audit_server::{Ledger, of_team, of_two_teams};
use lockgate_domain::{Digest, Timestamp};
use lockgate_ledger::{EntryDraft, EntryQuery, LogSource as _, RetentionRule, Storage as _, verify};
use serde_json::json;

use super::routes::{get, json};

/// The places of a page: of the entries that are shown, of those that are withheld, and where it goes on.
fn page(server: &str, query: &str) -> (Vec<u64>, Vec<u64>, Option<u64>) {
    let page = json(server, &format!("/api/v1/audit/entries{query}"));
    let indexes = |name: &str| {
        let list = page[name].as_array().cloned().unwrap_or_default();
        list.iter().map(|entry| entry["index"].as_u64().unwrap()).collect()
    };
    (indexes("items"), indexes("withheld"), page["next"].as_u64())
}

#[test]
fn a_page_has_all_places_of_the_log_and_says_nothing_of_others_but_their_hash() {
    let ledger = of_two_teams();
    let server = ledger.serve_for(&["shop"]);
    assert_eq!(page(&server, ""), (vec![0, 2, 4, 6], vec![1, 3, 5, 7], None));
    assert_eq!(page(&server, "?limit=3"), (vec![0, 2], vec![1], Some(3)));
    assert_eq!(page(&server, "?limit=3&from=3"), (vec![4], vec![3, 5], Some(6)));
    assert_eq!(page(&server, "?newest_first=true&limit=3"), (vec![6], vec![7, 5], Some(5)));
    assert_eq!(page(&server, "?newest_first=true&before=2"), (vec![0], vec![1], None));
    let (_, _, body) = get(&server, "/api/v1/audit/entries");
    assert!(!String::from_utf8(body).unwrap().contains("billing"));
    let withheld = json(&server, "/api/v1/audit/entries")["withheld"][1].clone();
    let hash = ledger.storage.entries(&EntryQuery { from: 3, limit: 1, ..EntryQuery::default() }).unwrap()[0].hash;
    assert_eq!(withheld, json!({ "index": 3, "hash": hash }));
}

#[test]
fn how_large_the_entries_of_others_are_does_not_show_in_a_page() {
    let ledger = Ledger::with(0);
    let large = |team: &str| {
        let body = json!({ "text": "x".repeat(3 << 20) });
        EntryDraft::new("a", "event", Timestamp::from_millis(0), &body).unwrap().of_team(team).unwrap()
    };
    ledger.append((0..5).map(|_| large("billing")).collect());
    ledger.append((0..5).map(|_| large("shop")).collect());
    let server = ledger.serve_for(&["shop"]);
    // The third one of `shop` makes more than 8 MiB of the page, and none of `billing` does.
    assert_eq!(page(&server, ""), (vec![0, 6, 7, 8], vec![1, 2, 3, 4, 5], Some(9)));
}

#[test]
fn a_filter_finds_the_entries_of_the_team_and_the_ledgers_own() {
    let ledger = of_two_teams();
    ledger.rotate();
    let server = ledger.serve_for(&["shop"]);
    let found = |query: &str| page(&server, query);
    assert_eq!(found("?stream=deployment/shop/d-1"), (vec![2, 4, 6], vec![], None));
    assert_eq!(found("?kind=shop-kind&limit=2&newest_first=true"), (vec![6, 4], vec![], Some(4)));
    assert_eq!(found("?id=shop-d-4"), (vec![4], vec![], None));
    assert_eq!(found("?team=shop&from=3"), (vec![4, 6], vec![], None));
    assert_eq!(found("?stream=ledger"), (vec![0, 8], vec![], None));
    assert_eq!(found("?kind=log-key"), (vec![0, 8], vec![], None));
}

#[test]
fn a_filter_tells_nothing_of_the_entries_of_others() {
    let ledger = of_two_teams();
    let server = ledger.serve_for(&["shop"]);
    let never_was = get(&server, "/api/v1/audit/entries?stream=never&limit=1");
    assert_eq!(never_was.2, br#"{"items":[]}"#);
    for filter in [
        "stream=deployment/billing/d-1",
        "kind=billing-kind",
        "id=billing-d-3",
        "team=billing",
        "stream=access",
        "kind=event",
        "stream=deployment/billing/d-1&kind=billing-kind&id=billing-d-3&team=billing",
        "stream=deployment/billing/d-1&team=shop",
        "id=billing-d-3&newest_first=true&before=4",
    ] {
        assert_eq!(get(&server, &format!("/api/v1/audit/entries?{filter}&limit=1")), never_was, "{filter}");
    }
}

#[test]
fn content_is_shown_where_an_entry_of_the_team_refers_to_it() {
    let ledger = Ledger::with(0);
    let own = ledger.evidence_of(of_team("shop", 1), b"own").digest();
    let other = ledger.evidence_of(of_team("billing", 2), b"other").digest();
    let of_nobody = ledger.evidence(b"of nobody").digest();
    // Both refer to it within one moment, and `billing` did first.
    let both = ledger.evidence_of(of_team("billing", 3), b"both").digest();
    ledger.evidence_of(of_team("shop", 4), b"both");
    let server = ledger.serve_for(&["shop"]);
    let mut digests = [own.text(), both.text()];
    digests.sort();
    assert_eq!(json(&server, "/api/v1/audit/contents"), json!({ "items": digests }));
    let first = json(&server, "/api/v1/audit/contents?limit=1");
    assert_eq!(first, json!({ "items": [digests[0]], "next": digests[0] }));
    let ask = |digest: &Digest| get(&server, &format!("/api/v1/audit/content/{digest}"));
    assert_eq!((ask(&own).0, ask(&own).2), (200, b"own".to_vec()));
    assert_eq!((ask(&both).0, ask(&both).2), (200, b"both".to_vec()));
    let never_was = Digest::of(b"never was");
    let said = |digest: &Digest| {
        let (status, _, body) = ask(digest);
        (status, String::from_utf8(body).unwrap().replace(&digest.text(), "…"))
    };
    assert_eq!(said(&never_was).0, 404);
    assert_eq!(said(&other), said(&never_was));
    assert_eq!(said(&of_nobody), said(&never_was));
    // Nor is it told that something was deleted.
    let rule = RetentionRule::Content { kind: "evidence".to_owned(), before: Timestamp::from_millis(i64::MAX) };
    ledger.storage.forget(&rule).unwrap();
    assert_eq!(said(&other), said(&never_was));
    assert_eq!(ask(&own).0, 410);
}

#[test]
fn an_entry_of_another_team_is_not_proved() {
    let ledger = of_two_teams();
    let server = ledger.serve_for(&["shop"]);
    let (status, _, body) = get(&server, "/api/v1/audit/inclusion/3");
    let body = String::from_utf8(body).unwrap();
    assert_eq!(status, 403, "{body}");
    assert!(body.contains("entry 3 is withheld: it belongs to another team, or to none"), "{body}");
    assert!(!body.contains("billing"), "{body}");
    assert_eq!(get(&server, "/api/v1/audit/inclusion/8").0, 404);
    let proof = json(&server, "/api/v1/audit/inclusion/4").to_string();
    assert_eq!(verify::inclusion(&proof, &ledger.key).unwrap().entry.team.as_deref(), Some("shop"));
}

#[test]
fn hashes_that_say_nothing_are_for_every_auditor() {
    let ledger = of_two_teams();
    let (of_team, whole) = (ledger.serve_for(&["shop"]), ledger.serve());
    for path in ["head", "checkpoint", "key", "checkpoints", "nodes?nodes=1,3,4,6", "consistency?from=2&to=7"] {
        let path = format!("/api/v1/audit/{path}");
        assert_eq!(get(&of_team, &path).0, 200, "{path}");
        assert_eq!(get(&of_team, &path), get(&whole, &path), "{path}");
    }
}
