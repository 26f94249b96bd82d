//! A ledger notices that a part of it is gone, is not written to until that is back or accepted, and says in the log what
//! was lost.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lockgate_domain::Digest;
use lockgate_ledger::audit::{Audit, AuditReport, SystemEntry, audit};
use lockgate_ledger::{
    Append, EntryQuery, Error, ExpectedHead, FailureCause, IdempotentRequest, KeyFile, KeyFileError, LogSource as _,
    Loss, LossAccepted, SqliteOptions, SqliteStorage, Storage as _, TreeHead,
};

use super::support::{NAME, append, event, healthy_again};

pub(crate) const FOLDER: &str = "LOCKGATE_LOSS_FOLDER";
/// How many entries the child writes, after the one that names the key.
pub(crate) const WRITTEN: u64 = 60;

pub(crate) fn ledger(folder: &Path) -> PathBuf {
    folder.join("ledger.db")
}

pub(crate) fn key(folder: &Path) -> KeyFile {
    KeyFile::new(folder.join("ledger.key"))
}

pub(crate) fn try_open(folder: &Path) -> Result<SqliteStorage, KeyFileError> {
    key(folder).open(&ledger(folder), NAME, SqliteOptions::default())
}

pub(crate) fn open(folder: &Path) -> SqliteStorage {
    try_open(folder).unwrap()
}

