//! Backups: made while others write, whole, and checked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use lockgate_ledger::audit::{Audit, audit};
use lockgate_ledger::{Error, FailureCause, LogSource as _, SqliteStorage, Storage as _, verify};

use super::support::{Ledger, append, event, evidence};

#[test]
fn a_backup_is_made_while_others_write() {
    let ledger = Ledger::with(50);
    ledger.storage.append(evidence(51, b"report")).unwrap();
    let (to, done) = (ledger.folder.path().join("backup.db"), AtomicBool::new(false));
    let backed_up = thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                ledger.storage.append(append(vec![event("busy", n)])).unwrap();
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let backed_up = ledger.storage.backup(&to);
        done.store(true, Ordering::Relaxed);
        backed_up.unwrap()
    });
    assert!(backed_up.report.entries >= 52);
    let checkpoint = verify::checkpoint(&backed_up.report.checkpoint, &ledger.key).unwrap();
    let backup = SqliteStorage::open_read_only(&to).unwrap();
    assert_eq!(backup.head().unwrap().size, checkpoint.size);
    // The ledger has grown from it.
    assert!(ledger.storage.head().unwrap().size > checkpoint.size);
    let against = Audit { key: Some(ledger.key.clone()), checkpoints: vec![backed_up.report.checkpoint] };
    assert_eq!(audit(&ledger.storage, &against).unwrap().findings, []);
}

#[test]
fn a_backup_is_one_file() {
    let ledger = Ledger::with(5);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup.db");
    let bytes = ledger.storage.backup(&to).unwrap().bytes;
    assert_eq!(std::fs::metadata(&to).unwrap().len(), bytes);
    drop(SqliteStorage::open_read_only(&to).unwrap());
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["backup.db"]);
}

#[test]
fn a_backup_never_takes_the_place_of_another_file() {
    let ledger = Ledger::with(5);
    let to = ledger.folder.path().join("backup.db");
    ledger.storage.backup(&to).unwrap();
    let error = ledger.storage.backup(&to).unwrap_err().to_string();
    assert!(error.contains("exists already"), "{error}");
}

#[test]
fn a_backup_of_a_log_that_was_tampered_with_is_refused() {
    let ledger = Ledger::with(5);
    ledger.forge(3, |leaf| leaf.replace("\"n\":3", "\"n\":4"), false);
    let to = ledger.folder.path().join("backup.db");
    let error = ledger.storage.backup(&to).unwrap_err();
    let Error::Unavailable(why) = &error else { panic!("{error}") };
    assert_eq!(why.cause, FailureCause::Corrupt);
    assert!(error.to_string().contains("entry 3"), "{error}");
    let left = std::fs::read_dir(ledger.folder.path()).unwrap().map(|file| file.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with("backup")));
}
