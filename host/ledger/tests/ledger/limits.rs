//! What is turned away before it reaches the file, and callers that misbehave.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use lockgate_domain::Timestamp;
use lockgate_ledger::note::SigningKey;
use lockgate_ledger::{
    Append, ContentBlob, EntryDraft, Error, InvalidEntry, LogSource as _, SqliteOptions, SqliteStorage, Storage as _,
};
use proptest::prelude::*;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::support::{Ledger, NAME, append, content, event};

fn entry(stream: &str, kind: &str, body: &Value) -> Result<EntryDraft, InvalidEntry> {
    EntryDraft::new(stream, kind, Timestamp::from_millis(0), body)
}

#[test]
fn names_have_to_be_readable() {
    for stream in ["", "line\nbreak", &"x".repeat(513)] {
        assert!(matches!(entry(stream, "event", &json!({})), Err(InvalidEntry::Name { what: "stream", .. })));
    }
    for kind in ["", "Event", "an event", &"x".repeat(65)] {
        assert!(matches!(entry("a", kind, &json!({})), Err(InvalidEntry::Name { what: "kind of entry", .. })));
    }
    assert!(matches!(entry("ledger", "event", &json!({})), Err(InvalidEntry::Reserved)));
    event("a", 1).with_id("").unwrap_err();
    for team in ["", "line\nbreak", &"x".repeat(513)] {
        let refused = event("a", 1).of_team(team);
        assert!(matches!(refused, Err(InvalidEntry::Name { what: "team", .. })), "{refused:?}");
    }
}

#[test]
fn a_body_may_be_nested_as_deep_as_it_can_be_read_again() {
    let nested = |depth| (0..depth).fold(json!("[[[{{{\"["), |inner, _| json!([inner]));
    let ledger = Ledger::new();
    ledger.append(vec![entry("a", "event", &nested(100)).unwrap()]);
    assert_eq!(entry("a", "event", &nested(101)), Err(InvalidEntry::Deep { kind: "event".to_owned(), depth: 101 }));
    let query = lockgate_ledger::EntryQuery { from: 1, limit: 1, ..Default::default() };
    assert_eq!(ledger.storage.entries(&query).unwrap()[0].read().unwrap().body, nested(100));
}

#[test]
fn a_body_has_a_largest_size() {
    let large = json!("x".repeat(16 << 20));
    assert!(matches!(entry("a", "event", &large), Err(InvalidEntry::Large { size, .. }) if size == (16 << 20) + 2));
}

#[test]
fn an_append_has_a_largest_size() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions { largest: 1000, ..SqliteOptions::default() };
    let key = SigningKey::generate(NAME).unwrap();
    let storage = SqliteStorage::open(&folder.path().join("ledger.db"), key, options).unwrap();
    let with = |size| Append { content: vec![content(&vec![0; size])], ..Append::default() };
    storage.append(with(1000)).unwrap();
    assert!(matches!(storage.append(with(1001)), Err(Error::TooLarge { size: 1001, limit: 1000 })));
}

#[test]
fn kinds_and_media_types_of_content_have_to_be_readable() {
    let ledger = Ledger::new();
    for (kind, media_type) in [("Evidence", "text/plain"), ("evidence", ""), ("", "text/plain")] {
        let content = vec![ContentBlob::new(kind, media_type, Arc::new(vec![]))];
        let outcome = ledger.storage.append(Append { content, ..Append::default() });
        assert!(matches!(outcome, Err(Error::Invalid(InvalidEntry::Name { .. }))), "{outcome:?}");
    }
}

#[test]
fn more_than_can_wait_is_turned_away_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let options = SqliteOptions { queue: 2, busy: Duration::from_secs(30), ..SqliteOptions::default() };
    let storage = SqliteStorage::open(&path, SigningKey::generate(NAME).unwrap(), options).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (answer, answers) = mpsc::channel();
    // Nothing can be written yet. Two wait behind the group that the writer has taken, however large that is; all others are
    // turned away meanwhile.
    let (mut submitted, mut refused) = (0, 0);
    while refused < 5 {
        assert!(submitted < 10_000, "only {refused} were turned away");
        let answer = answer.clone();
        storage.submit(append(vec![event("a", submitted)]), Box::new(move |outcome| answer.send(outcome).unwrap()));
        submitted += 1;
        for outcome in answers.try_iter() {
            assert!(matches!(outcome, Err(Error::Overloaded { limit: 2, .. })), "{outcome:?}");
            refused += 1;
        }
    }
    drop(answer);
    assert!(submitted - refused <= 256 + 2, "a group of at most 256, and two: {submitted} less {refused}");
    other.execute_batch("ROLLBACK").unwrap();
    let written = answers.iter().filter(Result::is_ok).count() as u64;
    assert_eq!(storage.version("a").unwrap(), written);
    assert!(written >= 2, "{written}");
    assert_eq!(storage.health().waiting, 0);
}

#[test]
fn a_caller_that_panics_when_it_is_answered_harms_nobody_else() {
    let ledger = Ledger::new();
    ledger.storage.submit(append(vec![event("a", 1)]), Box::new(|_| panic!("on purpose")));
    ledger.append(vec![event("a", 2)]);
    assert_eq!(ledger.storage.version("a").unwrap(), 2);
}

#[test]
fn what_was_handed_in_is_answered_before_the_ledger_closes() {
    let ledger = Ledger::new();
    let (answer, answers) = mpsc::channel();
    for n in 0..200 {
        let answer = answer.clone();
        ledger.storage.submit(append(vec![event("a", n)]), Box::new(move |outcome| answer.send(outcome).unwrap()));
    }
    drop((answer, ledger.storage));
    assert_eq!(answers.iter().filter(Result::is_ok).count(), 200);
}

fn body() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(".*", inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(lockgate_repeat::Repeat::new(300, 15000).property())]

    /// The leaf is made by hand from canonical parts; it is canonical as a whole, whatever is in it.
    #[test]
    fn every_entry_reads_back_as_canonical_json(
        stream in "[^\\p{Cc}]{1,100}", id in prop::option::of("[^\\p{Cc}]{1,100}"),
        team in prop::option::of("[^\\p{Cc}]{1,100}"), body in body(),
        millis in -10_000_000_000_000..10_000_000_000_000_i64,
    ) {
        thread_local! { static LEDGER: Ledger = Ledger::new(); }
        LEDGER.with(|ledger| {
            let at = Timestamp::from_millis(millis);
            let mut entry = EntryDraft::new(&format!("s/{stream}"), "event", at, &body).unwrap();
            if let Some(id) = &id {
                entry = entry.with_id(id).unwrap();
            }
            if let Some(team) = &team {
                entry = entry.of_team(team).unwrap();
            }
            let index = ledger.append(vec![entry]).entries[0].index;
            let query = lockgate_ledger::EntryQuery { from: index, limit: 1, ..Default::default() };
            let stored = ledger.storage.entries(&query).unwrap().remove(0);
            let read = stored.read().unwrap();
            prop_assert_eq!(read.leaf().unwrap(), stored.leaf);
            prop_assert_eq!((read.stream, read.id, read.at), (format!("s/{stream}"), id, at));
            prop_assert_eq!((&stored.team, read.team), (&team, team.clone()));
            Ok(())
        })?;
    }
}
