//! `lockgate audit verify`: what it says of a log that nobody touched, and how it ends.

use std::sync::Arc;

use lockgate_audit_server::{routes_for, serve};
use lockgate_domain::{Teams, Timestamp};
use lockgate_ledger::{Append, EntryDraft, Storage as _};
use serde_json::json;

use super::support::Place;

#[test]
fn an_intact_log_is_told_with_all_that_was_checked() {
    let place = Place::new();
    let (key, checkpoint) = place.head();
    place.write("kept.txt", &checkpoint);
    let ended = place.lockgate(&["audit", "verify", "--key", &key, "--checkpoint", "kept.txt", "-o", "json"]).with(0);
    let said = ended.json();
    assert_eq!(said["intact"], true);
    assert_eq!((&said["log"], &said["size"]), (&json!("deploy.example.com/ledger"), &json!(8)));
    assert_eq!((&said["keys"], &said["trusted_key"]), (&json!([key]), &json!(true)));
    assert_eq!(said["until"], "2025-03-04T09:07:00Z");
    let checked = json!({
        "entries": 8,
        "withheld_entries": 0,
        "content": 1,
        "deleted_content": 0,
        "checkpoints": 3,
        "kept_checkpoints": 1,
    });
    assert_eq!((&said["checked"], &said["findings"]), (&checked, &json!([])));
    let table = place.lockgate(&["audit", "verify", "--key", &key]).with(0).stdout;
    assert!(table.contains("8 entries, 1 piece of content, 2 checkpoints"), "{table}");
    assert!(table.ends_with("intact every entry is as it was signed\n"), "{table}");
}

#[test]
fn without_a_key_it_says_that_the_log_only_agrees_with_itself() {
    let place = Place::new();
    let table = place.lockgate(&["audit", "verify"]).with(0).stdout;
    assert!(table.contains("only internal consistency was checked"), "{table}");
}

#[test]
fn a_log_is_verified_while_a_server_writes_to_it() {
    let place = Place::new();
    let (key, _) = place.head();
    let storage = place.storage();
    for n in 0..5 {
        place.append(&storage, n);
        place.lockgate(&["audit", "verify", "--data", "lockgate-data", "--key", &key]).with(0);
    }
}

#[test]
fn a_log_is_verified_and_proved_through_a_server_that_runs() {
    let place = Place::new();
    let (key, _) = place.head();
    let server = serve(routes_for(Arc::new(place.storage()), Teams::All));
    let said = place.lockgate(&["audit", "verify", "--server", &server, "--key", &key, "-o", "json"]).with(0).json();
    assert_eq!((&said["size"], &said["checked"]["content"]), (&json!(8), &json!(1)));
    let other = Place::new().head().0;
    let table = place.lockgate(&["audit", "verify", "--server", &server, "--key", &other]).with(2).stdout;
    assert!(table.contains("the log was never signed with"), "{table}");
    assert_eq!(place.lockgate(&["audit", "key", "--server", &server]).with(0).stdout, format!("{key}\n"));
    for what in ["3", super::support::DECISION] {
        place.lockgate(&["audit", "prove", what, "--server", &server, "--out", "proof.json"]).with(0);
        place.lockgate(&["audit", "check", "proof.json", "--key", &key]).with(0);
    }
}

#[test]
fn an_auditor_of_a_team_verifies_the_whole_log_and_is_told_what_was_withheld() {
    let place = Place::new();
    let (key, _) = place.head();
    let storage = Arc::new(place.storage());
    let entry = EntryDraft::new("deployment/shop/d-1", "requested", Timestamp::from_millis(0), &json!({})).unwrap();
    let entries = vec![entry.of_team("shop").unwrap()];
    storage.append(Append { entries, ..Append::default() }).unwrap();
    let server = serve(routes_for(storage, Teams::Named(["shop".parse().unwrap()].into())));
    let verify = ["audit", "verify", "--server", &server, "--key", &key];
    let table = place.lockgate(&verify).with(0).stdout;
    let told = "7 of 9 entries (they belong to other teams or to none); their hashes were verified";
    assert!(table.contains(told), "{table}");
    let said = place.lockgate(&[&verify[..], &["-o", "json"]].concat()).with(0).json();
    assert_eq!((&said["intact"], &said["checked"]["withheld_entries"]), (&json!(true), &json!(7)));
    let refused = place.lockgate(&["audit", "prove", "3", "--server", &server]).with(1).stderr;
    assert!(refused.contains("entry 3 is withheld: it belongs to another team, or to none"), "{refused}");
    place.lockgate(&["audit", "prove", "8", "--server", &server, "--out", "proof.json"]).with(0);
    let proven = place.lockgate(&["audit", "check", "proof.json", "--key", &key]).with(0).stdout;
    assert!(proven.contains("shop"), "{proven}");
}

#[test]
fn a_server_that_is_not_there_is_a_failure_and_no_tampering() {
    let place = Place::new();
    let ended = place.lockgate(&["audit", "verify", "--server", "http://127.0.0.1:9"]).with(1);
    assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
}

#[test]
fn what_is_handed_in_wrongly_is_told_and_nothing_is_verified() {
    let place = Place::new();
    place.write("notes.txt", "nothing that a database would begin with");
    place.write("half.txt", place.head().1.lines().next().unwrap());
    let secret = place.read("lockgate-data/ledger.key");
    for (arguments, says) in [
        (vec!["verify", "--data", "nowhere"], "ledger not found: `nowhere/ledger.db`"),
        (vec!["verify", "--file", "notes.txt"], "`notes.txt` is not a ledger"),
        (vec!["verify", "--file", "lockgate-data"], "is a folder"),
        (vec!["verify", "--key", "abc"], "`--key`: that is not a verifying key"),
        (vec!["verify", "--key", secret.trim()], "`--key` is a signing key, and the public key is needed"),
        (vec!["verify", "--checkpoint", "half.txt"], "`half.txt`: not a signed note"),
        (vec!["verify", "--checkpoint", "gone.txt"], "checkpoint not found: `gone.txt`"),
        (vec!["verify", "--server", "deploy.example.com"], "is not the URL of a server"),
        (vec!["verify", "--server", "http://127.0.0.1:9", "--token-file", "gone"], "token not found: `gone`"),
        (vec!["prove", "8"], "the log has no entry 8"),
        (vec!["prove", "dec-0"], "the log has no decision and no other entry with the id `dec-0`"),
        (vec!["check", "notes.txt"], "a public key is required"),
    ] {
        let ended = place.lockgate(&[vec!["audit"], arguments.clone()].concat()).with(3);
        assert!(ended.stderr.contains(says), "{arguments:?}: {}", ended.stderr);
        assert!(!ended.said().contains(secret.trim()), "{arguments:?}");
    }
}
