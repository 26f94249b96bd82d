//! Real folders; several sessions, threads and processes at once; and a model that sessions must not differ from.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use tempfile::TempDir;

use super::super::base64_bytes::Base64Bytes;
use super::*;

mod model;

fn folder() -> (TempDir, PathBuf, Arc<FolderOfNamespaces>) {
    let place = TempDir::new().unwrap();
    let path = place.path().join("namespaces");
    let namespaces = FolderOfNamespaces::open(&path).unwrap();
    (place, path, Arc::new(namespaces))
}

fn session(namespaces: &Arc<FolderOfNamespaces>, access: NamespaceAccess) -> NamespaceSession {
    let namespaces: Arc<dyn Namespaces> = Arc::<FolderOfNamespaces>::clone(namespaces);
    NamespaceSession::new(KeyValueGrant { quota: 64, ..KeyValueGrant::new("counter", access) }, namespaces)
}

fn writer(namespaces: &Arc<FolderOfNamespaces>) -> NamespaceSession {
    session(namespaces, NamespaceAccess::ReadWrite)
}

impl NamespaceSession {
    fn value(&mut self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        self.get(&KeyQuestion { key: key.to_owned() }).map(|value| value.map(|value| value.0))
    }

    fn keys_from(&mut self, prefix: &str) -> Result<Vec<String>, KeyValueError> {
        self.keys(&PrefixQuestion { prefix: prefix.to_owned() })
    }

    fn give(&mut self, key: &str, value: impl Into<Vec<u8>>) -> Result<(), KeyValueError> {
        self.set(&AssignmentQuestion { key: key.to_owned(), value: Base64Bytes(value.into()) })
    }

    fn take(&mut self, key: &str) -> Result<(), KeyValueError> {
        self.delete(&KeyQuestion { key: key.to_owned() })
    }
}

/// Keeps what a session changed, as who calls a plugin does once it has given an answer.
fn keep(session: NamespaceSession, namespaces: &FolderOfNamespaces) -> Result<(), NamespaceError> {
    session.into_changes().map_or(Ok(()), |changes| namespaces.commit(&changes))
}

fn commit(
    namespaces: &FolderOfNamespaces,
    namespace: &str,
    changes: &ValueChanges,
    quota: u64,
) -> Result<(), NamespaceError> {
    namespaces.commit(&NamespaceChanges { namespace: namespace.to_owned(), quota, changes: changes.clone() })
}

fn changes(changes: &[(&str, Option<&str>)]) -> ValueChanges {
    let mut made = ValueChanges::default();
    for (key, value) in changes {
        match value {
            Some(value) => made.set(*key, *value),
            None => made.delete(*key),
        }
    }
    made
}

fn values(of: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    of.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
}

#[test]
fn a_session_sees_its_own_changes_and_others_see_them_once_they_are_committed() {
    let (_place, _, namespaces) = folder();
    let (mut one, mut other) = (writer(&namespaces), writer(&namespaces));
    one.give("a", "1").unwrap();
    assert_eq!(one.value("a"), Ok(Some(b"1".to_vec())));
    assert_eq!(other.value("a"), Ok(None));
    keep(one, &namespaces).unwrap();
    assert_eq!(other.value("a"), Ok(None), "it sees what was there when it first asked");
    assert_eq!(writer(&namespaces).value("a"), Ok(Some(b"1".to_vec())));
}

#[test]
fn what_is_not_committed_never_was() {
    let (_place, path, namespaces) = folder();
    let mut session = writer(&namespaces);
    session.give("a", "1").unwrap();
    drop(session);
    assert_eq!(namespaces.read("counter").unwrap(), BTreeMap::new());
    assert_eq!(fs::read_dir(path).unwrap().count(), 0);
}

#[test]
fn sessions_that_run_at_the_same_time_lose_nothing_of_each_other() {
    let (_place, _, namespaces) = folder();
    let (mut one, mut other) = (writer(&namespaces), writer(&namespaces));
    for (session, own, value) in [(&mut one, "one", "1"), (&mut other, "other", "2")] {
        session.value("both").unwrap();
        session.give(own, value).unwrap();
        session.give("both", value).unwrap();
    }
    keep(one, &namespaces).unwrap();
    keep(other, &namespaces).unwrap();
    assert_eq!(namespaces.read("counter").unwrap(), values(&[("both", "2"), ("one", "1"), ("other", "2")]));
}

