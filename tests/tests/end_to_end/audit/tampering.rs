//! A file that somebody changed, byte by byte: it is found, and where.

use std::sync::Arc;

use lockgate_domain::{Digest, Timestamp};
use lockgate_ledger::tree::Hash;
use lockgate_ledger::{Append, ContentBlob, EntryDraft, IdempotentRequest, LogSource as _, Storage as _};
use serde_json::{Value, json};

use super::support::{DECISION, Place};

/// A copy of the ledger in one file, which can be changed without SQLite.
struct Copy {
    place: Place,
    key: String,
    honest: Vec<u8>,
}

impl Copy {
    fn new() -> Self {
        Self::of(Place::new())
    }

    fn of(place: Place) -> Self {
        place.lockgate(&["ledger", "backup", "--to", "copy.db"]).with(0);
        let honest = std::fs::read(place.path("copy.db")).unwrap();
        Self { key: place.head().0, place, honest }
    }

    /// Where those bytes stand, which have to stand there once.
    fn find(&self, bytes: &[u8]) -> usize {
        let found: Vec<usize> = self.all(bytes).collect();
        assert_eq!(found.len(), 1, "{:?}", String::from_utf8_lossy(bytes));
        found[0]
    }

    fn all<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let windows = self.honest.windows(bytes.len()).enumerate();
        windows.filter(move |(_, window)| *window == bytes).map(|(at, _)| at)
    }

    /// Where the compressed text of the decision stands: behind its hash.
    fn text(&self) -> usize {
        let hash = self.place.entries().remove(3).hash;
        self.find(hash.as_bytes()) + hash.as_bytes().len()
    }

    /// Verifies the file with one bit of one byte changed.
    fn flipped(&self, at: usize) -> super::support::Ended {
        let mut changed = self.honest.clone();
        changed[at] ^= 1;
        self.place.write("copy.db", changed);
        self.place.lockgate(&["audit", "verify", "--file", "copy.db", "--key", &self.key, "-o", "json"])
    }

    fn findings(&self, at: usize) -> Vec<Value> {
        self.flipped(at).with(2).json()["findings"].as_array().unwrap().clone()
    }

    /// The one that stands for the entry of the decision.
    fn of_decision(&self, at: usize) -> Value {
        let findings = self.findings(at);
        let found = findings.iter().find(|found| found["place"] == "entry" && found["index"] == 3);
        found.unwrap_or_else(|| panic!("{findings:?}")).clone()
    }
}

#[test]
fn a_changed_byte_of_what_was_decided_is_found_with_its_stream_and_id() {
    let copy = Copy::new();
    let text = copy.text();
    // The first bytes say that it is compressed, and the others what was decided.
    for at in [0, 30, 100, 200] {
        let found = copy.of_decision(text + at);
        assert_eq!((&found["stream"], &found["id"]), (&json!("decisions/d-42"), &json!(DECISION)));
        let message = found["message"].as_str().unwrap();
        let expected = ["was stored when it was written", "cannot be decompressed", "not a Zstandard frame"];
        assert!(expected.iter().any(|words| message.contains(words)), "{at}: {found}");
    }
}

#[test]
fn a_changed_byte_of_what_an_entry_is_filed_under_is_found() {
    let copy = Copy::new();
    // The columns stand one after the other; the number 1 takes no byte.
    let row = copy.find(format!("decisions/d-42decision{DECISION}").as_bytes());
    let at = row + "decisions/d-42decision".len() + DECISION.len();
    for (at, says) in [
        (row, "its stream is `decisions/d-42`, but is filed under `eecisions/d-42`"),
        (row + 14, "its kind is `decision`, but is filed under `eecision`"),
        (row + 22, "but is filed under `eec-"),
        (at + 5, "its moment is `2025-03-04T09:03:00Z`, but is filed under"),
    ] {
        let found = copy.of_decision(at);
        assert!(found["message"].as_str().unwrap().contains(says), "{found}");
    }
}

#[test]
fn a_changed_byte_of_a_hash_is_found() {
    let copy = Copy::new();
    let entry = copy.place.entries().remove(3);
    copy.of_decision(copy.find(entry.hash.as_bytes()));
    // The node above entries 2 and 3.
    let node: Hash = copy.place.read_only().nodes(&[5]).unwrap()[0];
    let findings = copy.findings(copy.find(node.as_bytes()));
    assert_eq!((&findings[0]["first"], &findings[0]["last"]), (&json!(2), &json!(3)), "{findings:?}");
}

#[test]
fn a_changed_byte_of_a_signature_is_found() {
    let copy = Copy::new();
    let (_, checkpoint) = copy.place.head();
    let findings = copy.findings(copy.find(checkpoint.as_bytes()) + checkpoint.len() - 20);
    assert_eq!(findings[0]["place"], "head", "{findings:?}");
    let kept = copy.place.read_only().checkpoints(0, 1).unwrap().remove(0).1;
    let findings = copy.findings(copy.find(kept.as_bytes()) + kept.len() - 20);
    assert_eq!((&findings[0]["place"], &findings[0]["size"]), (&json!("checkpoint"), &json!(1)), "{findings:?}");
}