/// Opens a ledger that has lost something.
pub(crate) fn refused(folder: &Path) -> Loss {
    match try_open(folder).map(drop) {
        Err(KeyFileError::Ledger(Error::Loss(loss))) => *loss,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn accept(folder: &Path, reason: &str) -> LossAccepted {
    key(folder).accept_loss(&ledger(folder), reason, &SqliteOptions::default()).unwrap()
}

pub(crate) fn write(storage: &SqliteStorage, events: u64) {
    for n in 1..=events {
        storage.append(append(vec![event("a", n)])).unwrap();
    }
}

pub(crate) fn head(storage: &SqliteStorage) -> TreeHead {
    storage.head().unwrap().tree()
}

pub(crate) fn report(storage: &SqliteStorage) -> AuditReport {
    let report = audit(storage, &Audit { key: Some(storage.head().unwrap().key), ..Audit::default() }).unwrap();
    assert_eq!(report.findings, []);
    report
}

/// What the log says was lost, with the place of the entry that says it.
pub(crate) fn losses(storage: &SqliteStorage) -> Vec<(u64, LossAccepted)> {
    report(storage).losses.into_iter().map(|entry| (entry.index, entry.body)).collect()
}

/// The size that the head file says.
pub(crate) fn recorded(folder: &Path) -> u64 {
    let record = fs::read_to_string(folder.join("ledger.db-head")).unwrap();
    record.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Writes, says that it was answered, and waits to be killed.
#[test]
#[ignore = "other tests start it, and kill it"]
fn child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let storage = open(folder.as_ref());
    write(&storage, WRITTEN);
    println!("\nanswered {}", head(&storage).root);
    loop {
        std::thread::park();
    }
}

/// A folder with a ledger whose process was killed, so that what it wrote stands in the write-ahead file.
pub(crate) fn killed() -> (tempfile::TempDir, TreeHead) {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["loss::child", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let root = lines.find_map(|line| line.unwrap().strip_prefix("answered ").map(str::to_owned)).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    (folder, TreeHead { size: WRITTEN + 1, root: root.parse().unwrap() })
}

#[test]
fn a_ledger_whose_write_ahead_file_was_removed_is_refused_until_the_file_is_back() {
    let (folder, written) = killed();
    let (wal, away) = (folder.path().join("ledger.db-wal"), folder.path().join("away"));
    fs::rename(&wal, &away).unwrap();
    let loss = refused(folder.path());
    assert_eq!(loss.expected, ExpectedHead::Recorded(written));
    assert!(loss.found.is_none_or(|found| found.size < written.size), "{loss}");
    let said = loss.to_string();
    assert!(said.contains(&format!("61 entries with the root {}", written.root)), "{said}");
    let read_only = SqliteStorage::open_read_only(&ledger(folder.path())).unwrap();
    assert_eq!(read_only.loss().unwrap(), Some(loss));
    drop(read_only);
    assert!(said.contains("`ledger.db-wal`") && said.contains("`lockgate ledger accept-loss"), "{said}");
    fs::rename(&away, &wal).unwrap();
    let storage = open(folder.path());
    assert_eq!(head(&storage), written);
    storage.append(append(vec![event("a", WRITTEN + 1)])).unwrap();
    assert_eq!(report(&storage).losses, []);
}

#[test]
fn a_loss_that_is_accepted_stands_in_the_log_and_the_ledger_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    write(&storage, 2);
    drop(storage);
    let older = fs::read(ledger(folder.path())).unwrap();
    let storage = open(folder.path());
    let before = head(&storage);
    write(&storage, 3);
    let written = head(&storage);
    drop(storage);
    fs::write(ledger(folder.path()), older).unwrap();
    assert_eq!(refused(folder.path()).found, Some(before));

    for reason in ["", " \t ", "two\nlines", &"x".repeat(1001)] {
        let refused = key(folder.path()).accept_loss(&ledger(folder.path()), reason, &SqliteOptions::default());
        assert!(matches!(refused, Err(KeyFileError::Ledger(Error::Invalid(_)))), "{refused:?}");
        assert!(refused.unwrap_err().to_string().len() < 200);
    }
    let reason = "the disk of the old machine is gone";
    let accepted = accept(folder.path(), reason);
    let said = LossAccepted { expected: Some(written), found: Some(before), reason: reason.to_owned() };
    assert_eq!(accepted, said);
    let storage = open(folder.path());
    assert_eq!((losses(&storage), recorded(folder.path())), (vec![(before.size, said)], before.size + 1));
    write(&storage, 1);
    drop(storage);
    let again = key(folder.path()).accept_loss(&ledger(folder.path()), reason, &SqliteOptions::default());
    assert!(matches!(again, Err(KeyFileError::Ledger(Error::NothingLost(head))) if head.size == before.size + 2));
    assert_eq!(report(&open(folder.path())).losses.len(), 1);
}

#[test]
fn a_ledger_that_is_gone_is_not_made_anew_until_that_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    write(&storage, 2);
    let written = head(&storage);
    drop(storage);
    fs::remove_file(ledger(folder.path())).unwrap();
    let loss = refused(folder.path());
    assert_eq!((loss.expected, loss.found), (ExpectedHead::Recorded(written), None));
    assert!(loss.to_string().starts_with("nothing is left of the ledger `"), "{loss}");
    assert!(!ledger(folder.path()).exists());
    // Nor is a new key made for it, if that is gone as well.
    let (file, away) = (folder.path().join("ledger.key"), folder.path().join("away"));
    fs::rename(&file, &away).unwrap();
    refused(folder.path());
    assert!(!file.exists());
    fs::rename(&away, &file).unwrap();

    let said = accept(folder.path(), "it begins anew");
    assert_eq!((said.expected, said.found), (Some(written), None));
    let storage = open(folder.path());
    assert_eq!((head(&storage).size, losses(&storage)), (2, vec![(1, said)]));
}

#[test]
fn a_ledger_that_was_emptied_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(&open(folder.path()), 2);
    fs::write(ledger(folder.path()), "").unwrap();
    let loss = refused(folder.path());
    assert_eq!(loss.found, None);
    assert_eq!(fs::metadata(ledger(folder.path())).unwrap().len(), 0);
}

#[test]
fn a_ledger_with_another_history_is_refused_with_both_roots() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    write(&storage, 2);
    let written = head(&storage);
    drop(storage);
    let other = tempfile::tempdir().unwrap();
    let signing = key(folder.path()).load().unwrap();
    let storage = SqliteStorage::open(&ledger(other.path()), signing, SqliteOptions::default()).unwrap();
    write(&storage, 1);
    storage.append(append(vec![event("b", 7)])).unwrap();
    let root = head(&storage).root;
    write(&storage, 5);
    let found = head(&storage);
    drop(storage);
    fs::copy(ledger(other.path()), ledger(folder.path())).unwrap();
    let loss = refused(folder.path());
    assert_eq!((loss.expected, loss.found), (ExpectedHead::Recorded(written), Some(found)));
    assert_eq!(loss.root, Some(root));
    let said = loss.to_string();
    assert!(said.contains(&written.root.to_string()) && said.contains(&root.to_string()), "{said}");
}