#[test]
fn a_session_that_changes_nothing_writes_nothing() {
    let (_place, path, namespaces) = folder();
    let mut session = writer(&namespaces);
    session.value("a").unwrap();
    keep(session, &namespaces).unwrap();
    assert_eq!(fs::read_dir(path).unwrap().count(), 0);
}

#[test]
fn keys_come_in_the_order_of_their_bytes_and_by_prefix() {
    let (_place, _, namespaces) = folder();
    commit(&namespaces, "counter", &changes(&[("b", Some("")), ("ab", Some("")), ("a", Some(""))]), 64).unwrap();
    let mut session = writer(&namespaces);
    session.give("é", "").unwrap();
    session.give("aa", "").unwrap();
    session.take("b").unwrap();
    assert_eq!(session.keys_from(""), Ok(["a", "aa", "ab", "é"].map(str::to_owned).to_vec()));
    assert_eq!(session.keys_from("a"), Ok(["a", "aa", "ab"].map(str::to_owned).to_vec()));
    assert_eq!(session.keys_from("b"), Ok(Vec::new()));
}

#[test]
fn values_are_bytes_and_may_be_empty() {
    let (_place, _, namespaces) = folder();
    let mut session = writer(&namespaces);
    session.give("bytes", [0, 0xff]).unwrap();
    session.give("empty", "").unwrap();
    keep(session, &namespaces).unwrap();
    let mut session = writer(&namespaces);
    assert_eq!(session.value("bytes"), Ok(Some(vec![0, 0xff])));
    assert_eq!(session.value("empty"), Ok(Some(Vec::new())));
}

#[test]
fn who_may_only_read_changes_nothing() {
    let (_place, _, namespaces) = folder();
    commit(&namespaces, "counter", &changes(&[("a", Some("1"))]), 64).unwrap();
    let mut session = session(&namespaces, NamespaceAccess::ReadOnly);
    assert_eq!(session.value("a"), Ok(Some(b"1".to_vec())));
    assert_eq!(session.give("a", "2"), Err(KeyValueError::ReadOnly));
    assert_eq!(session.take("a"), Err(KeyValueError::ReadOnly));
    keep(session, &namespaces).unwrap();
    assert_eq!(namespaces.read("counter").unwrap(), values(&[("a", "1")]));
}

#[test]
fn what_is_no_key_is_refused_with_what_is_wrong() {
    let (_place, _, namespaces) = folder();
    let mut session = writer(&namespaces);
    let long = "a".repeat(257);
    for (key, wrong) in [
        ("", "it is empty"),
        (long.as_str(), "it has 257 bytes; the limit is 256"),
        ("line\nbreak", "`line\\nbreak` contains a control character"),
        ("a\0", "`a\\0` contains a control character"),
        ("a\u{9f}", "`a\\u{9f}` contains a control character"),
    ] {
        let refused = Err(KeyValueError::InvalidKey(wrong.to_owned()));
        assert_eq!(session.value(key).map(|_| ()), refused);
        assert_eq!(session.give(key, "1"), refused);
        assert_eq!(session.take(key), refused);
    }
    for key in ["a".repeat(256), "../a b/ü".to_owned()] {
        assert_eq!(session.value(&key), Ok(None));
    }
}

#[test]
fn keys_and_values_take_as_much_room_as_was_granted_and_not_a_byte_more() {
    let (_place, _, namespaces) = folder();
    commit(&namespaces, "counter", &changes(&[("old", Some("1234567"))]), 64).unwrap();
    let mut session = writer(&namespaces);
    assert_eq!(session.give("key", [0; 52]), Err(KeyValueError::QuotaExceeded(64)));
    assert_eq!(session.give("key", [0; 51]), Ok(()), "10 + 54 bytes");
    assert_eq!(session.give("k", ""), Err(KeyValueError::QuotaExceeded(64)));
    assert_eq!(session.give("old", "7654321"), Ok(()), "in place of as much");
    assert_eq!(session.take("key"), Ok(()));
    assert_eq!(session.give("k", [0; 53]), Ok(()), "10 + 54 bytes again");
    keep(session, &namespaces).unwrap();
}

