//! A start that is refused, and whatever only reads, changes nothing on the disk: what is brought back later fits.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lockgate_ledger::{Error, ExpectedHead, FailureCause, KeyFileError, Loss, SqliteStorage, TreeHead};

use super::loss::{head, key, killed, ledger, open, report, try_open, write};

/// The files of a ledger, and what is in them. SQLite makes its index of the write-ahead file anew, and an empty write-ahead
/// file says as much as none.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = ["ledger.db", "ledger.db-wal", "ledger.db-head", "ledger.key"];
    let content =
        |name: &str| fs::read(folder.join(name)).ok().filter(|content| name == "ledger.db" || !content.is_empty());
    names.into_iter().filter_map(|name| Some((name.to_owned(), content(name)?))).collect()
}

/// Opens it to write, and to read and ask for the loss, twice. Gives back how both were refused.
fn refused_unchanged(folder: &Path) -> Vec<Error> {
    let before = files(folder);
    let mut refusals = Vec::new();
    for _ in 0..2 {
        match try_open(folder).map(drop) {
            Err(KeyFileError::Ledger(error)) => refusals.push(error),
            other => panic!("{other:?}"),
        }
        assert!(files(folder) == before, "a refused start changed the files");
        let to_read = SqliteStorage::open_read_only(&ledger(folder)).and_then(|storage| storage.loss());
        assert!(files(folder) == before, "reading changed the files");
        match to_read {
            Err(error) => refusals.push(error),
            Ok(Some(loss)) => refusals.push(Error::Loss(Box::new(loss))),
            Ok(None) => panic!("nothing is lost for who reads"),
        }
    }
    refusals
}

fn losses(refusals: Vec<Error>) -> Vec<Loss> {
    let loss = |error| match error {
        Error::Loss(loss) => *loss,
        other => panic!("{other}"),
    };
    refusals.into_iter().map(loss).collect()
}

#[test]
fn a_write_ahead_file_without_its_database_is_kept_until_that_is_back() {
    for empty in [false, true] {
        for with_head_file in [true, false] {
            let (folder, written) = killed();
            let (file, away) = (ledger(folder.path()), folder.path().join("away"));
            let (head_file, head_away) = (folder.path().join("ledger.db-head"), folder.path().join("head"));
            fs::rename(&file, &away).unwrap();
            if empty {
                fs::write(&file, "").unwrap();
            }
            if !with_head_file {
                fs::rename(&head_file, &head_away).unwrap();
            }
            let expected = if with_head_file { ExpectedHead::Recorded(written) } else { ExpectedHead::Missing };
            for loss in losses(refused_unchanged(folder.path())) {
                assert_eq!((loss.expected, loss.found), (expected, None));
                assert!(loss.to_string().contains("Bring back what is missing"), "{loss}");
            }
            assert_eq!(file.exists(), empty);
            fs::rename(&away, &file).unwrap();
            let _ = fs::rename(&head_away, &head_file);
            let storage = open(folder.path());
            assert_eq!((head(&storage), report(&storage).losses), (written, vec![]));
        }
    }
}

/// A ledger that was closed, with the same key and another history than that of the folder.
fn other_ledger(folder: &Path) -> tempfile::TempDir {
    let other = tempfile::tempdir().unwrap();
    fs::copy(folder.join("ledger.key"), other.path().join("ledger.key")).unwrap();
    let storage = SqliteStorage::open(&ledger(other.path()), key(folder).load().unwrap(), Default::default()).unwrap();
    write(&storage, 300);
    drop(storage);
    other
}

/// That the files do not belong together: a loss, or that the database cannot be read, with the ways out.
fn do_not_fit(refusals: Vec<Error>) {
    for refusal in refusals {
        let said = refusal.to_string();
        match refusal {
            Error::Loss(_) => {}
            Error::Unavailable(why) if why.cause == FailureCause::Corrupt => {
                for word in ["ledger.db` and `", "ledger.db-wal` do not belong together", "accept-loss", "Bring back"] {
                    assert!(said.contains(word), "{said}");
                }
            }
            other => panic!("{other}"),
        }
    }
}

/// A copy of a ledger in use, after that many entries that are in its database and some that are in its write-ahead file.
fn in_use(entries: u64) -> (tempfile::TempDir, TreeHead) {
    let folder = tempfile::tempdir().unwrap();
    write(&open(folder.path()), entries);
    let storage = open(folder.path());
    write(&storage, 20);
    let copy = tempfile::tempdir().unwrap();
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-head", "ledger.key"] {
        fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    (copy, head(&storage))
}

#[test]
fn the_database_of_another_ledger_does_not_take_in_a_write_ahead_file() {
    let (folder, written) = in_use(300);
    let (file, away) = (ledger(folder.path()), folder.path().join("away"));
    let other = other_ledger(folder.path());
    fs::rename(&file, &away).unwrap();
    fs::copy(ledger(other.path()), &file).unwrap();
    do_not_fit(refused_unchanged(folder.path()));
    fs::rename(&away, &file).unwrap();
    let storage = open(folder.path());
    assert_eq!((head(&storage), report(&storage).losses), (written, vec![]));
}

#[test]
fn a_complete_database_does_not_take_in_a_write_ahead_file_of_before() {
    let (folder, _) = killed();
    let (wal, stale) = (folder.path().join("ledger.db-wal"), folder.path().join("stale"));
    fs::copy(&wal, &stale).unwrap();
    let storage = open(folder.path());
    write(&storage, 400);
    let written = head(&storage);
    drop(storage);
    fs::copy(&stale, &wal).unwrap();
    do_not_fit(refused_unchanged(folder.path()));
    fs::remove_file(&wal).unwrap();
    let storage = open(folder.path());
    assert_eq!((head(&storage), report(&storage).losses), (written, vec![]));
}

#[test]
fn a_backup_does_not_take_in_the_write_ahead_file_that_was_left_beside_it() {
    let (folder, written) = in_use(300);
    let older = tempfile::tempdir().unwrap();
    let storage = open(older.path());
    write(&storage, 200);
    let backup = folder.path().join("backup.db");
    storage.backup(&backup).unwrap();
    let (file, away) = (ledger(folder.path()), folder.path().join("away"));
    fs::rename(&file, &away).unwrap();
    fs::rename(&backup, &file).unwrap();
    do_not_fit(refused_unchanged(folder.path()));
    fs::rename(&away, &file).unwrap();
    let storage = open(folder.path());
    assert_eq!((head(&storage), report(&storage).losses), (written, vec![]));
}
