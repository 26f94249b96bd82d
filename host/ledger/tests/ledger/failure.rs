//! A disk that is full, a file that may not be written, somebody else who holds it: nothing is answered that is not on
//! the disk, the ledger says that it is not well, and is again when it can be.

use std::env;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lockgate_ledger::audit::audit;
use lockgate_ledger::note::SigningKey;
use lockgate_ledger::{Error, FailureCause, KeyFile, SqliteOptions, SqliteStorage, Storage, StorageFailure};
use rusqlite::Connection;

use super::support::{Ledger, NAME, append, event, evidence, healthy_again, incompressible};

const FOLDER: &str = "LOCKGATE_FULL_FOLDER";

fn open(folder: &Path) -> SqliteStorage {
    let options = SqliteOptions { busy: Duration::from_millis(300), ..SqliteOptions::default() };
    KeyFile::new(folder.join("ledger.key")).open(&folder.join("ledger.db"), NAME, options).unwrap()
}

/// Appends until it fails. How many were answered, and why no more.
fn fill(storage: &dyn Storage) -> (u64, StorageFailure) {
    for n in 1.. {
        match storage.append(evidence(n, &incompressible(n, 20_000))) {
            Ok(_) => {}
            Err(Error::Unavailable(why)) => return (n - 1, why),
            Err(other) => panic!("{other}"),
        }
        assert!(n < 10_000, "it never becomes full");
    }
    unreachable!()
}

fn holds_exactly(storage: &dyn Storage, events: u64) {
    assert_eq!(storage.version("a").unwrap(), events);
    assert_eq!(audit(storage, &Default::default()).unwrap().findings, []);
}

/// A small file system of its own.
struct Small(tempfile::TempDir);

/// The environment variable that says that a test runs in a namespace of its own, in which it may mount.
const MAY_MOUNT: &str = "LOCKGATE_TEST_MAY_MOUNT";

impl Small {
    /// Mounts it. Only root may do that, or the root of a namespace: so others run the test, which is the one of that name, again
    /// in such a namespace, and have nothing left to do.
    fn mount(size: &str, test: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        assert!(env::var_os(MAY_MOUNT).is_none(), "it may not mount in its own namespace either");
        let namespace = ["--map-root-user", "--mount"];
        if !Command::new("unshare").args(namespace).arg("true").status().is_ok_and(|status| status.success()) {
            lockgate_repeat::skipped("it takes root, or namespaces of users (`unshare --map-root-user --mount`)");
            return None;
        }
        let mut again = Command::new("unshare");
        again.args(namespace).arg(env::current_exe().unwrap()).args([test, "--exact", "--nocapture"]);
        assert!(again.env(MAY_MOUNT, "1").status().unwrap().success());
        None
    }

    fn remount(&self, how: &str) {
        let status = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(self.0.path()).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.0.path()).status());
    }
}

#[test]
fn a_full_disk_is_said_and_when_there_is_room_again_it_goes_on() {
    let here = "failure::a_full_disk_is_said_and_when_there_is_room_again_it_goes_on";
    let Some(disk) = Small::mount("4m", here) else { return };
    let folder = disk.0.path();
    let filler = folder.join("filler");
    std::fs::write(&filler, vec![0; 1 << 20]).unwrap();
    let storage = open(folder);
    let (answered, why) = fill(&storage);
    assert_eq!(why.cause, FailureCause::DiskFull);
    assert!(answered > 20, "{answered}");
    let (_, failing) = storage.health().failing.unwrap();
    assert_eq!(failing.cause, FailureCause::DiskFull);
    // Reading goes on, and shows what was answered and nothing else.
    holds_exactly(&storage, answered);
    std::thread::sleep(Duration::from_millis(1200));
    assert!(storage.health().failing.is_some(), "it has tried again by now, and there is no more room than before");
    std::fs::remove_file(&filler).unwrap();
    healthy_again(&storage);
    storage.append(append(vec![event("a", answered + 1)])).unwrap();
    holds_exactly(&storage, answered + 1);
    drop(storage);
    holds_exactly(&open(folder), answered + 1);
}

#[test]
fn a_file_system_that_may_not_be_written_is_said() {
    let Some(disk) = Small::mount("4m", "failure::a_file_system_that_may_not_be_written_is_said") else { return };
    let folder = disk.0.path();
    open(folder).append(append(vec![event("a", 1)])).unwrap();
    disk.remount("ro");
    let key = KeyFile::new(folder.join("ledger.key")).load().unwrap();
    let error = SqliteStorage::open(&folder.join("ledger.db"), key, SqliteOptions::default()).err().unwrap();
    let Error::Unavailable(why) = &error else { panic!("{error}") };
    assert!(matches!(why.cause, FailureCause::ReadOnly | FailureCause::Io), "{why}");
    disk.remount("rw");
    holds_exactly(&open(folder), 1);
}

/// Fills a ledger in a process whose files may not grow beyond a size.
#[test]
#[ignore = "the other test starts it, with a limit"]
fn child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let storage = open(folder.as_ref());
    let (answered, why) = fill(&storage);
    let failing = storage.health().failing.is_some();
    let line = format!("\nanswered {answered} {} {failing}\n", why.cause.as_str());
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    // Without giving it the chance to put anything in order.
    std::process::abort();
}