#[test]
fn room_that_others_took_meanwhile_is_not_there_and_nothing_is_kept() {
    let (_place, _, namespaces) = folder();
    let (mut one, mut other) = (writer(&namespaces), writer(&namespaces));
    one.give("one", [1; 40]).unwrap();
    other.give("other", [2; 40]).unwrap();
    other.give("a", "1").unwrap();
    keep(one, &namespaces).unwrap();
    assert_eq!(
        keep(other, &namespaces).unwrap_err().to_string(),
        "the namespace `counter` would take 90 bytes of the 64 bytes granted: grant more, or delete some of its keys"
    );
    assert_eq!(namespaces.read("counter").unwrap().into_keys().collect::<Vec<_>>(), ["one"]);
}

#[test]
fn what_takes_more_than_a_lowered_quota_stays_and_may_shrink() {
    let (_place, _, namespaces) = folder();
    let ten = "0123456789";
    let filled = ["a", "b", "c", "d", "e", "f", "g"].map(|key| (key, Some(ten)));
    commit(&namespaces, "counter", &changes(&filled), 100).unwrap();
    let mut session = writer(&namespaces);
    assert_eq!(session.give("h", ""), Err(KeyValueError::QuotaExceeded(64)));
    assert_eq!(session.give("a", "9876543210"), Ok(()));
    assert_eq!(session.take("b"), Ok(()));
    assert_eq!(session.give("a", "98765432100"), Err(KeyValueError::QuotaExceeded(64)));
    keep(session, &namespaces).unwrap();
    assert_eq!(namespaces.read("counter").unwrap().len(), 6);
}

#[test]
fn namespaces_are_kept_apart() {
    let (_place, _, namespaces) = folder();
    commit(&namespaces, "one", &changes(&[("a", Some("1"))]), 64).unwrap();
    commit(&namespaces, "two", &changes(&[("a", Some("2"))]), 64).unwrap();
    assert_eq!(namespaces.read("one").unwrap(), values(&[("a", "1")]));
    assert_eq!(namespaces.read("two").unwrap(), values(&[("a", "2")]));
}

#[test]
fn a_name_that_could_be_a_path_is_none() {
    let (_place, _, namespaces) = folder();
    for name in ["", "../counter", "a/b", "A", "a.json", "a--b"] {
        let message = format!(
            "`{name}` is not a valid name of a namespace: use at most 64 lower-case letters, digits and single hyphens"
        );
        assert_eq!(namespaces.read(name).unwrap_err().to_string(), message);
        assert_eq!(commit(&namespaces, name, &ValueChanges::default(), 64).unwrap_err().to_string(), message);
        assert_eq!(check_namespace(name).unwrap_err().to_string(), message);
    }
    check_namespace("deploy-counter").unwrap();
}

#[test]
fn the_file_says_what_it_is_and_holds_bytes_as_base64() {
    let (_place, path, namespaces) = folder();
    commit(&namespaces, "counter", &changes(&[("a", Some("1"))]), 64).unwrap();
    let written: serde_json::Value = serde_json::from_slice(&fs::read(path.join("counter.json")).unwrap()).unwrap();
    assert_eq!(
        written,
        serde_json::json!({
            "version": 1,
            "namespace": "counter",
            "values": { "a": "MQ==" },
            // Of `{"namespace":"counter","values":{"a":"MQ=="},"version":1}`, by `sha256sum`.
            "digest": "sha256:cdb83afceba82ab72c40161db9a4c03aadcbc0d011f53803f0f1175d7e27cae9",
        })
    );
}

