//! What an auditor of some teams is shown: their entries whole, of all others the hash, and nothing that tells more.

use lockgate_domain::{Digest, Timestamp};
use lockgate_ledger::audit::{Audit, AuditReport, Place, audit};
use lockgate_ledger::tree::leaf_hash;
use lockgate_ledger::{
    Cause, Error, NewEntry, Query, Retention, Source as _, Storage as _, TeamView, prove_inclusion, verify,
};
use lockgate_server::api::audit::RemoteSource;
use serde_json::{Value, json};

use super::honest::{get, json};
use super::support::{Ledger, event, named};

/// The entry `n` of a team. Streams, kinds and ids are told apart by the team, so that a search for its name finds each.
fn of(team: &str, n: u64) -> NewEntry {
    let body = json!({ "n": n, "secret": format!("{team}-secret") });
    let entry =
        NewEntry::new(&format!("deployment/{team}/d-1"), &format!("{team}-kind"), Timestamp::from_millis(0), &body);
    entry.unwrap().with_id(&format!("{team}-d-{n}")).unwrap().of_team(team).unwrap()
}

/// Entry 0 names the key, 1 is of no team, and then `shop` and `billing` have three each, in turn: 2, 4, 6 and 3, 5, 7.
fn of_two_teams() -> Ledger {
    let ledger = Ledger::with(0);
    ledger.append(vec![event("access", 1)]);
    ledger.append((2..8).map(|n| of(if n % 2 == 0 { "shop" } else { "billing" }, n)).collect());
    ledger
}

fn against(ledger: &Ledger) -> Audit {
    Audit { key: Some(ledger.key.clone()), ..Audit::default() }
}

fn audited(server: &str, against: &Audit) -> Result<AuditReport, Error> {
    audit(&RemoteSource::new(server, None).unwrap(), against)
}

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
fn an_auditor_of_a_team_verifies_the_whole_log() {
    let ledger = Ledger::with(1300);
    ledger.append((0..400).map(|n| of(if n % 2 == 0 { "shop" } else { "billing" }, n)).collect());
    ledger.evidence_of(of("shop", 400), b"of shop");
    ledger.evidence_of(of("billing", 401), b"of billing");
    ledger.evidence_of(of("shop", 402), b"deleted");
    let rule = Retention::Content { kind: "evidence".to_owned(), before: Timestamp::from_millis(i64::MAX) };
    ledger.storage.forget(&rule).unwrap();
    ledger.evidence_of(of("shop", 403), b"of shop");
    ledger.rotate();
    ledger.append(vec![of("shop", 404)]);
    let kept = Audit { checkpoints: vec![ledger.checkpoint()], ..against(&ledger) };
    let report = audited(&ledger.serve_for(&["shop"]), &kept).unwrap();
    assert_eq!(report.findings, []);
    // Two keys, one note of what was deleted, 200 events, and four more of `shop`; of 1300 that have no team and of 201 of
    // `billing` there is the hash.
    assert_eq!((report.entries, report.withheld), (3 + 200 + 4, 1300 + 201));
    assert_eq!((report.content, report.deleted, report.keys.len()), (1, 1, 2));
    let teams = ["shop".parse().unwrap()].into();
    assert_eq!(report, audit(&TeamView::new(&*ledger.storage, &teams), &kept).unwrap());
    let both = audited(&ledger.serve_for(&["billing", "shop"]), &kept).unwrap();
    assert_eq!((both.findings, both.withheld, both.content, both.deleted), (vec![], 1300, 1, 2));
    let whole = audited(&ledger.serve(), &kept).unwrap();
    assert_eq!((whole.findings, whole.withheld, whole.content, whole.deleted), (vec![], 0, 1, 2));
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
    let hash = ledger.storage.entries(&Query { from: 3, limit: 1, ..Query::default() }).unwrap()[0].hash;
    assert_eq!(withheld, json!({ "index": 3, "hash": hash }));
}

