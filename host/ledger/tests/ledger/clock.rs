//! The time never goes back behind what was written.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use lockgate_domain::Timestamp;
use lockgate_ledger::{
    Append, ContentBlob, EntryDraft, EntryQuery, KeyFile, LogSource as _, SqliteOptions, SqliteStorage, Storage as _,
    SystemClock,
};
use tempfile::TempDir;

/// A ledger, and the clock of the system, in milliseconds.
struct Stand {
    folder: TempDir,
    system: Arc<AtomicI64>,
}

impl Stand {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), system: Arc::new(AtomicI64::new(1_000_000)) }
    }

    fn open(&self) -> SqliteStorage {
        let system = Arc::clone(&self.system);
        let clock = SystemClock::new(move || Timestamp::from_millis(system.load(Ordering::SeqCst)));
        let options = SqliteOptions { clock, ..SqliteOptions::default() };
        self.file().open(&self.folder.path().join("ledger.db"), "test", options).unwrap()
    }

    fn file(&self) -> KeyFile {
        KeyFile::new(self.folder.path().join("ledger.key"))
    }

    fn set(&self, millis: i64) {
        self.system.store(millis, Ordering::SeqCst);
    }
}

fn write(storage: &SqliteStorage, at: i64) {
    let entry = EntryDraft::new("stream", "event", Timestamp::from_millis(at), &"body").unwrap();
    storage.append(Append { entries: vec![entry], ..Append::default() }).unwrap();
}

fn now(storage: &SqliteStorage) -> i64 {
    storage.now().as_millis()
}

#[test]
fn the_newest_entry_is_known_from_the_start_and_after_each_write() {
    let stand = Stand::new();
    let storage = stand.open();
    write(&storage, 2_000_000);
    assert_eq!((now(&storage), storage.clock().behind().as_millis()), (2_000_000, 1_000_000));
    write(&storage, 1_999_999);
    assert_eq!(now(&storage), 2_000_000, "a request that took longer than another one is written all the same");
    drop(storage);
    stand.set(500_000);
    let storage = stand.open();
    assert_eq!(now(&storage), 2_000_000);
    let read_only = SqliteStorage::open_read_only(&stand.folder.path().join("ledger.db")).unwrap();
    assert!(read_only.now() >= Timestamp::from_millis(2_000_000));
    stand.set(2_000_001);
    assert_eq!((now(&storage), storage.clock().behind().as_millis()), (2_000_001, 0));
}

#[test]
fn what_another_process_writes_is_known_once_it_is_noticed() {
    let stand = Stand::new();
    let (one, other) = (stand.open(), stand.open());
    write(&one, 2_000_000);
    assert_eq!(now(&other), 1_000_000);
    other.entries(&EntryQuery { limit: 10, ..EntryQuery::default() }).unwrap();
    assert_eq!(now(&other), 2_000_000, "it has read the entry");
    write(&one, 3_000_000);
    write(&other, 1_000_000);
    assert_eq!(now(&other), 3_000_000, "it has written behind the entry");
}

#[test]
fn what_the_ledger_writes_itself_goes_by_that_time_too() {
    let stand = Stand::new();
    let storage = stand.open();
    write(&storage, 2_000_000);
    stand.set(1_000);
    let bytes = ContentBlob::new("evidence", "text/plain", Arc::new(b"42".to_vec()));
    let digest = bytes.digest();
    storage.append(Append { content: vec![bytes], ..Append::default() }).unwrap();
    assert_eq!(storage.content(&digest).unwrap().unwrap().stored.as_millis(), 2_000_000);
    stand.file().rotate(&storage).unwrap();
    let last = EntryQuery { newest_first: true, limit: 1, ..EntryQuery::default() };
    assert_eq!(storage.entries(&last).unwrap()[0].at.as_millis(), 2_000_000);
}