#[test]
fn no_cut_goes_unnoticed_and_the_file_is_named() {
    let (_place, path, namespaces) = folder();
    commit(&namespaces, "counter", &changes(&[("a", Some("1")), ("b", Some("2"))]), 64).unwrap();
    let file = path.join("counter.json");
    let whole = fs::read(&file).unwrap();
    // The last byte ends the line, and says nothing.
    for length in 0..whole.len() - 1 {
        fs::write(&file, whole.get(..length).unwrap()).unwrap();
        let error = namespaces.read("counter").unwrap_err();
        assert!(matches!(&error, NamespaceError::Damaged { path, .. } if *path == file), "cut at {length}: {error}");
    }
}

#[test]
fn no_edit_goes_unnoticed_and_nothing_is_written_over_it() {
    let (_place, path, namespaces) = folder();
    commit(&namespaces, "counter", &changes(&[("a", Some("1"))]), 64).unwrap();
    let file = path.join("counter.json");
    let whole = fs::read_to_string(&file).unwrap();
    for (from, to) in
        [("MQ==", "Mg=="), ("\"a\"", "\"b\""), ("sha256:", "sha256:0"), ("MQ==", "MQ"), ("counter", "other")]
    {
        let edited = whole.replace(from, to);
        assert_ne!(edited, whole);
        fs::write(&file, &edited).unwrap();
        let error = commit(&namespaces, "counter", &changes(&[("a", None)]), 64).unwrap_err();
        assert!(matches!(&error, NamespaceError::Damaged { path, .. } if *path == file), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), edited);
    }
    fs::write(&file, whole.replace("MQ==", "Mg==")).unwrap();
    assert_eq!(
        namespaces.read("counter").unwrap_err().to_string().replace(&file.display().to_string(), "FILE"),
        "the namespace file `FILE` is damaged: its content does not match its digest; restore a copy, or \
         remove the file to start empty"
    );
    fs::remove_file(&file).unwrap();
    assert_eq!(namespaces.read("counter").unwrap(), BTreeMap::new());
}

#[test]
fn a_plugin_learns_that_the_values_are_damaged_and_not_where_they_are() {
    let (_place, path, namespaces) = folder();
    fs::write(path.join("counter.json"), "{").unwrap();
    let mut session = writer(&namespaces);
    let unavailable = KeyValueError::Unavailable("the namespace `counter` is not available: it is damaged".to_owned());
    assert_eq!(session.value("a"), Err(unavailable.clone()));
    fs::remove_file(path.join("counter.json")).unwrap();
    assert_eq!(session.give("a", "1"), Err(unavailable), "for the whole of the call");
    keep(session, &namespaces).unwrap();
    assert_eq!(namespaces.read("counter").unwrap(), BTreeMap::new());
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let (_place, path, namespaces) = folder();
    let later = r#"{ "version": 2, "blocks": [] }"#;
    fs::write(path.join("counter.json"), later).unwrap();
    let error = commit(&namespaces, "counter", &changes(&[("a", Some("1"))]), 64).unwrap_err();
    assert!(matches!(error, NamespaceError::OfAnotherVersion { version: 2, .. }), "{error}");
    assert_eq!(fs::read_to_string(path.join("counter.json")).unwrap(), later);
}

