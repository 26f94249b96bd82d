//! The first start in an empty folder: of one process or of many at once, cut off or not.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Barrier;

use lockgate_ledger::{Error, ExpectedHead, KeyFileError, LogSource as _, SqliteOptions};

use super::loss::{FOLDER, WRITTEN, accept, head, key, killed, ledger, losses, open, refused, report, try_open};

#[test]
fn of_many_that_start_at_once_all_come_up_with_the_same_key() {
    const AT_ONCE: usize = 8;
    for round in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let barrier = Barrier::new(AT_ONCE);
        let opened: Vec<_> = std::thread::scope(|scope| {
            let start = || {
                barrier.wait();
                try_open(folder.path())
            };
            let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let signing = key(folder.path()).load().unwrap().verifying_key().clone();
        for storage in opened {
            let storage = storage.unwrap_or_else(|error| panic!("round {round}: {error}"));
            assert_eq!(storage.head().unwrap().key, signing, "round {round}");
        }
        let unfinished = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name());
        assert_eq!(unfinished.filter(|name| name.to_string_lossy().contains("unfinished")).count(), 0);
    }
}

#[test]
fn of_many_processes_that_start_at_once_all_write_into_the_same_log() {
    const AT_ONCE: u64 = 5;
    for _ in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let start = |_| {
            Command::new(env::current_exe().unwrap())
                .args(["loss::child", "--exact", "--ignored", "--nocapture"])
                .env(FOLDER, folder.path())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let children: Vec<_> = (0..AT_ONCE).map(start).collect();
        for mut child in children {
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let answered = lines.any(|line| line.unwrap().starts_with("answered "));
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(answered, "a process did not come up");
        }
        let storage = open(folder.path());
        assert_eq!(head(&storage).size, 1 + AT_ONCE * WRITTEN);
        assert_eq!(report(&storage).losses, []);
    }
}

#[test]
fn a_key_that_has_signed_a_log_begins_no_other_until_that_is_accepted() {
    let (folder, _) = killed();
    let files = ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-head"];
    let away = tempfile::tempdir().unwrap();
    for name in files {
        fs::copy(folder.path().join(name), away.path().join(name)).unwrap();
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    for _ in 0..2 {
        let loss = refused(folder.path());
        assert_eq!((loss.expected, loss.found), (ExpectedHead::Signed, None));
        for words in ["its key has signed a log", "move the key file away", "accept-loss", "Bring back"] {
            assert!(loss.to_string().contains(words), "{loss}");
        }
        assert!(!ledger(folder.path()).exists());
    }
    let said = accept(folder.path(), "the disk is gone");
    assert_eq!((said.expected, said.found), (None, None));
    let storage = open(folder.path());
    assert_eq!((head(&storage).size, losses(&storage)), (2, vec![(1, said)]));
}

#[test]
fn a_key_that_was_made_beforehand_begins_a_log_and_so_does_one_whose_first_start_was_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    key(folder.path()).create("test.example/ledger").unwrap();
    fs::write(ledger(folder.path()), "").unwrap();
    let storage = open(folder.path());
    assert_eq!(storage.head().unwrap().key, *key(folder.path()).load().unwrap().verifying_key());
}

#[test]
fn a_loss_is_not_accepted_where_there_never_was_a_ledger() {
    let folder = tempfile::tempdir().unwrap();
    key(folder.path()).create("test.example/ledger").unwrap();
    let accepted = key(folder.path()).accept_loss(&ledger(folder.path()), "why", &SqliteOptions::default());
    assert!(matches!(accepted, Err(KeyFileError::Ledger(Error::NotFound(_)))), "{accepted:?}");
    assert!(!ledger(folder.path()).exists());
}

#[test]
fn a_key_after_a_change_of_keys_begins_no_other_log_either() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    key(folder.path()).rotate(&storage).unwrap();
    drop(storage);
    for name in ["ledger.db", "ledger.db-head"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    assert_eq!(refused(folder.path()).expected, ExpectedHead::Signed);
}

#[test]
fn a_ledger_of_which_write_ahead_file_and_head_file_were_removed_is_refused_even_before_its_first_orderly_end() {
    let (folder, _) = killed();
    for name in ["ledger.db-wal", "ledger.db-head"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    let loss = refused(folder.path());
    assert_eq!((loss.expected, loss.found.map(|found| found.size)), (ExpectedHead::Missing, Some(1)));
}
