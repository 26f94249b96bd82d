//! `lockgate audit prove` and `check`: what one of them writes, the other verifies alone.

use super::support::{DECISION, Place};

#[test]
fn a_decision_is_proved_to_somebody_who_has_only_the_proof_and_a_key() {
    let place = Place::new();
    let (key, _) = place.head();
    place.lockgate(&["audit", "prove", DECISION, "--out", "proof.json"]).with(0);
    std::fs::remove_dir_all(place.path("lockgate-data")).unwrap();
    let said = place.lockgate(&["audit", "check", "proof.json", "--key", &key]).with(0).stdout;
    for words in [
        "deny at plan-and-approve exit for the deployment d-42",
        "ci@example.com, with token:pipeline (service)",
        "2025-03-04T09:03:00Z",
        "approval/missing: Wait for Bo",
        "software-in-house (1.4.0)",
        "entry 3 of 8 in `deploy.example.com/ledger`",
    ] {
        assert!(said.contains(words), "{said}");
    }
    let json = place.lockgate(&["audit", "check", "proof.json", "--key", &key, "-o", "json"]).with(0).json();
    assert_eq!((&json["proven"], &json["entry"]["id"]), (&true.into(), &DECISION.into()));
}

#[test]
fn a_proof_that_was_changed_proves_nothing() {
    let place = Place::new();
    let (key, _) = place.head();
    let proof = place.lockgate(&["audit", "prove", DECISION]).with(0).stdout;
    for (from, to) in
        [("\"deny\"", "\"allow\""), ("token:pipeline", "token:somebody"), ("\"index\": 3", "\"index\": 2")]
    {
        assert!(proof.contains(from), "{proof}");
        place.write("forged.json", proof.replace(from, to));
        let said = place.lockgate(&["audit", "check", "forged.json", "--key", &key]).with(2).stdout;
        assert!(said.starts_with("not proven: entry"), "{said}");
    }
    place.write("proof.json", &proof);
    let said = place.lockgate(&["audit", "check", "proof.json", "--key", &Place::new().head().0]).with(2).stdout;
    assert!(said.contains("no signature of a trusted key"), "{said}");
    place.write("other.json", "{ \"format\": \"lockgate-other-proof/v9\" }");
    let said = place.lockgate(&["audit", "check", "other.json", "--key", &key]).with(3).stderr;
    assert!(
        said.contains("its format is `lockgate-other-proof/v9`, which this version of Lockgate does not support"),
        "{said}"
    );
}

#[test]
fn a_proof_for_other_tools_is_checked_with_the_bytes_of_the_entry_beside_it() {
    let place = Place::new();
    let (key, _) = place.head();
    let said = place.lockgate(&["audit", "prove", "3", "--format", "tlog-proof"]).with(3).stderr;
    assert!(said.contains("give the file of the proof with `--out <file>`"), "{said}");
    place.lockgate(&["audit", "prove", "3", "--format", "tlog-proof", "--out", "proof.tlog"]).with(0);
    let text = place.read("proof.tlog");
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nindex 3\n"), "{text}");
    assert_eq!(place.read("proof.tlog.leaf.json").as_bytes(), place.entries()[3].leaf);
    place.lockgate(&["audit", "check", "proof.tlog", "--key", &key]).with(0);
    let leaf = place.read("proof.tlog.leaf.json");
    place.write("leaf.json", leaf.replace("deny", "allow"));
    place.lockgate(&["audit", "check", "proof.tlog", "--leaf", "leaf.json", "--key", &key]).with(2);
}

#[test]
fn that_the_log_only_grew_is_proved_between_checkpoints_that_were_kept() {
    let place = Place::new();
    let (key, _) = place.head();
    place.write("old.txt", place.lockgate(&["audit", "checkpoint"]).with(0).stdout);
    let storage = place.storage();
    place.append(&storage, 1);
    place.write("new.txt", place.lockgate(&["audit", "checkpoint", "--key", &key]).with(0).stdout);
    place.append(&storage, 2);
    for (files, sizes) in [(vec!["old.txt"], (8, 10)), (vec!["old.txt", "new.txt"], (8, 9))] {
        let proof = [&["audit", "prove", "--out", "grew.json", "--consistency"][..], &files].concat();
        let said = place.lockgate(&proof).with(0).stderr;
        assert!(said.contains(&format!("the log only grew, from {} entries to {}", sizes.0, sizes.1)), "{said}");
        let json = place.lockgate(&["audit", "check", "grew.json", "--key", &key, "-o", "json"]).with(0).json();
        assert_eq!((&json["older"]["size"], &json["newer"]["size"]), (&sizes.0.into(), &sizes.1.into()));
    }
    place.lockgate(&["audit", "check", "old.txt", "--key", &key]).with(0);
    let said = place.lockgate(&["audit", "prove", "--consistency", "new.txt", "old.txt"]).with(3).stderr;
    assert!(said.contains("give the older checkpoint first"), "{said}");
}

#[test]
fn a_history_that_was_written_anew_cannot_be_proved() {
    let (place, other) = (Place::new(), Place::new());
    place.write("old.txt", other.head().1);
    let said = place.lockgate(&["audit", "prove", "--consistency", "old.txt", "--out", "grew.json"]).with(2).stderr;
    assert!(said.contains("the log has no valid proof"), "{said}");
    assert!(!place.path("grew.json").exists());
}
