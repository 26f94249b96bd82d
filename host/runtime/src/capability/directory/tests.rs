//! Real directories, with everything in them that a file system can hold.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::message::{DirectoryEntry, EntryKind};
use super::*;
use DirectoryError::{Missing, Outside, TooLarge, Unreadable, WrongKind};
use EntryKind::{Directory, File, Other};
use lockgate_repeat::Repeat;

/// A directory with a sibling that was not granted: `granted` and `secret` in one temporary place.
struct TestDirectory {
    place: TempDir,
    file_size: u64,
    entries: usize,
}

impl TestDirectory {
    fn out() -> Self {
        let place = TempDir::new().unwrap();
        fs::create_dir(place.path().join("granted")).unwrap();
        fs::create_dir(place.path().join("secret")).unwrap();
        fs::write(place.path().join("secret/key"), "s3cr3t").unwrap();
        Self { place, file_size: 64, entries: 8 }
    }

    fn granted(&self) -> PathBuf {
        self.place.path().join("granted")
    }

    fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.granted().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn link(self, path: &str, to: impl AsRef<Path>) -> Self {
        symlink(to, self.granted().join(path)).unwrap();
        self
    }

    fn pipe(self, path: &str) -> Self {
        mknodat(CWD, self.granted().join(path), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        self
    }

    fn open(&self) -> DirectoryCapability {
        let grant = DirectoryGrant { path: self.granted(), file_size: self.file_size, entries: self.entries };
        DirectoryCapability::open_all(&BTreeMap::from([("catalog".to_owned(), grant)])).unwrap()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        read(&self.open(), path)
    }

    /// The names that are there, with what is there and how large it is.
    fn list(&self, path: &str) -> Result<Vec<(String, EntryKind, u64)>, DirectoryError> {
        let listing = self.open().entries(&place(path))?;
        assert_eq!(listing.unnamed, 0);
        Ok(listing.entries.into_iter().map(|entry| (entry.name, entry.kind, entry.size)).collect())
    }
}

fn place(path: &str) -> DirectoryPath {
    DirectoryPath { directory: "catalog".to_owned(), path: path.to_owned() }
}

fn read(directories: &DirectoryCapability, path: &str) -> Result<Vec<u8>, DirectoryError> {
    directories.read(&place(path)).map(|content| content.0)
}

fn listed(entries: &[(&str, EntryKind, u64)]) -> Vec<(String, EntryKind, u64)> {
    entries.iter().map(|(name, kind, size)| ((*name).to_owned(), *kind, *size)).collect()
}

/// What is worked out in another thread, unless that waits for something that never comes.
fn at_once<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("it blocks"))
}

#[test]
fn files_are_read_and_directories_are_listed_by_the_bytes_of_their_names() {
    let laid = TestDirectory::out().file("b.json", "{}").file("a/deep/file", [0xff, 0x00]).file("B", "").file("é", "x");
    assert_eq!(laid.read("b.json"), Ok(b"{}".to_vec()));
    assert_eq!(laid.read("a/deep/file"), Ok(vec![0xff, 0x00]));
    assert_eq!(laid.read("B"), Ok(Vec::new()));
    assert_eq!(laid.list(""), Ok(listed(&[("B", File, 0), ("a", Directory, 0), ("b.json", File, 2), ("é", File, 1)])));
    assert_eq!(laid.list("a/deep"), Ok(listed(&[("file", File, 2)])));
}

#[test]
fn what_is_not_granted_by_name_is_not_there() {
    let directories = TestDirectory::out().open();
    let elsewhere = DirectoryPath { directory: "secret".to_owned(), path: "key".to_owned() };
    assert_eq!(directories.names(), ["catalog"]);
    assert_eq!(directories.read(&elsewhere), Err(DirectoryError::NotGranted("secret".to_owned())));
    assert_eq!(directories.entries(&elsewhere), Err(DirectoryError::NotGranted("secret".to_owned())));
}

#[test]
fn no_path_leads_out() {
    let laid = TestDirectory::out().file("a/b", "");
    for path in ["../secret/key", "a/../../secret/key", "/etc/passwd", "a//b", "./a", "a\\b", "a\0b"] {
        let DirectoryError::InvalidPath(_) = laid.read(path).unwrap_err() else { panic!("`{path}` was looked at") };
        assert_eq!(laid.list(path).unwrap_err(), laid.read(path).unwrap_err());
    }
}

