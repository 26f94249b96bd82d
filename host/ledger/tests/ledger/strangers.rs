//! Rows and rules that somebody else put into the file: the ledger does not go by them, and says that they are there.

use lockgate_domain::Digest;
use lockgate_ledger::audit::{Audit, audit};
use lockgate_ledger::{
    Append, ContentBlob, EntryQuery, Error, LogSource as _, SqliteOptions, SqliteStorage, Storage as _,
};
use lockgate_ledger::{KeyFile, note::SigningKey};
use rusqlite::Connection;

use super::support::{Ledger, NAME, append, event};

/// Copies the last entry of stream `a` to a place behind the end of the log, as the next one of its stream.
fn forge(ledger: &Ledger, at: i64) {
    let columns = "stream, sequence + 100, kind, id, ?1, team, hash, dictionary, text";
    let sql = format!(
        "INSERT INTO entries (idx, stream, sequence, kind, id, at, team, hash, dictionary, text)
         SELECT 1000000000, {columns} FROM entries WHERE stream = 'a' ORDER BY idx DESC LIMIT 1"
    );
    assert_eq!(Connection::open(ledger.path()).unwrap().execute(&sql, [at]).unwrap(), 1);
}

#[test]
fn a_row_behind_the_end_of_the_log_is_no_entry() {
    let ledger = Ledger::with(4);
    let before = (ledger.storage.version("a").unwrap(), ledger.storage.versions(&["a", "b"]).unwrap());
    let all = EntryQuery { limit: 100, ..EntryQuery::default() };
    let of = |query: &EntryQuery| ledger.storage.entries(query).unwrap().len();
    let stream = EntryQuery { stream: Some("a".to_owned()), newest_first: true, ..all.clone() };
    let kind = EntryQuery { kind: Some("event".to_owned()), ..all.clone() };
    let read = [of(&all), of(&stream), of(&kind)];
    forge(&ledger, 0);
    assert_eq!((ledger.storage.version("a").unwrap(), ledger.storage.versions(&["a", "b"]).unwrap()), before);
    assert_eq!([of(&all), of(&stream), of(&kind)], read);
    // And it is found.
    let defects = ledger.storage.defects().unwrap();
    assert!(defects.iter().any(|defect| defect.contains("behind the end of the log")), "{defects:?}");
    assert!(ledger.storage.backup(&ledger.folder.path().join("backup.db")).is_err());
    // What is written goes on where the log ends.
    assert_eq!(ledger.append(vec![event("a", 5)]).entries[0].sequence, before.0 + 1);
}

#[test]
fn neither_a_forged_row_nor_a_changed_one_moves_the_clock() {
    let ledger = Ledger::with(4);
    let far = 4_102_444_800_000;
    forge(&ledger, far);
    ledger.tamper(&format!("UPDATE entries SET at = {far} WHERE idx = 4"));
    ledger.storage.append(Append::default()).unwrap();
    assert!(ledger.storage.now().as_millis() < far);
    let again = SqliteStorage::open_read_only(&ledger.path()).unwrap();
    assert!(again.now().as_millis() < far);
    let report = audit(&again, &Audit::default()).unwrap();
    assert!(report.findings.iter().any(|finding| finding.to_string().contains("moment")), "{:?}", report.findings);
}

#[test]
fn a_trigger_keeps_the_ledger_from_being_opened_and_other_changes_of_the_schema_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let (key, path) = (KeyFile::new(folder.path().join("ledger.key")), folder.path().join("ledger.db"));
    let open = || key.open(&path, NAME, SqliteOptions::default());
    drop(open().unwrap());
    let change = |sql: &str| Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    change("CREATE TRIGGER spy AFTER INSERT ON entries BEGIN DELETE FROM requests; END");
    let Err(refused) = open() else { panic!("it was opened") };
    assert!(refused.to_string().contains("trigger `spy`"), "{refused}");
    change("DROP TRIGGER spy; DROP INDEX entries_by_stream; CREATE TABLE more (x INTEGER)");
    let defects = open().unwrap().defects().unwrap();
    for told in ["index `entries_by_stream` is missing", "table `more` is not the ledger's"] {
        assert!(defects.iter().any(|defect| defect.contains(told)), "{told}: {defects:?}");
    }
}

#[test]
fn content_that_a_team_is_let_read_without_an_entry_is_found() {
    let ledger = Ledger::new();
    let content = ContentBlob::new("evidence", "text/plain", std::sync::Arc::new(b"sbom".to_vec()));
    let entry = event("a", 1).referring_to(content.digest()).of_team("shop").unwrap();
    ledger.storage.append(Append { content: vec![content], ..append(vec![entry]) }).unwrap();
    assert_eq!(ledger.storage.defects().unwrap(), [] as [&str; 0]);
    assert!(ledger.storage.team_refers_to("shop", &Digest::of(b"sbom")).unwrap());
    ledger.tamper("INSERT INTO content_teams (team, digest) SELECT 'other', digest FROM content_teams");
    let defects = ledger.storage.defects().unwrap();
    assert!(matches!(&*defects, [one] if one.contains("do not refer to")), "{defects:?}");
    ledger.tamper("DELETE FROM content_teams");
    let defects = ledger.storage.defects().unwrap();
    assert!(matches!(&*defects, [one] if one.contains("less than its entries refer to")), "{defects:?}");
}

#[test]
fn a_ledger_that_has_lost_something_is_not_backed_up_as_if_it_had_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let storage = SqliteStorage::open(&path, SigningKey::generate(NAME).unwrap(), SqliteOptions::default()).unwrap();
    for n in 1..=3 {
        storage.append(append(vec![event("a", n)])).unwrap();
    }
    drop(storage);
    let head = folder.path().join("ledger.db-head");
    std::fs::remove_file(&head).unwrap();
    let reading = SqliteStorage::open_read_only(&path).unwrap();
    let refused = reading.backup(&folder.path().join("backup.db")).unwrap_err();
    assert!(matches!(refused, Error::Loss(_)), "{refused}");
}
