//! Files of every released version are brought to this one, with all that is in them.
//!
//! `released/v<n>.sql` is a dump of a small ledger as version `n` wrote it, signed with the key below, and
//! `released/v<n>.db-head` its head file. For a new version, `write_the_dump_of_this_version` writes the next ones; what was
//! released never changes.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use lockgate_domain::Digest;
use lockgate_ledger::audit::{Audit, audit};
use lockgate_ledger::{
    Append, ContentState, EntryQuery, Error, FailureCause, IdempotentRequest, KeyFile, LogSource as _, SCHEMA_VERSION,
    SqliteOptions, SqliteStorage, Storage as _, ValueChanges,
};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::support::{NAME, append, event, evidence};

/// Of a ledger that stands in these tests and nowhere else.
const KEY: &str = "PRIVATE+KEY+test.example/ledger+";

fn released() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ledger/released")
}

fn key_file(folder: &Path) -> KeyFile {
    let path = folder.join("ledger.key");
    let secret = fs::read_to_string(released().join("test-only.key")).unwrap();
    assert!(secret.starts_with(KEY));
    fs::write(&path, secret).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    KeyFile::new(path)
}

/// What every dump holds.
fn write_something(storage: &SqliteStorage) {
    storage.append(evidence(1, b"report")).unwrap();
    storage
        .append(Append {
            entries: vec![event("b", 2).of_team("shop").unwrap(), event("a", 3).with_id("third").unwrap()],
            values: vec![ValueChanges {
                namespace: "n".to_owned(),
                expect: None,
                changes: [("k".to_owned(), Some(b"v".to_vec()))].into(),
            }],
            request: Some(IdempotentRequest {
                scope: "ci".to_owned(),
                key: "k1".to_owned(),
                digest: Digest::of(b"go"),
                answer: b"done".to_vec(),
            }),
            ..Append::default()
        })
        .unwrap();
}

#[test]
fn a_ledger_of_every_released_version_opens_with_all_that_is_in_it() {
    for version in 1..=SCHEMA_VERSION {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let dump = fs::read_to_string(released().join(format!("v{version}.sql"))).unwrap();
        Connection::open(&path).unwrap().execute_batch(&dump).unwrap();
        let head_file = released().join(format!("v{version}.db-head"));
        fs::copy(head_file, folder.path().join("ledger.db-head")).unwrap();
        let storage = key_file(folder.path()).open(&path, NAME, SqliteOptions::default()).unwrap();
        let key = Some(storage.head().unwrap().key);
        let report = audit(&storage, &Audit { key, ..Audit::default() }).unwrap();
        assert_eq!((report.findings, report.entries, report.content), (vec![], 4, 1));
        assert_eq!((storage.version("a").unwrap(), storage.version("b").unwrap()), (2, 1));
        let content = storage.content(&Digest::of(b"report")).unwrap().unwrap();
        assert_eq!(content.state, ContentState::Present(b"report".to_vec()));
        assert_eq!(storage.value("n", "k").unwrap().as_deref(), Some(b"v".as_slice()));
        let again = IdempotentRequest {
            scope: "ci".to_owned(),
            key: "k1".to_owned(),
            digest: Digest::of(b"go"),
            answer: vec![],
        };
        let again = Append { request: Some(again), ..append(vec![event("again", 1)]) };
        let kept = Some(b"done".to_vec());
        assert_eq!(storage.answered("ci", "k1", &Digest::of(b"go")).unwrap(), kept);
        assert_eq!(storage.append(again).unwrap().repeat, kept);
        let of_shop = |stream: &str| {
            let (team, stream) = (Some("shop".to_owned()), Some(stream.to_owned()));
            storage.entries(&EntryQuery { team, stream, limit: 10, ..EntryQuery::default() }).unwrap().len()
        };
        assert_eq!(of_shop("b"), 1);
        storage.append(append(vec![event("a", 4).of_team("shop").unwrap()])).unwrap();
        assert_eq!(of_shop("a"), 1);
        assert_eq!(storage.defects().unwrap(), [] as [&str; 0]);
        let number: usize = Connection::open(&path)
            .unwrap()
            .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
            .unwrap()
            .try_into()
            .unwrap();
        assert_eq!(number, SCHEMA_VERSION);
    }
}

#[test]
fn a_ledger_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let file = key_file(folder.path());
    drop(file.open(&path, NAME, SqliteOptions::default()).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteStorage::open(&path, file.load().unwrap(), SqliteOptions::default()).err().unwrap();
    assert!(matches!(&error, Error::Unavailable(why) if why.cause == FailureCause::TooNew), "{error}");
    let error = SqliteStorage::open_read_only(&path).err().unwrap();
    assert!(matches!(&error, Error::Unavailable(why) if why.cause == FailureCause::TooNew), "{error}");
}

#[test]
#[ignore = "for a new version only"]
fn write_the_dump_of_this_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let storage = key_file(folder.path()).open(&path, NAME, SqliteOptions::default()).unwrap();
    write_something(&storage);
    drop(storage);
    let to = released().join(format!("v{SCHEMA_VERSION}.sql"));
    assert!(!to.exists(), "`{}` was released", to.display());
    fs::write(to, dump(&Connection::open(&path).unwrap())).unwrap();
    fs::copy(folder.path().join("ledger.db-head"), released().join(format!("v{SCHEMA_VERSION}.db-head"))).unwrap();
}

fn dump(file: &Connection) -> String {
    let mut sql = String::from("BEGIN;\n");
    for pragma in ["user_version", "application_id"] {
        let value: i64 = file.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
        writeln!(sql, "PRAGMA {pragma} = {value};").unwrap();
    }
    let query = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name";
    let mut schema = file.prepare(query).unwrap();
    let objects = schema.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let objects: Vec<(String, String, String)> = objects.map(Result::unwrap).collect();
    for (_, _, create) in &objects {
        writeln!(sql, "{create};").unwrap();
    }
    for (_, table, _) in objects.iter().filter(|(kind, ..)| kind == "table") {
        let mut statement = file.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<String> = (0..columns).map(|column| literal(row.get_ref(column).unwrap())).collect();
            writeln!(sql, "INSERT INTO {table} VALUES ({});", values.join(", ")).unwrap();
        }
    }
    sql.push_str("COMMIT;\n");
    sql
}

fn literal(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => format!("'{}'", String::from_utf8_lossy(text).replace('\'', "''")),
        ValueRef::Blob(bytes) => {
            format!("x'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
    }
}
