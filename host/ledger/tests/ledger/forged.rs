//! Somebody who can write to the files, and has not got the key, cannot have the next checkpoint sign what they wrote.

use std::fs;
use std::path::Path;

use lockgate_ledger::{Error, KeyFileError, Storage as _};
use rusqlite::Connection;

use super::loss::{ledger, open, try_open, write};
use super::support::{append, event};

/// A log whose last entry is another one, with all hashes above it; it says that the same key signed it.
fn rewritten(folder: &Path, checkpoint: impl FnOnce(String, String) -> String) {
    let storage = open(folder);
    write(&storage, 3);
    drop(storage);
    let log = |of: &Path| {
        let connection = Connection::open(ledger(of)).unwrap();
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        connection.query_row("SELECT checkpoint, key FROM log", [], row).unwrap()
    };
    let (signed, key) = log(folder);

    let other = tempfile::tempdir().unwrap();
    let storage = open(other.path());
    write(&storage, 2);
    storage.append(append(vec![event("b", 3)])).unwrap();
    drop(storage);
    let (of_other_key, _) = log(other.path());
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-head"] {
        let _ = fs::remove_file(folder.join(name));
        if other.path().join(name).exists() {
            fs::copy(other.path().join(name), folder.join(name)).unwrap();
        }
    }
    let connection = Connection::open(ledger(folder)).unwrap();
    connection.execute("UPDATE log SET checkpoint = ?1, key = ?2", (checkpoint(signed, of_other_key), key)).unwrap();
}

fn refused(folder: &Path) -> String {
    match try_open(folder).map(|storage| storage.append(append(vec![event("a", 9)]))) {
        Err(KeyFileError::Ledger(error @ Error::Unavailable(_))) | Ok(Err(error @ Error::Unavailable(_))) => {
            error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_history_that_was_rewritten_without_the_key_is_not_signed() {
    let holds = |checkpoint: fn(String, String) -> String, says: &str| {
        let folder = tempfile::tempdir().unwrap();
        rewritten(folder.path(), checkpoint);
        let said = refused(folder.path());
        assert!(said.contains("has not signed its") && said.contains(says), "{said}");
    };
    holds(|signed, _| signed, "or of another root");
    holds(|_, of_other_key| of_other_key, "sign");
    holds(|_, _| String::new(), "no empty line");
}