#[test]
fn a_ledger_whose_head_file_is_missing_or_damaged_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(&open(folder.path()), 3);
    let file = folder.path().join("ledger.db-head");
    let record = fs::read_to_string(&file).unwrap();
    for (content, expected) in [
        (None, ExpectedHead::Missing),
        (Some(String::new()), ExpectedHead::Missing),
        (Some(record.replace("4 ", "3 ")), ExpectedHead::Unreadable),
        (Some(record[..100].to_owned()), ExpectedHead::Unreadable),
    ] {
        fs::remove_file(&file).unwrap();
        if let Some(content) = &content {
            fs::write(&file, content).unwrap();
        }
        assert_eq!(refused(folder.path()).expected, expected, "{content:?}");
        assert_eq!(
            SqliteStorage::open_read_only(&ledger(folder.path())).unwrap().loss().unwrap().unwrap().expected,
            expected
        );
        fs::write(&file, &record).unwrap();
    }
    fs::write(&file, "nonsense").unwrap();
    let said = accept(folder.path(), "somebody wrote into it");
    assert_eq!((said.expected, said.found.map(|found| found.size)), (None, Some(4)));
    assert_eq!(report(&open(folder.path())).losses.len(), 1);
    assert_eq!(fs::read_to_string(&file).unwrap().len(), record.len());
}

#[test]
fn a_head_file_that_lags_behind_is_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db-head");
    let storage = open(folder.path());
    write(&storage, 1);
    let record = fs::read(&file).unwrap();
    write(&storage, 4);
    drop(storage);
    fs::write(&file, record).unwrap();
    let storage = open(folder.path());
    assert_eq!((head(&storage).size, recorded(folder.path())), (6, 6));
    assert_eq!(storage.loss().unwrap(), None);
}

#[test]
fn the_head_file_says_what_the_last_process_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (open(folder.path()), open(folder.path()));
    for n in 1..=5 {
        one.append(append(vec![event("a", n)])).unwrap();
        assert_eq!(recorded(folder.path()), 2 * n);
        other.append(append(vec![event("b", n)])).unwrap();
        assert_eq!(recorded(folder.path()), 2 * n + 1);
    }
    assert_eq!(mode(&folder.path().join("ledger.db-head")), 0o600);
}

fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
}

#[test]
fn a_file_that_takes_the_place_of_a_ledger_in_use_is_not_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    write(&storage, 2);
    let backup = folder.path().join("backup.db");
    storage.backup(&backup).unwrap();
    write(&storage, 2);
    let written = head(&storage);
    // The whole ledger moves away, and the backup comes.
    let away = folder.path().join("away");
    fs::create_dir(&away).unwrap();
    let files = ["ledger.db", "ledger.db-wal", "ledger.db-shm"];
    for name in files {
        fs::rename(folder.path().join(name), away.join(name)).unwrap();
    }
    fs::copy(&backup, ledger(folder.path())).unwrap();
    for _ in 0..2 {
        let outcome = storage.append(append(vec![event("a", 9)]));
        let Err(Error::Loss(loss)) = outcome else { panic!("{outcome:?}") };
        assert_eq!((loss.expected, loss.found.unwrap().size), (ExpectedHead::Recorded(written), 3));
        assert!(loss.to_string().contains("is a backup of 2"), "{loss}");
        assert_eq!(storage.health().failing.unwrap().1.cause, FailureCause::Loss);
    }
    let copy = SqliteStorage::open_read_only(&ledger(folder.path())).unwrap();
    assert_eq!(head(&copy).size, 3);
    drop(copy);
    // The ledger is put back: it goes on by itself.
    for name in ["ledger.db-wal", "ledger.db-shm"] {
        let _ = fs::remove_file(folder.path().join(name));
    }
    for name in files {
        let _ = fs::rename(away.join(name), folder.path().join(name));
    }
    healthy_again(&storage);
    storage.append(append(vec![event("a", 5)])).unwrap();
    assert_eq!((head(&storage).size, report(&storage).losses), (6, vec![]));
}

