//! A ledger that every server opens for itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockgate_ledger::tree::leaf_hash;
use lockgate_ledger::{EntryQuery, KeyFile, LogSource as _, SqliteOptions, SqliteStorage};
use rusqlite::{Connection, params};
use tempfile::TempDir;

/// A folder with a ledger and its key.
pub(crate) struct Database {
    pub(crate) folder: TempDir,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// As one more server opens it.
    pub(crate) fn open(&self) -> Arc<SqliteStorage> {
        let key = KeyFile::new(self.folder.path().join("ledger.key"));
        Arc::new(key.open(&self.path(), "engine.example/ledger", SqliteOptions::default()).unwrap())
    }
}

/// Replaces a text in the one entry of a kind that holds it, directly in the file. The entry gets the id of its new text, and
/// its hash as well if that is asked for.
pub(crate) fn forge(ledger: &Path, kind: &str, from: &str, to: &str, with_hash: bool) {
    let query = EntryQuery { kind: Some(kind.to_owned()), limit: usize::MAX, ..EntryQuery::default() };
    let entries = SqliteStorage::open_read_only(ledger).unwrap().entries(&query).unwrap();
    let leaf = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let [entry] = entries.iter().filter(|entry| leaf(&entry.leaf).contains(from)).collect::<Vec<_>>()[..] else {
        panic!("not one entry of the kind `{kind}` holds `{from}`")
    };
    let changed = leaf(&entry.leaf).replace(from, to);
    let hash = if with_hash { leaf_hash(changed.as_bytes()) } else { entry.hash };
    let id = serde_json::from_str::<serde_json::Value>(&changed).unwrap()["id"].as_str().map(str::to_owned);
    // A row keeps the leaf without its place.
    let place = [format!(",\"index\":{}", entry.index), format!(",\"sequence\":{}", entry.sequence)];
    let text = place.iter().fold(changed, |text, member| text.replace(member, ""));
    let sql = "UPDATE entries SET dictionary = 0, text = ?2, hash = ?3, id = ?4 WHERE idx = ?1";
    let row = params![i64::try_from(entry.index).unwrap(), text.as_bytes(), hash.as_bytes(), id];
    assert_eq!(Connection::open(ledger).unwrap().execute(sql, row).unwrap(), 1);
}