#[test]
fn a_file_that_cannot_grow_loses_nothing_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -c 0; ulimit -f 3000; exec \"$@\"", "sh"])
        .arg(env::current_exe().unwrap())
        .args(["failure::child", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said.lines().find(|line| line.starts_with("answered ")).unwrap_or_else(|| panic!("{said}"));
    let words: Vec<&str> = line.split(' ').collect();
    let answered: u64 = words[1].parse().unwrap();
    assert!(answered > 20, "{answered}");
    assert_eq!(words[2..], ["io-error", "true"]);
    let storage = open(folder.path());
    holds_exactly(&storage, answered);
    storage.append(append(vec![event("a", answered + 1)])).unwrap();
}

#[test]
fn a_file_that_somebody_else_holds_is_waited_for_and_then_said() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    storage.append(append(vec![event("a", 1)])).unwrap();
    let other = Connection::open(folder.path().join("ledger.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    let outcome = storage.append(append(vec![event("a", 2)]));
    assert!(matches!(&outcome, Err(Error::Unavailable(why)) if why.cause == FailureCause::Busy), "{outcome:?}");
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(storage.health().failing.unwrap().1.cause, FailureCause::Busy);
    // Nobody who reads has to wait.
    holds_exactly(&storage, 1);
    other.execute_batch("ROLLBACK").unwrap();
    healthy_again(&storage);
    storage.append(append(vec![event("a", 2)])).unwrap();
    holds_exactly(&storage, 2);
}

#[test]
fn a_file_that_was_taken_away_is_not_made_anew() {
    let ledger = Ledger::with(2);
    let other = Connection::open(ledger.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let away = ledger.folder.path().join("away");
    std::fs::rename(ledger.path(), &away).unwrap();
    drop(ledger.storage.append(append(vec![event("a", 3)])));
    let outcome = ledger.storage.append(append(vec![event("a", 3)]));
    assert!(matches!(&outcome, Err(Error::Loss(loss)) if loss.found.is_none()), "{outcome:?}");
    assert!(!ledger.path().exists());
}

#[test]
fn a_folder_that_is_away_for_a_while_is_said_and_when_it_is_back_everything_goes_on() {
    let above = tempfile::tempdir().unwrap();
    let (here, away) = (above.path().join("here"), above.path().join("away"));
    std::fs::create_dir(&here).unwrap();
    let storage = open(&here);
    for n in 1..=3 {
        storage.append(evidence(n, &incompressible(7, 100_000))).unwrap();
        assert_eq!(storage.version("a").unwrap(), n);
    }
    for away_in_all in 0..3 {
        std::fs::rename(&here, &away).unwrap();
        let outcome = storage.append(append(vec![event("a", 9)]));
        assert!(matches!(&outcome, Err(Error::Unavailable(why)) if why.cause == FailureCause::Io), "{outcome:?}");
        assert_eq!(storage.health().failing.unwrap().1.cause, FailureCause::Io);
        assert!(storage.versions(&["a"]).is_err());
        std::fs::rename(&away, &here).unwrap();
        healthy_again(&storage);
        holds_exactly(&storage, 3 + away_in_all);
        storage.append(append(vec![event("a", 4 + away_in_all)])).unwrap();
    }
    // The write-ahead file is emptied as before.
    let wal = here.join("ledger.db-wal");
    let begun = std::fs::read(&wal).unwrap()[12..16].to_vec();
    for n in 7.. {
        storage.append(evidence(n, &incompressible(n, 256 << 10))).unwrap();
        if std::fs::read(&wal).unwrap()[12..16] != begun {
            break;
        }
        assert!(n < 4000, "it never begins anew");
    }
    // While it is away and nobody writes, nothing happens.
    std::fs::rename(&here, &away).unwrap();
    std::fs::rename(&away, &here).unwrap();
    storage.append(append(vec![event("b", 1)])).unwrap();
    drop(storage);
    assert_eq!(open(&here).version("b").unwrap(), 1);
}

#[test]
fn what_is_no_ledger_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path| {
        let key = SigningKey::generate(NAME).unwrap();
        let error = SqliteStorage::open(path, key, SqliteOptions::default()).err().unwrap();
        let Error::Unavailable(why) = error else { panic!("{error}") };
        why.cause
    };
    let text = folder.path().join("text");
    std::fs::write(&text, "this is a text, and has more than the hundred bytes of the header ".repeat(100)).unwrap();
    assert_eq!(open(&text), FailureCause::Corrupt);
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE mine (a)").unwrap();
    assert_eq!(open(&other), FailureCause::Corrupt);
    assert_eq!(open(&folder.path().join("no/such/folder/ledger.db")), FailureCause::Io);
    assert!(matches!(SqliteStorage::open_read_only(&folder.path().join("none.db")), Err(Error::Unavailable(_))));
}

#[test]
fn what_was_opened_to_read_only_takes_nothing() {
    let ledger = Ledger::with(2);
    let reader = SqliteStorage::open_read_only(&ledger.path()).unwrap();
    let outcome = reader.append(append(vec![event("a", 3)]));
    assert!(matches!(&outcome, Err(Error::Unavailable(why)) if why.cause == FailureCause::ReadOnly), "{outcome:?}");
    // It sees what the other writes.
    ledger.append(vec![event("a", 3)]);
    assert_eq!(reader.version("a").unwrap(), 2);
}