#[test]
fn no_smaller_size_is_signed_after_head_file_and_ledger_were_exchanged_for_older_ones() {
    let folder = tempfile::tempdir().unwrap();
    write(&open(folder.path()), 2);
    let older = tempfile::tempdir().unwrap();
    let names = ["ledger.db", "ledger.db-head"];
    for name in names {
        fs::copy(folder.path().join(name), older.path().join(name)).unwrap();
    }
    let storage = open(folder.path());
    write(&storage, 2);
    let written = head(&storage);
    for name in ["ledger.db-wal", "ledger.db-shm"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    for name in names {
        fs::rename(older.path().join(name), folder.path().join(name)).unwrap();
    }
    let outcome = storage.append(append(vec![event("a", 9)]));
    // Nothing but this process knows that there was more.
    let Err(Error::Loss(loss)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((loss.expected, loss.found.unwrap().size), (ExpectedHead::Known(written), 3));
    assert_eq!(SqliteStorage::open_read_only(&ledger(folder.path())).unwrap().head().unwrap().size, 3);
}

#[test]
fn a_ledger_that_is_cut_off_in_use_is_not_written_to() {
    let folder = tempfile::tempdir().unwrap();
    write(&open(folder.path()), 2);
    let storage = open(folder.path());
    write(&storage, 2);
    for name in ["ledger.db", "ledger.db-wal"] {
        fs::OpenOptions::new().write(true).open(folder.path().join(name)).unwrap().set_len(0).unwrap();
    }
    for _ in 0..3 {
        let outcome = storage.append(append(vec![event("a", 9)]));
        assert!(matches!(outcome, Err(Error::Loss(_) | Error::Unavailable(_))), "{outcome:?}");
        assert!(storage.health().failing.is_some());
    }
    drop(storage);
    assert_eq!(refused(folder.path()).found, None);
}

/// Waits until the ledger says that it is not well, although nobody writes.
fn unhealthy(storage: &SqliteStorage) -> FailureCause {
    for _ in 0..2000 {
        if let Some((_, why)) = storage.health().failing {
            return why.cause;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it says that it is well");
}

#[test]
fn a_ledger_that_cannot_be_read_is_not_well_until_it_can() {
    for zeroed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        write(&open(folder.path()), 2);
        let storage = open(folder.path());
        write(&storage, 4);
        let wal = folder.path().join("ledger.db-wal");
        let content = fs::read(&wal).unwrap();
        let zeros = if zeroed { vec![0; content.len()] } else { Vec::new() };
        fs::write(&wal, zeros).unwrap();
        assert!(storage.entries(&EntryQuery { limit: 100, ..EntryQuery::default() }).is_err());
        let cause = unhealthy(&storage);
        assert!(matches!(cause, FailureCause::Corrupt | FailureCause::Io | FailureCause::Loss), "{cause:?}");
        // It is tried again, and is no better.
        std::thread::sleep(std::time::Duration::from_millis(1200));
        assert!(storage.health().failing.is_some());
        fs::write(&wal, content).unwrap();
        healthy_again(&storage);
        storage.append(append(vec![event("a", 7)])).unwrap();
        assert_eq!((head(&storage).size, report(&storage).losses), (8, vec![]));
    }
}

#[test]
fn a_write_ahead_file_that_is_removed_under_a_ledger_in_use_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    write(&storage, 4);
    // A connection that reads is open as well.
    assert_eq!(head(&storage).size, 5);
    fs::remove_file(folder.path().join("ledger.db-wal")).unwrap();
    storage.append(append(vec![event("a", 5)])).unwrap();
    assert_eq!(storage.version("a").unwrap(), 5);
    drop(storage);
    let storage = open(folder.path());
    assert_eq!((head(&storage).size, report(&storage).entries), (6, 6));
}

/// An append whose answer can be asked for again.
fn request(n: u64) -> Append {
    let request = IdempotentRequest {
        scope: "s".to_owned(),
        key: format!("k{n}"),
        digest: Digest::of(b"request"),
        answer: vec![1],
    };
    Append { request: Some(request), ..append(vec![event("a", n)]) }
}

#[test]
fn nothing_is_answered_that_the_head_file_does_not_know_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db-head");
    let storage = open(folder.path());
    write(&storage, 1);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    for n in 2..=5 {
        let outcome = storage.append(request(n));
        let Err(Error::Unavailable(why)) = outcome else { panic!("{outcome:?}") };
        assert!(why.cause == FailureCause::Io && why.message.contains("ledger.db-head"), "{why}");
        assert!(why.message.contains("idempotency key"), "{why}");
        assert!(storage.health().failing.is_some());
    }
    // Only the first was written: from then on it was known.
    let reader = rusqlite::Connection::open(ledger(folder.path())).unwrap();
    let size: i64 = reader.query_row("SELECT size FROM log", [], |row| row.get(0)).unwrap();
    assert_eq!(size, 3);
    drop(reader);
    fs::remove_dir(&file).unwrap();
    healthy_again(&storage);
    assert_eq!(recorded(folder.path()), 3);
    let again = storage.append(request(2)).unwrap();
    assert!(again.repeat.is_some());
    assert!(storage.append(request(3)).unwrap().repeat.is_none());
    drop(storage);
    assert_eq!(head(&open(folder.path())).size, 4);
}

#[test]
fn a_head_file_whose_lock_somebody_keeps_is_read_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    write(&open(folder.path()), 2);
    let kept = fs::File::open(folder.path().join("ledger.db-head")).unwrap();
    kept.lock().unwrap();
    let storage = SqliteStorage::open_read_only(&ledger(folder.path())).unwrap();
    assert_eq!((storage.recorded().unwrap().unwrap().size, storage.loss().unwrap()), (3, None));
}