#[test]
fn a_link_is_read_where_it_leads_and_no_further_than_the_directory() {
    let laid = TestDirectory::out()
        .file("real/file", "inside")
        .link("here", "real/file")
        .link("real/up-and-down", "../real/file")
        .link("folder", "real")
        .link("out", "../secret/key")
        .link("folder-out", "../secret")
        .link("absolute", "/etc/passwd")
        .link("root", "/");
    assert_eq!(laid.read("here"), Ok(b"inside".to_vec()));
    assert_eq!(laid.read("folder/up-and-down"), Ok(b"inside".to_vec()));
    for path in ["out", "folder-out/key", "absolute", "root/etc/passwd"] {
        assert_eq!(laid.read(path), Err(Outside), "`{path}`");
    }
    assert_eq!(laid.list("folder-out"), Err(Outside));
    assert_eq!(
        laid.list(""),
        Ok(listed(&[
            ("absolute", Other, 0),
            ("folder", Directory, 0),
            ("folder-out", Other, 0),
            ("here", File, 6),
            ("out", Other, 0),
            ("real", Directory, 0),
            ("root", Other, 0),
        ]))
    );
    assert_eq!(laid.list("folder"), Ok(listed(&[("file", File, 6), ("up-and-down", File, 6)])));
}

#[test]
fn a_link_out_is_outside_even_if_it_leads_back_in() {
    let laid = TestDirectory::out().file("file", "x").link("around", "../granted/file");
    assert_eq!(laid.read("around"), Err(Outside));
}

#[test]
fn links_that_lead_nowhere_or_in_a_circle_are_told_apart_from_files() {
    let laid =
        TestDirectory::out().link("nowhere", "gone").link("egg", "hen").link("hen", "egg").link("itself", "itself/x");
    assert_eq!(laid.read("nowhere"), Err(Missing));
    for path in ["egg", "hen", "itself"] {
        assert_eq!(laid.read(path), Err(Unreadable("its symbolic links form a loop".to_owned())), "`{path}`");
    }
    assert_eq!(
        laid.list(""),
        Ok(listed(&[("egg", Other, 0), ("hen", Other, 0), ("itself", Other, 0), ("nowhere", Other, 0)]))
    );
}

#[test]
fn what_is_not_there_is_missing_below_a_file_too() {
    let laid = TestDirectory::out().file("file", "x");
    for path in ["gone", "gone/deeper", "file/below"] {
        assert_eq!(laid.read(path), Err(Missing), "`{path}`");
        assert_eq!(laid.list(path), Err(Missing), "`{path}`");
    }
}

#[test]
fn a_directory_is_no_file_and_a_file_no_directory() {
    let laid = TestDirectory::out().file("a/b", "x");
    assert_eq!(laid.read("a"), Err(WrongKind(Directory)));
    assert_eq!(laid.read(""), Err(WrongKind(Directory)));
    assert_eq!(laid.list("a/b"), Err(WrongKind(File)));
}

#[test]
fn a_pipe_that_nobody_writes_to_and_a_socket_are_not_waited_for() {
    let laid = TestDirectory::out().pipe("pipe").link("to-pipe", "pipe");
    let _listening = UnixListener::bind(laid.granted().join("socket")).unwrap();
    at_once(move || {
        for path in ["pipe", "to-pipe", "socket"] {
            assert_eq!(laid.read(path), Err(WrongKind(Other)), "`{path}`");
            assert_eq!(laid.list(path), Err(WrongKind(Other)), "`{path}`");
        }
        assert_eq!(laid.list(""), Ok(listed(&[("pipe", Other, 0), ("socket", Other, 0), ("to-pipe", Other, 0)])));
    });
}

#[test]
fn a_file_that_keeps_becoming_a_pipe_is_never_waited_for() {
    let laid = TestDirectory::out().file("file", "x").pipe("pipe");
    let (file, pipe, name) = (laid.granted().join("file"), laid.granted().join("pipe"), laid.granted().join("name"));
    fs::hard_link(&file, &name).unwrap();
    at_once(move || {
        let stop = Arc::new(AtomicBool::new(false));
        let swapping = {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                let spare = name.with_file_name("spare");
                while !stop.load(Ordering::Relaxed) {
                    for source in [&pipe, &file] {
                        fs::hard_link(source, &spare).unwrap();
                        fs::rename(&spare, &name).unwrap();
                        // Renaming a file onto itself leaves both names.
                        let _ = fs::remove_file(&spare);
                    }
                }
            })
        };
        let directories = laid.open();
        for _ in 0..Repeat::new(2_000, 100_000).count {
            let found = read(&directories, "name");
            assert!(found == Ok(b"x".to_vec()) || found == Err(WrongKind(Other)), "{found:?}");
        }
        stop.store(true, Ordering::Relaxed);
        swapping.join().unwrap();
    });
}

