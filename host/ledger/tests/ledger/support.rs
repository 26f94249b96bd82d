//! A ledger in a folder of its own, and what is put into it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_domain::Timestamp;
use lockgate_ledger::note::{SigningKey, VerifyingKey};
use lockgate_ledger::{Append, Appended, Content, NewEntry, SqliteOptions, SqliteStorage, Storage};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

pub(crate) const NAME: &str = "test.example/ledger";

pub(crate) struct Ledger {
    pub(crate) folder: TempDir,
    pub(crate) storage: SqliteStorage,
    pub(crate) key: VerifyingKey,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::generate(NAME).unwrap();
        let verifying = key.verifying_key().clone();
        let storage = SqliteStorage::open(&folder.path().join("ledger.db"), key, SqliteOptions::default()).unwrap();
        Self { folder, storage, key: verifying }
    }

    /// With that many entries after the one that names the key: `event`s 1, 2, 3 ... of the streams `a` and `b` in turn.
    pub(crate) fn with(events: u64) -> Self {
        let ledger = Self::new();
        for n in 1..=events {
            ledger.append(vec![event(if n % 2 == 1 { "a" } else { "b" }, n)]);
        }
        ledger
    }

    pub(crate) fn append(&self, entries: Vec<NewEntry>) -> Appended {
        self.storage.append(append(entries)).unwrap()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// Changes the file behind the ledger's back.
    pub(crate) fn tamper(&self, sql: &str) {
        let changed = Connection::open(self.path()).unwrap().execute(sql, []).unwrap();
        assert!(changed > 0, "`{sql}` changed nothing");
    }
}

pub(crate) fn append(entries: Vec<NewEntry>) -> Append {
    Append { entries, ..Append::default() }
}

pub(crate) fn event(stream: &str, n: u64) -> NewEntry {
    NewEntry::new(stream, "event", Timestamp::from_millis(0), &json!({ "n": n })).unwrap()
}

pub(crate) fn content(bytes: &[u8]) -> Content {
    Content::new("evidence", "application/octet-stream", Arc::new(bytes.to_vec()))
}

/// An append with one event of the stream `a`, and the content that it refers to.
pub(crate) fn evidence(n: u64, bytes: &[u8]) -> Append {
    let content = content(bytes);
    Append { entries: vec![event("a", n).referring_to(content.digest())], content: vec![content], ..Append::default() }
}

/// Waits until the ledger takes entries again, by itself.
pub(crate) fn healthy_again(storage: &dyn Storage) {
    let begun = Instant::now();
    while let Some((_, why)) = storage.health().failing {
        assert!(begun.elapsed() < Duration::from_secs(20), "{why}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