#[test]
fn what_a_crash_left_over_is_neither_read_nor_in_the_way() {
    let (_place, path, namespaces) = folder();
    commit(&namespaces, "counter", &changes(&[("a", Some("1"))]), 64).unwrap();
    // As if the process had died while it wrote, holding the lock.
    fs::write(path.join("counter.new"), r#"{"version": 1, "namespace": "cou"#.repeat(100)).unwrap();
    assert_eq!(namespaces.read("counter").unwrap(), values(&[("a", "1")]));
    commit(&namespaces, "counter", &changes(&[("b", Some("2"))]), 64).unwrap();
    assert_eq!(namespaces.read("counter").unwrap(), values(&[("a", "1"), ("b", "2")]));
    assert!(!path.join("counter.new").exists());
}

#[test]
fn threads_that_commit_at_once_lose_nothing() {
    let (_place, path, namespaces) = folder();
    let handles: Vec<_> = (0..4)
        .map(|thread| {
            let namespaces = FolderOfNamespaces::open(&path).unwrap();
            thread::spawn(move || commit_each(&namespaces, thread))
        })
        .collect();
    for handle in handles {
        handle.join().unwrap();
    }
    assert_all_kept(&namespaces, 4);
}

/// Set for the processes that write, to the folder that they write to and the number of the writer.
const WRITER: &str = "LOCKGATE_TEST_NAMESPACE_WRITER";

#[test]
fn processes_that_commit_at_once_lose_nothing() {
    if let Ok(written) = std::env::var(WRITER) {
        let (writer, path) = written.split_once(':').unwrap();
        return commit_each(&FolderOfNamespaces::open(path).unwrap(), writer.parse().unwrap());
    }
    let (_place, path, namespaces) = folder();
    let this_test =
        format!("{}::processes_that_commit_at_once_lose_nothing", module_path!().split_once("::").unwrap().1);
    let processes: Vec<_> = (0..3)
        .map(|writer| {
            std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", &this_test])
                .env(WRITER, format!("{writer}:{}", path.display()))
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    assert_all_kept(&namespaces, 3);
}

/// Twenty commits, each of a key of its own and of one that all share.
fn commit_each(namespaces: &FolderOfNamespaces, writer: usize) {
    for count in 0..20 {
        let mut changes = ValueChanges::default();
        changes.set(format!("{writer}-{count}"), "x");
        changes.set("shared", writer.to_string());
        commit(namespaces, "counter", &changes, 64 << 10).unwrap();
    }
}

fn assert_all_kept(namespaces: &FolderOfNamespaces, writers: usize) {
    let values = namespaces.read("counter").unwrap();
    assert_eq!(values.len(), writers * 20 + 1);
    let last: usize = String::from_utf8(values.get("shared").unwrap().clone()).unwrap().parse().unwrap();
    assert!(last < writers);
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_folder_and_its_files_are_their_owners_alone() {
        let (_place, path, namespaces) = folder();
        commit(&namespaces, "counter", &changes(&[("a", Some("1"))]), 64).unwrap();
        assert_eq!(mode(&path), 0o700);
        for file in ["counter.json", "counter.lock"] {
            assert_eq!(mode(&path.join(file)), 0o600, "`{file}`");
        }
    }

    #[test]
    fn a_folder_that_others_may_look_into_is_refused() {
        let (_place, path, _) = folder();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        let error = FolderOfNamespaces::open(&path).unwrap_err().to_string();
        assert_eq!(
            error.replace(&path.display().to_string(), "FOLDER"),
            "the folder `FOLDER` is open to others (mode 750): what is in it turns decisions, so make it private with \
             `chmod 700`"
        );
    }
}

#[test]
fn a_folder_that_cannot_be_one_is_refused_with_its_name() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("file");
    fs::write(&path, "").unwrap();
    let error = FolderOfNamespaces::open(&path).unwrap_err();
    assert!(matches!(&error, NamespaceError::Unusable { path: named, .. } if *named == path), "{error}");
}

#[test]
fn questions_and_answers_come_back_from_the_tape_as_they_were() {
    let question = AssignmentQuestion { key: "a".to_owned(), value: Base64Bytes(vec![0xff]) };
    let written = serde_json::to_value(&question).unwrap();
    assert_eq!(written, serde_json::json!({ "key": "a", "value": "/w==" }));
    assert_eq!(serde_json::from_value::<AssignmentQuestion>(written).unwrap(), question);
    type Got = Result<Option<Base64Bytes>, KeyValueError>;
    for (answer, form) in [
        (Ok(None), serde_json::json!({ "Ok": null })),
        (Ok(Some(Base64Bytes(b"1".to_vec()))), serde_json::json!({ "Ok": "MQ==" })),
        (Err(KeyValueError::ReadOnly), serde_json::json!({ "Err": "read-only" })),
        (Err(KeyValueError::QuotaExceeded(64)), serde_json::json!({ "Err": { "quota-exceeded": 64 } })),
    ] {
        let answer: Got = answer;
        assert_eq!(serde_json::to_value(&answer).unwrap(), form);
        assert_eq!(serde_json::from_value::<Got>(form).unwrap(), answer);
    }
}