#[test]
fn a_name_that_keeps_becoming_a_link_out_is_never_followed() {
    let laid = TestDirectory::out().file("real/key", "inside").link("away", "../secret");
    let (real, away, name) = (laid.granted().join("real"), laid.granted().join("away"), laid.granted().join("name"));
    symlink("real", &name).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let swapping = {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            let spare = name.with_file_name("spare");
            while !stop.load(Ordering::Relaxed) {
                for to in [&away, &real] {
                    symlink(to.file_name().unwrap(), &spare).unwrap();
                    fs::rename(&spare, &name).unwrap();
                }
            }
        })
    };
    let directories = laid.open();
    for _ in 0..Repeat::new(2_000, 100_000).count {
        let found = read(&directories, "name/key");
        assert!(found == Ok(b"inside".to_vec()) || found == Err(Outside), "{found:?}");
    }
    stop.store(true, Ordering::Relaxed);
    swapping.join().unwrap();
}

#[test]
fn devices_are_not_opened() {
    let grants = BTreeMap::from([("catalog".to_owned(), DirectoryGrant::new("/dev"))]);
    let directories = DirectoryCapability::open_all(&grants).unwrap();
    for device in ["null", "zero", "full"] {
        assert_eq!(read(&directories, device), Err(WrongKind(Other)), "`{device}`");
    }
}

#[test]
fn a_file_may_be_as_large_as_was_granted_and_not_a_byte_larger() {
    let laid = TestDirectory::out().file("fits", [7; 64]).file("large", [7; 65]);
    assert_eq!(laid.read("fits"), Ok(vec![7; 64]));
    assert_eq!(laid.read("large"), Err(TooLarge(64)));
    assert_eq!(laid.list(""), Ok(listed(&[("fits", File, 64), ("large", File, 65)])));
}

#[test]
fn a_file_of_a_tebibyte_with_nothing_in_it_is_too_large() {
    let mut laid = TestDirectory::out();
    let file = fs::File::create(laid.granted().join("sparse")).unwrap();
    file.set_len(1 << 40).unwrap();
    assert_eq!(laid.read("sparse"), Err(TooLarge(64)));
    file.set_len(1 << 16).unwrap();
    laid.file_size = 1 << 20;
    assert_eq!(laid.read("sparse"), Ok(vec![0; 1 << 16]));
}

#[test]
fn a_file_that_says_it_is_empty_is_still_read_no_further_than_was_granted() {
    // What the system tells about a process has no size until it is read.
    let grants =
        BTreeMap::from([("catalog".to_owned(), DirectoryGrant { file_size: 16, ..DirectoryGrant::new("/proc/self") })]);
    let directories = DirectoryCapability::open_all(&grants).unwrap();
    assert_eq!(read(&directories, "status"), Err(TooLarge(16)));
}

#[test]
fn a_file_that_grows_meanwhile_is_never_handed_over_larger_than_granted_nor_torn() {
    let mut laid = TestDirectory::out().file("grows", "");
    laid.file_size = 1 << 20;
    let path = laid.granted().join("grows");
    let growing = thread::spawn(move || {
        let mut file = fs::File::options().append(true).open(path).unwrap();
        for _ in 0..4_000 {
            file.write_all(&[b'x'; 1024]).unwrap();
        }
    });
    let directories = laid.open();
    loop {
        match read(&directories, "grows") {
            Ok(content) => assert!(content.len() <= 1 << 20 && content.iter().all(|byte| *byte == b'x')),
            Err(Unreadable(why)) => assert_eq!(why, "it changed while it was read"),
            Err(TooLarge(1_048_576)) => break,
            Err(other) => panic!("{other:?}"),
        }
    }
    growing.join().unwrap();
}

#[test]
fn names_that_nobody_can_ask_for_are_counted() {
    let laid = TestDirectory::out().file("plain", "x");
    for name in [&b"not-\xff-utf-8"[..], b"back\\slash"] {
        fs::write(laid.granted().join(OsStr::from_bytes(name)), "").unwrap();
    }
    let listing = laid.open().entries(&place("")).unwrap();
    assert_eq!(
        listing,
        DirectoryListing {
            entries: vec![DirectoryEntry { name: "plain".to_owned(), kind: File, size: 1 }],
            unnamed: 2
        }
    );
}

#[test]
fn a_directory_may_hold_as_many_names_as_were_granted_and_not_one_more() {
    let mut laid = TestDirectory::out();
    for index in 0..8 {
        laid = laid.file(&index.to_string(), "");
    }
    assert_eq!(laid.list("").unwrap().len(), 8);
    fs::write(laid.granted().join(OsStr::from_bytes(b"\xff")), "").unwrap();
    assert_eq!(laid.list(""), Err(TooLarge(8)));
    laid.entries = 9;
    assert_eq!(laid.open().entries(&place("")).unwrap().unnamed, 1);
}

