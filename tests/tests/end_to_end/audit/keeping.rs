//! `lockgate ledger`: backups, retention and keys, beside a server that runs.

use lockgate_domain::Digest;
use lockgate_ledger::{KeyFileError, LogSource as _, SqliteOptions, Storage as _};
use serde_json::json;

use super::support::{DECISION, Place, SNAPSHOT};

#[test]
fn a_backup_is_made_beside_a_server_and_verifies_like_the_ledger() {
    let place = Place::new();
    let (key, checkpoint) = place.head();
    let storage = place.storage();
    let said = place.lockgate(&["ledger", "backup", "--to", "copy.db", "-o", "json"]).with(0).json();
    assert_eq!((&said["entries"], &said["checkpoint"]), (&json!(8), &json!(checkpoint)));
    place.append(&storage, 1);
    let said = place.lockgate(&["audit", "verify", "--file", "copy.db", "--key", &key, "-o", "json"]).with(0).json();
    assert_eq!(said["size"], 8);
    let said = place.lockgate(&["ledger", "backup", "--to", "copy.db"]).with(3).stderr;
    assert!(said.contains("`copy.db` already exists"), "{said}");
}

#[test]
fn a_backup_put_back_in_its_place_with_the_key_goes_on() {
    let place = Place::new();
    place.lockgate(&["ledger", "backup", "--to", "copy.db"]).with(0);
    for file in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _ = std::fs::remove_file(place.path("lockgate-data").join(file));
    }
    std::fs::copy(place.path("copy.db"), place.path("lockgate-data/ledger.db")).unwrap();
    place.append(&place.storage(), 1);
    let said = place.lockgate(&["audit", "verify", "-o", "json"]).with(0).json();
    // The entry that says that a backup took its place, and the one of above.
    assert_eq!((&said["size"], &said["losses"]), (&json!(10), &json!([])));
    assert_eq!((&said["restores"][0]["index"], &said["restores"][0]["body"]["found"]["size"]), (&json!(8), &json!(8)));
}

#[test]
fn what_a_ledger_holds_is_told_by_kind() {
    let place = Place::new();
    let said = place.lockgate(&["ledger", "info", "-o", "json"]).with(0).json();
    let entries = json!({ "decision": 1, "log-key": 1, "planned": 1, "reported": 4, "requested": 1 });
    assert_eq!((&said["entries"], &said["streams"], &said["size"]), (&entries, &json!(3), &json!(8)));
    assert_eq!(said["content"], json!({ "snapshot": { "count": 1, "bytes": 38, "deleted": 0 } }));
    let table = place.lockgate(&["ledger", "info"]).with(0).stdout;
    assert!(table.contains("content: snapshot"), "{table}");
}

#[test]
fn what_is_old_is_forgotten_beside_a_server_and_every_proof_stays() {
    let place = Place::new();
    let (key, _) = place.head();
    let storage = place.storage();
    place.append(&storage, 1);
    let said = place.lockgate(&["ledger", "forget", "--kind", "snapshots", "--older-than", "400d"]).with(3).stderr;
    assert!(said.contains("did you mean `snapshot`?"), "{said}");
    // It was stored a moment ago: not old enough.
    let forget = |age: &str| {
        let arguments = ["ledger", "forget", "--kind", "snapshot", "--older-than", age, "-o", "json"];
        place.lockgate(&arguments).with(0).json()
    };
    assert_eq!(forget("400d")["count"], 0);
    std::thread::sleep(std::time::Duration::from_millis(2));
    assert_eq!((&forget("0s")["count"], &forget("0s")["count"]), (&json!(1), &json!(0)));
    assert!(place.read_only().content(&Digest::of(SNAPSHOT)).unwrap().is_some());
    place.append(&storage, 2);
    place.lockgate(&["audit", "verify", "--key", &key]).with(0);
    place.lockgate(&["audit", "prove", DECISION, "--key", &key]).with(0);
    place.lockgate(&["ledger", "forget", "--requests", "--older-than", "30d"]).with(0);
}

#[test]
fn after_a_change_of_keys_a_server_goes_on_with_the_new_one() {
    let place = Place::new();
    let (old, checkpoint) = place.head();
    place.lockgate(&["audit", "prove", DECISION, "--out", "before.json"]).with(0);
    place.write("kept.txt", &checkpoint);
    let storage = place.storage();
    let ended = place.lockgate(&["ledger", "rotate-key"]).with(0);
    let new = ended.stdout.trim().to_owned();
    assert_ne!(old, new);
    assert!(ended.stderr.contains("uses the new key automatically"), "{}", ended.stderr);
    // The server that runs takes the new key.
    let entry = lockgate_ledger::EntryDraft::new("a", "event", lockgate_domain::Timestamp::now(), &json!({})).unwrap();
    storage.append(lockgate_ledger::Append { entries: vec![entry], ..Default::default() }).unwrap();
    assert_eq!(storage.head().unwrap().key.to_string(), new);
    assert!(storage.health().failing.is_none());
    // Whoever has the old key can verify everything from before and after.
    place.lockgate(&["audit", "verify", "--key", &old, "--checkpoint", "kept.txt"]).with(0);
    place.lockgate(&["audit", "verify", "--key", &new, "--checkpoint", "kept.txt"]).with(0);
    place.lockgate(&["audit", "check", "before.json", "--key", &old]).with(0);
    place.lockgate(&["audit", "prove", DECISION, "--out", "after.json"]).with(0);
    for key in [&old, &new] {
        place.lockgate(&["audit", "check", "after.json", "--key", key]).with(0);
    }
    place.lockgate(&["audit", "prove", "--consistency", "kept.txt", "--out", "grew.json"]).with(0);
    place.lockgate(&["audit", "check", "grew.json", "--key", &old]).with(0);
}

#[test]
fn a_ledger_without_its_key_is_not_written_to() {
    let place = Place::new();
    std::fs::remove_file(place.path("lockgate-data/ledger.key")).unwrap();
    let said = place.lockgate(&["ledger", "rotate-key"]).with(1).stderr;
    assert!(said.contains("restore it from where it was saved"), "{said}");
    assert!(!place.path("lockgate-data/ledger.key").exists());
    place.lockgate(&["ledger", "info"]).with(0);
    let data = place.path("lockgate-data");
    let opened = lockgate_ledger::KeyFile::new(data.join("ledger.key")).open(
        &data.join("ledger.db"),
        "deploy.example.com/ledger",
        SqliteOptions::default(),
    );
    assert!(matches!(opened, Err(KeyFileError::Lost { .. })));
    let said = place.lockgate(&["ledger", "info", "--data", "nowhere"]).with(3).stderr;
    assert!(said.contains("data folder not found: `nowhere`"), "{said}");
}
