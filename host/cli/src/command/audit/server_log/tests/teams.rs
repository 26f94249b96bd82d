//! The log as a server shows it to an auditor of some teams: their entries whole, of all others the hash.

use lockgate_audit_server::{Ledger, named, of_team, of_two_teams};
use lockgate_domain::Timestamp;
use lockgate_ledger::audit::{Audit, AuditReport, FindingPlace, audit};
use lockgate_ledger::tree::leaf_hash;
use lockgate_ledger::{
    EntryQuery, Error, FailureCause, LogSource as _, RetentionRule, Storage as _, TeamView, prove_inclusion,
};
use serde_json::{Value, json};

use super::server_log;

fn against(ledger: &Ledger) -> Audit {
    Audit { key: Some(ledger.key.clone()), ..Audit::default() }
}

fn audited(server: &str, against: &Audit) -> Result<AuditReport, Error> {
    audit(&server_log(server), against)
}

#[test]
fn an_auditor_of_a_team_verifies_the_whole_log() {
    let ledger = Ledger::with(1300);
    ledger.append((0..400).map(|n| of_team(if n % 2 == 0 { "shop" } else { "billing" }, n)).collect());
    ledger.evidence_of(of_team("shop", 400), b"of shop");
    ledger.evidence_of(of_team("billing", 401), b"of billing");
    ledger.evidence_of(of_team("shop", 402), b"deleted");
    let rule = RetentionRule::Content { kind: "evidence".to_owned(), before: Timestamp::from_millis(i64::MAX) };
    ledger.storage.forget(&rule).unwrap();
    ledger.evidence_of(of_team("shop", 403), b"of shop");
    ledger.rotate();
    ledger.append(vec![of_team("shop", 404)]);
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
fn entries_are_found_through_a_server_as_a_view_of_the_team_finds_them() {
    let ledger = of_two_teams();
    let log = server_log(&ledger.serve_for(&["shop"]));
    let teams = ["shop".parse().unwrap()].into();
    let view = TeamView::new(&*ledger.storage, &teams);
    for query in [
        EntryQuery { limit: 6, ..EntryQuery::default() },
        EntryQuery { limit: 2, newest_first: true, ..EntryQuery::default() },
        EntryQuery { kind: Some("shop-kind".to_owned()), limit: 2, newest_first: true, ..EntryQuery::default() },
        EntryQuery { team: Some("shop".to_owned()), limit: usize::MAX, ..EntryQuery::default() },
    ] {
        assert_eq!(log.entries_with_withheld(&query).unwrap(), view.entries_with_withheld(&query).unwrap());
    }
}

#[test]
fn an_entry_of_another_team_cannot_be_proved() {
    let ledger = of_two_teams();
    let log = server_log(&ledger.serve_for(&["shop"]));
    assert!(matches!(prove_inclusion(&log, 3), Err(Error::Withheld(3))));
    prove_inclusion(&log, 4).unwrap();
}

/// Serves the ledger of two teams to `shop`, with the page of entries changed.
fn changed(ledger: &Ledger, change: impl Fn(&mut Value) + Clone + Send + Sync + 'static) -> String {
    ledger.serve_changed_for(named(&["shop"]), move |target, answer| {
        if target.contains("/entries?") {
            change(answer);
        }
    })
}

fn places(report: &AuditReport) -> Vec<FindingPlace> {
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
    assert!(
        places.contains(&FindingPlace::Entries { first: 2, last: 3 }) && places.contains(&FindingPlace::Head),
        "{places:?}"
    );
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
        assert!(places.contains(&FindingPlace::Entry(4)), "{name}: {places:?}");
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
    assert!(places(&audited(&server, &against(&ledger)).unwrap()).contains(&FindingPlace::Entry(3)));
}

#[test]
fn withheld_entries_that_were_not_asked_for_are_a_lie() {
    let ledger = of_two_teams();
    let lie = |server: &str, query: &EntryQuery| match server_log(server).entries_with_withheld(query) {
        Err(Error::Unavailable(why)) if why.cause == FailureCause::Corrupt => why.message,
        other => panic!("{other:?}"),
    };
    let all = EntryQuery { limit: 8, ..EntryQuery::default() };
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
    let says = lie(&changed(&ledger, more(6)), &EntryQuery { limit: 100, ..EntryQuery::default() });
    assert!(says.contains("entry 6, which was not asked for, or not there"), "{says}");
    let says = lie(&changed(&ledger, more(3)), &EntryQuery { kind: Some("shop-kind".to_owned()), ..all.clone() });
    assert!(says.contains("entry 3, which was not asked for, or not there"), "{says}");
    let reversed = changed(&ledger, |answer| answer["withheld"].as_array_mut().unwrap().reverse());
    let says = lie(&reversed, &all);
    assert!(says.contains("which was not asked for, or not there"), "{says}");
}