#[test]
fn files_that_vanish_while_they_are_listed_are_in_the_list_or_not_but_never_in_the_way() {
    let mut laid = TestDirectory::out();
    laid.entries = 1_000;
    let folder = laid.granted();
    let stop = Arc::new(AtomicBool::new(false));
    let coming_and_going = {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                for index in 0..50 {
                    fs::write(folder.join(index.to_string()), "x").unwrap();
                }
                for index in 0..50 {
                    fs::remove_file(folder.join(index.to_string())).unwrap();
                }
            }
        })
    };
    for _ in 0..Repeat::new(200, 10_000).count {
        let entries = laid.list("").unwrap();
        assert!(entries.iter().all(|(_, kind, _)| *kind == File), "{entries:?}");
    }
    stop.store(true, Ordering::Relaxed);
    coming_and_going.join().unwrap();
}

#[test]
fn what_is_put_in_the_place_of_a_directory_after_loading_is_not_read() {
    let laid = TestDirectory::out().file("file", "as it was");
    let directories = laid.open();
    fs::rename(laid.granted(), laid.place.path().join("moved")).unwrap();
    symlink(laid.place.path().join("secret"), laid.granted()).unwrap();
    assert_eq!(read(&directories, "file"), Ok(b"as it was".to_vec()));
    assert_eq!(read(&directories, "key"), Err(Missing));
}

#[test]
fn a_directory_that_was_removed_after_loading_holds_nothing() {
    let laid = TestDirectory::out();
    let directories = laid.open();
    fs::remove_dir(laid.granted()).unwrap();
    assert_eq!(read(&directories, "file"), Err(Missing));
    assert!(
        directories.entries(&place("")).is_ok_and(|listing| listing == DirectoryListing::default())
            || directories.entries(&place("")) == Err(Missing)
    );
}

#[test]
fn what_the_system_refuses_is_not_taken_for_a_way_out() {
    let of_the_system = io::Error::from_raw_os_error(rustix::io::Errno::ACCESS.raw_os_error());
    assert_eq!(open_directory::refused(of_the_system), Unreadable("the host has no permission to read it".to_owned()));
}

#[test]
fn only_directories_that_are_there_can_be_granted() {
    let laid = TestDirectory::out().file("file", "").pipe("pipe");
    let error = at_once(move || {
        ["gone", "file", "pipe"].map(|path| {
            let grant = DirectoryGrant::new(laid.granted().join(path));
            let shown = grant.path.display().to_string();
            let error = DirectoryCapability::open_all(&BTreeMap::from([("catalog".to_owned(), grant)]))
                .unwrap_err()
                .to_string();
            error.replace(&shown, path)
        })
    });
    assert_eq!(
        error,
        [
            "cannot open `gone`, which is granted as directory `catalog`: No such file or directory (os error 2)",
            "cannot open `file`, which is granted as directory `catalog`: Not a directory (os error 20)",
            "cannot open `pipe`, which is granted as directory `catalog`: Not a directory (os error 20)",
        ]
    );
}

#[test]
fn a_directory_is_granted_under_a_name_that_is_safe_everywhere() {
    let grants = BTreeMap::from([("Cata log".to_owned(), DirectoryGrant::new("/"))]);
    assert_eq!(
        DirectoryCapability::open_all(&grants).unwrap_err().to_string(),
        "`Cata log` is not a valid name of a granted directory: use at most 64 lower-case letters, digits \
         and single hyphens"
    );
}

#[test]
fn answers_come_back_from_the_tape_as_they_were() {
    let laid = TestDirectory::out().file("file", [0xff, b'{']).link("out", "/etc/passwd");
    let directories = laid.open();
    let listing = directories.entries(&place(""));
    let written = serde_json::to_value(&listing).unwrap();
    assert_eq!(
        written,
        serde_json::json!({ "Ok": {
        "entries": [
            { "name": "file", "kind": "file", "size": 2 },
            { "name": "out", "kind": "other", "size": 0 },
        ],
        "unnamed": 0,
    } })
    );
    assert_eq!(serde_json::from_value::<Result<DirectoryListing, DirectoryError>>(written).unwrap(), listing);
    let content = directories.read(&place("file"));
    let written = serde_json::to_value(&content).unwrap();
    assert_eq!(written, serde_json::json!({ "Ok": "/3s=" }));
    assert_eq!(serde_json::from_value::<Result<Base64Bytes, DirectoryError>>(written).unwrap(), content);
    for (error, form) in [
        (Missing, serde_json::json!("missing")),
        (TooLarge(7), serde_json::json!({ "too-large": 7 })),
        (WrongKind(Directory), serde_json::json!({ "wrong-kind": "directory" })),
    ] {
        assert_eq!(serde_json::to_value(&error).unwrap(), form);
        assert_eq!(serde_json::from_value::<DirectoryError>(form).unwrap(), error);
    }
}