#[test]
fn a_backup_in_a_folder_of_its_own_begins_with_an_entry_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    write(&storage, 3);
    let (found, restored) = (head(&storage), tempfile::tempdir().unwrap());
    storage.backup(&ledger(restored.path())).unwrap();
    fs::copy(folder.path().join("ledger.key"), restored.path().join("ledger.key")).unwrap();
    let backup = SqliteStorage::open_read_only(&ledger(restored.path())).unwrap();
    assert_eq!((backup.loss().unwrap(), report(&backup).restores), (None, vec![]));
    drop(backup);
    for _ in 0..2 {
        let storage = open(restored.path());
        let restores = report(&storage).restores;
        let [SystemEntry { index: 4, at, body }] = restores.as_slice() else { panic!("{restores:?}") };
        assert!(body.backed_up <= *at);
        assert_eq!((body.found, recorded(restored.path())), (found, 5));
    }
}

#[test]
fn a_backup_in_the_place_of_a_newer_ledger_is_refused_until_the_loss_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    write(&storage, 3);
    let backup = folder.path().join("backup.db");
    storage.backup(&backup).unwrap();
    write(&storage, 4);
    let written = head(&storage);
    drop(storage);
    fs::rename(&backup, ledger(folder.path())).unwrap();
    let loss = refused(folder.path());
    assert!(loss.to_string().contains("is a backup of 2"), "{loss}");
    let said = accept(folder.path(), "the disk failed");
    assert_eq!((said.expected, said.found.map(|found| found.size)), (Some(written), Some(4)));
    let storage = open(folder.path());
    assert_eq!((losses(&storage), report(&storage).restores.len(), head(&storage).size), (vec![(4, said)], 1, 6));
}

#[test]
fn a_backup_that_holds_all_of_the_ledger_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    write(&storage, 3);
    let backup = folder.path().join("backup.db");
    storage.backup(&backup).unwrap();
    drop(storage);
    fs::rename(&backup, ledger(folder.path())).unwrap();
    let report = report(&open(folder.path()));
    assert_eq!((report.losses, report.restores.len()), (vec![], 1));
}

#[test]
fn a_folder_that_was_moved_goes_on() {
    let above = tempfile::tempdir().unwrap();
    let (here, there) = (above.path().join("here"), above.path().join("there"));
    fs::create_dir(&here).unwrap();
    write(&open(&here), 3);
    fs::rename(&here, &there).unwrap();
    let storage = open(&there);
    write(&storage, 1);
    assert_eq!((head(&storage).size, recorded(&there)), (5, 5));
    let report = report(&storage);
    assert_eq!((report.losses, report.restores), (vec![], vec![]));
}
