//! A ledger in a folder of its own, and what is put into it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_domain::Timestamp;
use lockgate_ledger::note::{SigningKey, VerifyingKey};
use lockgate_ledger::tree::leaf_hash;
use lockgate_ledger::{
    Append, CommittedAppend, ContentBlob, EntryDraft, EntryQuery, LogSource as _, SqliteOptions, SqliteStorage,
    Storage, StoredEntry,
};
use rusqlite::{Connection, params};
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

    pub(crate) fn append(&self, entries: Vec<EntryDraft>) -> CommittedAppend {
        self.storage.append(append(entries)).unwrap()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// The entry at that place of the log.
    pub(crate) fn entry(&self, index: u64) -> StoredEntry {
        self.storage.entries(&EntryQuery { from: index, limit: 1, ..EntryQuery::default() }).unwrap().remove(0)
    }

    /// Changes what an entry says behind the ledger's back, uncompressed, and whether its hash as well.
    pub(crate) fn forge(&self, index: u64, change: impl Fn(&str) -> String, with_hash: bool) {
        let entry = self.entry(index);
        let leaf = change(std::str::from_utf8(&entry.leaf).unwrap());
        let place = [format!(",\"index\":{index}"), format!(",\"sequence\":{}", entry.sequence)];
        let text = place.iter().fold(leaf.clone(), |text, member| text.replace(member, ""));
        let hash = if with_hash { leaf_hash(leaf.as_bytes()) } else { entry.hash };
        let sql = "UPDATE entries SET dictionary = 0, text = ?2, hash = ?3 WHERE idx = ?1";
        let row = params![index as i64, text.as_bytes(), hash.as_bytes()];
        assert_eq!(Connection::open(self.path()).unwrap().execute(sql, row).unwrap(), 1);
    }

    /// Changes the file behind the ledger's back.
    pub(crate) fn tamper(&self, sql: &str) {
        let changed = Connection::open(self.path()).unwrap().execute(sql, []).unwrap();
        assert!(changed > 0, "`{sql}` changed nothing");
    }
}

pub(crate) fn append(entries: Vec<EntryDraft>) -> Append {
    Append { entries, ..Append::default() }
}

pub(crate) fn event(stream: &str, n: u64) -> EntryDraft {
    EntryDraft::new(stream, "event", Timestamp::from_millis(0), &json!({ "n": n })).unwrap()
}

pub(crate) fn content(bytes: &[u8]) -> ContentBlob {
    ContentBlob::new("evidence", "application/octet-stream", Arc::new(bytes.to_vec()))
}

/// An append with one event of the stream `a`, and the content that it refers to.
pub(crate) fn evidence(n: u64, bytes: &[u8]) -> Append {
    let content = content(bytes);
    Append { entries: vec![event("a", n).referring_to(content.digest())], content: vec![content], ..Append::default() }
}

/// Bytes that do not become smaller when they are compressed.
pub(crate) fn incompressible(seed: u64, length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}

/// Waits until the ledger takes entries again, by itself.
pub(crate) fn healthy_again(storage: &dyn Storage) {
    let begun = Instant::now();
    while let Some((_, why)) = storage.health().failing {
        assert!(begun.elapsed() < Duration::from_secs(20), "{why}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
