//! Key files: private, and always with the key that the log goes by.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use lockgate_ledger::{Error, KeyFile, KeyFileError, LogSource as _, SqliteOptions, SqliteStorage, Storage as _};
use tempfile::TempDir;

use super::support::{NAME, append, event};

struct FindingPlace {
    folder: TempDir,
    file: KeyFile,
}

impl FindingPlace {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(folder.path().join("ledger.key"));
        Self { folder, file }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self) -> Result<SqliteStorage, KeyFileError> {
        self.file.open(&self.path("ledger.db"), NAME, SqliteOptions::default())
    }
}

#[test]
fn the_first_start_makes_a_key_that_nobody_else_can_read() {
    let place = FindingPlace::new();
    let head = place.open().unwrap().head().unwrap();
    assert_eq!(head.key.name(), NAME);
    for file in ["ledger.key", "ledger.db"] {
        assert_eq!(fs::metadata(place.path(file)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(place.file.load().unwrap().verifying_key(), &head.key);
    // The next one finds it.
    assert_eq!(place.open().unwrap().head().unwrap(), head);
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    let place = FindingPlace::new();
    place.file.create(NAME).unwrap();
    fs::set_permissions(place.path("ledger.key"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(place.file.load(), Err(KeyFileError::Open { mode: 0o640, .. })));
}

#[test]
fn a_key_is_never_overwritten() {
    let place = FindingPlace::new();
    let key = place.file.create(NAME).unwrap();
    assert!(matches!(place.file.create(NAME), Err(KeyFileError::Io { .. })));
    assert_eq!(place.file.load().unwrap().verifying_key(), key.verifying_key());
    let files: Vec<_> = fs::read_dir(place.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["ledger.key"]);
}

#[test]
fn a_ledger_whose_key_is_lost_gets_no_new_one() {
    let place = FindingPlace::new();
    drop(place.open().unwrap());
    fs::remove_file(place.path("ledger.key")).unwrap();
    assert!(matches!(place.open(), Err(KeyFileError::Lost { .. })));
    assert!(!place.path("ledger.key").exists());
}

#[test]
fn a_ledger_is_not_opened_with_the_key_of_another() {
    let place = FindingPlace::new();
    drop(place.open().unwrap());
    fs::remove_file(place.path("ledger.key")).unwrap();
    place.file.create(NAME).unwrap();
    assert!(matches!(place.open(), Err(KeyFileError::Ledger(Error::KeyRetired { .. }))));
}

#[test]
fn who_has_the_log_open_signs_with_the_new_key_from_then_on() {
    let place = FindingPlace::new();
    let server = place.open().unwrap();
    server.append(append(vec![event("a", 1)])).unwrap();
    for round in 2..5 {
        // In another process, say.
        let new = place.file.rotate(&place.open().unwrap()).unwrap();
        server.append(append(vec![event("a", round)])).unwrap();
        assert_eq!(server.head().unwrap().key, new);
        assert!(server.health().failing.is_none());
    }
    // Also while the file itself has the old key still.
    let next = place.path("ledger.key.next");
    let other = place.open().unwrap();
    let next = KeyFile::new(next);
    let key = next.create(NAME).unwrap().verifying_key().clone();
    other.rotate(next.load().unwrap()).unwrap();
    server.append(append(vec![event("a", 5)])).unwrap();
    assert_eq!(server.head().unwrap().key, key);
}

#[test]
fn a_key_that_the_log_goes_by_already_is_not_thrown_away() {
    let place = FindingPlace::new();
    let storage = place.open().unwrap();
    // A change that was cut off before the file got the new key.
    let next = KeyFile::new(place.path("ledger.key.next"));
    next.create(NAME).unwrap();
    storage.rotate(next.load().unwrap()).unwrap();
    let newest = place.file.rotate(&storage).unwrap();
    assert_eq!((&storage.head().unwrap().key, place.file.load().unwrap().verifying_key()), (&newest, &newest));
    drop(storage);
    assert_eq!(place.open().unwrap().head().unwrap().size, 3);
}

#[test]
fn who_cannot_read_the_new_key_says_so() {
    let place = FindingPlace::new();
    let server = place.open().unwrap();
    let new = place.file.rotate(&place.open().unwrap()).unwrap();
    fs::set_permissions(place.path("ledger.key"), fs::Permissions::from_mode(0o640)).unwrap();
    let error = server.append(append(vec![event("a", 1)])).unwrap_err();
    assert!(matches!(&error, Error::KeyRetired { current, .. } if *current == new.to_string()), "{error}");
    assert!(server.health().failing.is_some());
    fs::set_permissions(place.path("ledger.key"), fs::Permissions::from_mode(0o600)).unwrap();
    server.append(append(vec![event("a", 1)])).unwrap();
    assert!(server.health().failing.is_none());
}

#[test]
fn a_key_is_replaced_in_log_and_file() {
    let place = FindingPlace::new();
    let storage = place.open().unwrap();
    let old = storage.head().unwrap().key;
    let new = place.file.rotate(&storage).unwrap();
    assert_ne!(old, new);
    storage.append(append(vec![event("a", 1)])).unwrap();
    drop(storage);
    assert_eq!(place.open().unwrap().head().unwrap().key, new);
    assert!(!place.path("ledger.key.next").exists());
}

#[test]
fn a_change_of_keys_that_was_cut_off_is_brought_to_its_end() {
    // After the log, before the file.
    let place = FindingPlace::new();
    let storage = place.open().unwrap();
    let old = fs::read(place.path("ledger.key")).unwrap();
    let new = place.file.rotate(&storage).unwrap();
    drop(storage);
    fs::rename(place.path("ledger.key"), place.path("ledger.key.next")).unwrap();
    fs::write(place.path("ledger.key"), &old).unwrap();
    fs::set_permissions(place.path("ledger.key"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(place.open().unwrap().head().unwrap().key, new);
    assert_eq!(place.file.load().unwrap().verifying_key(), &new);
    // Before the log: the key that was made is not used, and a new one is made the next time.
    let storage = place.open().unwrap();
    KeyFile::new(place.path("ledger.key.next")).create(NAME).unwrap();
    drop(storage);
    let storage = place.open().unwrap();
    assert_eq!(storage.head().unwrap().key, new);
    assert_ne!(place.file.rotate(&storage).unwrap(), new);
}

#[test]
fn a_look_at_the_key_finds_it_while_another_process_changes_keys() {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::new(folder.path().join("ledger.key"));
    let open = || file.open(&folder.path().join("ledger.db"), "test", SqliteOptions::default()).unwrap();
    let (one, other) = (open(), open());
    std::thread::scope(|scope| {
        let changing = scope.spawn(|| (0..20).for_each(|_| drop(file.rotate(&other).unwrap())));
        while !changing.is_finished() {
            file.examine(&one).unwrap();
        }
    });
    std::fs::remove_file(folder.path().join("ledger.key")).unwrap();
    assert!(matches!(file.examine(&one), Err(KeyFileError::Io { .. })));
}

#[test]
fn what_is_no_regular_file_is_not_opened_as_a_key() {
    let place = FindingPlace::new();
    let storage = place.open().unwrap();
    fs::rename(place.path("ledger.key"), place.path("away")).unwrap();
    let is_said = |error: KeyFileError| {
        let said = error.to_string();
        assert!(matches!(error, KeyFileError::Io { .. }) && said.contains("not a regular file"), "{said}");
    };
    fs::create_dir(place.path("ledger.key")).unwrap();
    is_said(place.file.load().unwrap_err());
    fs::remove_dir(place.path("ledger.key")).unwrap();
    // To open it would last until somebody writes into it.
    let made = std::process::Command::new("mkfifo").arg(place.path("ledger.key")).status().unwrap();
    assert!(made.success());
    is_said(place.file.examine(&storage).unwrap_err());
    is_said(place.open().err().unwrap());
}