#[test]
fn how_large_the_entries_of_others_are_does_not_show_in_a_page() {
    let ledger = Ledger::with(0);
    let large = |team: &str| {
        let body = json!({ "text": "x".repeat(3 << 20) });
        NewEntry::new("a", "event", Timestamp::from_millis(0), &body).unwrap().of_team(team).unwrap()
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
    let remote = RemoteSource::new(&server, None).unwrap();
    let teams = ["shop".parse().unwrap()].into();
    let view = TeamView::new(&*ledger.storage, &teams);
    for query in [
        Query { limit: 6, ..Query::default() },
        Query { limit: 2, newest_first: true, ..Query::default() },
        Query { kind: Some("shop-kind".to_owned()), limit: 2, newest_first: true, ..Query::default() },
        Query { team: Some("shop".to_owned()), limit: usize::MAX, ..Query::default() },
    ] {
        assert_eq!(remote.entries_with_withheld(&query).unwrap(), view.entries_with_withheld(&query).unwrap());
    }
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
    let own = ledger.evidence_of(of("shop", 1), b"own").digest();
    let other = ledger.evidence_of(of("billing", 2), b"other").digest();
    let of_nobody = ledger.evidence(b"of nobody").digest();
    // Both refer to it within one moment, and `billing` did first.
    let both = ledger.evidence_of(of("billing", 3), b"both").digest();
    ledger.evidence_of(of("shop", 4), b"both");
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
    let rule = Retention::Content { kind: "evidence".to_owned(), before: Timestamp::from_millis(i64::MAX) };
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
    // The same through what an audit reads.
    let remote = RemoteSource::new(&server, None).unwrap();
    assert!(matches!(prove_inclusion(&remote, 3), Err(Error::Withheld(3))));
    prove_inclusion(&remote, 4).unwrap();
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

/// Serves the ledger of two teams to `shop`, with the page of entries changed.
fn changed(ledger: &Ledger, change: impl Fn(&mut Value) + Clone + Send + Sync + 'static) -> String {
    ledger.serve_changed_for(named(&["shop"]), move |target, answer| {
        if target.contains("/entries?") {
            change(answer);
        }
    })
}

fn places(report: &AuditReport) -> Vec<Place> {
    report.findings.iter().map(|finding| finding.place).collect()
}

#[test]
fn a_changed_hash_of_a_withheld_entry_is_found_through_a_server() {
    let ledger = of_two_teams();
    let server = changed(&ledger, |answer| {
        if let Some(withheld) = answer.get_mut("withheld") {
            withheld[1]["hash"] = Value::from(leaf_hash(b"another").to_string());
        }
    });
    let places = places(&audited(&server, &against(&ledger)).unwrap());
    assert!(places.contains(&Place::Entries { first: 2, last: 3 }) && places.contains(&Place::Head), "{places:?}");
}

#[test]
fn a_changed_entry_is_found_between_withheld_ones_through_a_server() {
    let ledger = of_two_teams();
    for (name, value) in [("team", json!("billing")), ("id", json!("shop-d-5")), ("sequence", json!(9))] {
        let server = changed(&ledger, move |answer| {
            if answer.get("withheld").is_some() {
                answer["items"][2][name] = value.clone();
            }
        });
        let places = places(&audited(&server, &against(&ledger)).unwrap());
        assert!(places.contains(&Place::Entry(4)), "{name}: {places:?}");
    }
}

#[test]
fn a_withheld_entry_that_is_left_out_is_missed_through_a_server() {
    let ledger = of_two_teams();
    let server = changed(&ledger, |answer| {
        if let Some(withheld) = answer.get_mut("withheld") {
            withheld.as_array_mut().unwrap().remove(1);
        }
    });
    assert!(places(&audited(&server, &against(&ledger)).unwrap()).contains(&Place::Entry(3)));
}

#[test]
fn withheld_entries_that_were_not_asked_for_are_a_lie() {
    let ledger = of_two_teams();
    let lie = |server: &str, query: &Query| match RemoteSource::new(server, None).unwrap().entries_with_withheld(query)
    {
        Err(Error::Unavailable(why)) if why.cause == Cause::Corrupt => why.message,
        other => panic!("{other:?}"),
    };
    let all = Query { limit: 8, ..Query::default() };
    let hash = leaf_hash(b"another").to_string();
    let more = move |index: u64| {
        let hash = hash.clone();
        move |answer: &mut Value| {
            let withheld = json!({ "index": index, "hash": hash });
            match answer.get_mut("withheld") {
                Some(list) => list.as_array_mut().unwrap().push(withheld),
                None => answer["withheld"] = json!([withheld]),
            }
        }
    };
    // More than asked for; the same place twice; one of those that have to be of one kind.
    let says = lie(&changed(&ledger, more(8)), &all);
    assert!(says.contains("9 entries where at most 8 were asked for"), "{says}");
    let says = lie(&changed(&ledger, more(6)), &Query { limit: 100, ..Query::default() });
    assert!(says.contains("entry 6, which was not asked for, or not there"), "{says}");
    let says = lie(&changed(&ledger, more(3)), &Query { kind: Some("shop-kind".to_owned()), ..all.clone() });
    assert!(says.contains("entry 3, which was not asked for, or not there"), "{says}");
    let reversed = changed(&ledger, |answer| answer["withheld"].as_array_mut().unwrap().reverse());
    let says = lie(&reversed, &all);
    assert!(says.contains("which was not asked for, or not there"), "{says}");
}