#[test]
fn a_changed_byte_of_content_is_found() {
    let place = Place::new();
    // Nothing about it can be made smaller, so it is kept as it is.
    let evidence = Digest::of(b"evidence").as_bytes().to_vec();
    let content = vec![ContentBlob::new("evidence", "application/octet-stream", Arc::new(evidence.clone()))];
    place.storage().append(Append { content, ..Append::default() }).unwrap();
    let copy = Copy::of(place);
    let findings = copy.findings(copy.find(&evidence) + 5);
    let digest = Digest::of(&evidence).text();
    assert_eq!((&findings[0]["place"], &findings[0]["digest"]), (&json!("content"), &json!(digest)), "{findings:?}");
}

#[test]
fn a_changed_byte_of_an_index_is_found_although_the_entries_are_intact() {
    let copy = Copy::new();
    // In the index by id there is neither kind nor leaf around it.
    let at = copy.all(DECISION.as_bytes()).find(|at| {
        let before = &copy.honest[at - 8..*at];
        before != b"decision" && !before.ends_with(b"\"")
    });
    let findings = copy.findings(at.unwrap());
    assert!(findings.iter().all(|found| found["place"] == "file"), "{findings:?}");
    assert!(findings.iter().any(|found| found["message"].as_str().unwrap().contains("entries_by_id")), "{findings:?}");
}

#[test]
fn a_page_that_cannot_be_read_is_found() {
    let copy = Copy::new();
    // The first byte of a page says what kind of page it is.
    let page = copy.text() / 4096 * 4096;
    let ended = copy.flipped(page).with(2);
    assert!(!ended.json()["findings"].as_array().unwrap().is_empty());
}

#[test]
fn a_log_that_was_cut_back_is_found_by_a_checkpoint_that_was_kept() {
    let copy = Copy::new();
    let storage = copy.place.storage();
    copy.place.append(&storage, 1);
    copy.place.write("kept.txt", copy.place.head().1);
    let against = ["audit", "verify", "--file", "copy.db", "--key", &copy.key];
    copy.place.lockgate(&against).with(0);
    let table = copy.place.lockgate(&[&against[..], &["--checkpoint", "kept.txt"]].concat()).with(2).stdout;
    assert!(table.contains("the log was rolled back: 9 entries were signed, 8 are here"), "{table}");
    assert!(table.ends_with("not intact 1 finding\n"), "{table}");
}

#[test]
fn wherever_a_byte_is_changed_it_is_told_or_makes_no_difference() {
    let copy = Copy::new();
    let root = copy.place.read_only().head().unwrap().root.to_string();
    let step = copy.honest.len() / 149;
    for at in (0..copy.honest.len()).step_by(step) {
        let ended = copy.flipped(at);
        assert!((0..=3).contains(&ended.code), "byte {at}: {ended:?}");
        assert!(!ended.stderr.contains("panicked"), "byte {at}: {ended:?}");
        if ended.code == 0 {
            let said = ended.json();
            assert_eq!((&said["root"], &said["checked"]["entries"]), (&json!(root), &json!(8)), "byte {at}");
        }
    }
}

#[test]
fn a_changed_answer_that_is_kept_for_an_idempotency_key_is_found() {
    let place = Place::new();
    let (scope, key, answer) = ("ci".to_owned(), "key-of-ci".to_owned(), Digest::of(b"answer").as_bytes().to_vec());
    let request = IdempotentRequest { scope, key, digest: Digest::of(b"what was asked"), answer: answer.clone() };
    let entry = EntryDraft::new("deployment/d-44", "requested", Timestamp::from_millis(0), &json!({})).unwrap();
    place.storage().append(Append { entries: vec![entry], request: Some(request), ..Append::default() }).unwrap();
    place.lockgate(&["ledger", "backup", "--to", "copy.db"]).with(0);
    place.lockgate(&["audit", "verify", "--file", "copy.db"]).with(0);
    let mut copy = std::fs::read(place.path("copy.db")).unwrap();
    let at = copy.windows(answer.len()).position(|window| window == answer).unwrap();
    copy[at] ^= 1;
    place.write("copy.db", copy);
    let said = place.lockgate(&["audit", "verify", "--file", "copy.db", "-o", "json"]).with(2).json();
    let findings = said["findings"].as_array().unwrap();
    assert_eq!((findings.len(), &findings[0]["place"]), (1, &json!("request")), "{said}");
    assert!(findings[0]["message"].as_str().unwrap().contains("the request `key-of-ci` was changed"), "{said}");
}
