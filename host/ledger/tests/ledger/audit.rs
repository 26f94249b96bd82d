//! An audit finds whatever was changed in the file, and says where.

use lockgate_domain::Digest;
use lockgate_domain::Timestamp;
use lockgate_ledger::audit::{Audit, AuditReport, FindingPlace, audit};
use lockgate_ledger::note::SigningKey;
use lockgate_ledger::{LogSource as _, RetentionRule, SqliteOptions, SqliteStorage, Storage as _};
use rusqlite::{Connection, params};

use super::support::{Ledger, NAME, event, evidence};

fn report(ledger: &Ledger) -> AuditReport {
    audit(&ledger.storage, &Audit { key: Some(ledger.key.clone()), ..Audit::default() }).unwrap()
}

fn places(ledger: &Ledger) -> Vec<FindingPlace> {
    report(ledger).findings.into_iter().map(|finding| finding.place).collect()
}

#[test]
fn nothing_is_found_in_an_honest_log() {
    let ledger = Ledger::with(40);
    let report = report(&ledger);
    assert_eq!(report.findings, []);
    assert_eq!((report.entries, report.keys), (41, vec![ledger.key.clone()]));
}

#[test]
fn nothing_is_found_in_a_log_that_grows_while_it_is_read() {
    let ledger = Ledger::with(300);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                ledger.storage.append(evidence(n, &n.to_le_bytes())).unwrap();
                if n % 20 == 0 {
                    let before = Timestamp::from_millis(i64::MAX);
                    let rule = RetentionRule::Content { kind: "evidence".to_owned(), before };
                    ledger.storage.forget(&rule).unwrap();
                    ledger.storage.rotate(SigningKey::generate(NAME).unwrap()).unwrap();
                }
                if done.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
            }
        });
        for _ in 0..8 {
            assert_eq!(report(&ledger).findings, []);
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn any_changed_byte_of_any_entry_is_found_and_located() {
    let ledger = Ledger::with(4);
    let file = Connection::open(ledger.path()).unwrap();
    let write = |index: u64, dictionary: i64, text: &[u8]| {
        let sql = "UPDATE entries SET dictionary = ?1, text = ?2 WHERE idx = ?3";
        file.execute(sql, params![dictionary, text, index as i64]).unwrap();
    };
    for index in 0..5 {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let sql = "SELECT dictionary, text FROM entries WHERE idx = ?1";
        let (dictionary, text): (i64, Vec<u8>) = file.query_row(sql, [index as i64], row).unwrap();
        let leaf = ledger.entry(index).leaf;
        assert!(dictionary > 0 && text.len() < leaf.len(), "it is compressed");
        for at in 0..text.len() {
            let mut changed = text.clone();
            changed[at] ^= 1;
            write(index, dictionary, &changed);
            // A few bits of a frame mean nothing.
            let found = places(&ledger).contains(&FindingPlace::Entry(index));
            assert!(found || ledger.entry(index).leaf == leaf, "byte {at} of the row of entry {index}");
        }
        write(index, dictionary, &text);
        for at in 0..leaf.len() {
            let change = |leaf: &str| {
                let mut changed = leaf.as_bytes().to_vec();
                changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
                String::from_utf8(changed).unwrap()
            };
            ledger.forge(index, change, false);
            assert!(places(&ledger).contains(&FindingPlace::Entry(index)), "byte {at} of entry {index}");
            write(index, dictionary, &text);
        }
    }
    assert_eq!(places(&ledger), []);
}

#[test]
fn a_row_that_does_not_decompress_is_found_and_located_and_harms_no_other() {
    let bomb = {
        let frame = zstd_frame(&[b'x'; 40 << 20]);
        assert!(frame.len() < 10_000, "{}", frame.len());
        frame
    };
    for (dictionary, text, says) in [
        (0, b"no leaf".to_vec(), "its text is not that of an entry"),
        (0, Vec::new(), "its text is not that of an entry"),
        (1, b"no frame".to_vec(), "not a Zstandard frame"),
        (1, bomb, "41943040 bytes uncompressed"),
        (7, b"whatever".to_vec(), "the dictionary 7, but there"),
        (-1, b"whatever".to_vec(), "the dictionary -1, but there"),
    ] {
        let ledger = Ledger::with(6);
        let sql = "UPDATE entries SET dictionary = ?1, text = ?2 WHERE idx = 3";
        Connection::open(ledger.path()).unwrap().execute(sql, params![dictionary, text]).unwrap();
        let findings = report(&ledger).findings;
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        assert_eq!(finding.place, FindingPlace::Entry(3));
        assert!(finding.message.contains(says), "{finding}");
        let said = ledger.entry(3).read().unwrap_err();
        assert!(said.contains("entry 3 of the ledger was changed in the file") && said.contains(says), "{said}");
        // All others are read as before, and written.
        assert!([1, 2, 4, 5, 6].into_iter().all(|index| ledger.entry(index).read().is_ok()));
        assert_eq!(ledger.append(vec![event("a", 7)]).entries[0].index, 7);
        assert!(lockgate_ledger::prove_inclusion(&ledger.storage, 3).is_err());
        lockgate_ledger::prove_inclusion(&ledger.storage, 2).unwrap();
    }
}

/// Compressed without a dictionary, which every dictionary can read.
fn zstd_frame(content: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(content, 3).unwrap()
}

#[test]
fn a_changed_column_beside_an_entry_is_found() {
    for change in [
        "kind = 'decision'",
        "stream = 'c'",
        "id = 'x'",
        "at = 7",
        "team = 'shop'",
        "sequence = 9",
        "hash = zeroblob(32)",
    ] {
        let ledger = Ledger::with(6);
        ledger.tamper(&format!("UPDATE entries SET {change} WHERE idx = 3"));
        assert!(places(&ledger).contains(&FindingPlace::Entry(3)), "{change}: {:?}", report(&ledger).findings);
    }
}

/// Bytes and hash of entry 3 changed together, as somebody does who knows how the hash is made.
fn forge_entry_3(ledger: &Ledger) {
    ledger.forge(3, |leaf| leaf.replace("\"n\":3", "\"n\":9"), true);
}

#[test]
fn an_entry_that_was_changed_together_with_its_hash_is_found_by_the_node_above() {
    let ledger = Ledger::with(6);
    forge_entry_3(&ledger);
    let places = places(&ledger);
    assert!(places.contains(&FindingPlace::Entries { first: 2, last: 3 }), "{places:?}");
    assert!(places.contains(&FindingPlace::Head), "{places:?}");
    // Said once, and not again for each node above.
    assert_eq!(places.iter().filter(|place| matches!(place, FindingPlace::Entries { .. })).count(), 1);
}

#[test]
fn a_tree_that_was_made_anew_is_found_by_what_was_signed() {
    let ledger = Ledger::with(6);
    let kept = ledger.storage.head().unwrap().checkpoint;
    forge_entry_3(&ledger);
    // All nodes made to fit, and the root as well.
    let query = lockgate_ledger::EntryQuery { limit: 10, ..Default::default() };
    let mut frontier = lockgate_ledger::tree::Frontier::empty();
    let file = Connection::open(ledger.path()).unwrap();
    for entry in ledger.storage.entries(&query).unwrap() {
        frontier.push(entry.hash, |node, hash| {
            file.execute("UPDATE nodes SET hash = ?1 WHERE node = ?2", params![hash.as_bytes(), node as i64]).unwrap();
        });
    }
    file.execute("UPDATE log SET root = ?1", params![frontier.root().as_bytes()]).unwrap();
    let found = audit(&ledger.storage, &Audit { key: None, checkpoints: vec![kept] }).unwrap().findings;
    let places: Vec<FindingPlace> = found.iter().map(|finding| finding.place).collect();
    // The checkpoint of the first entry is kept; so it is one of those after it.
    assert_eq!(
        places,
        [FindingPlace::Entries { first: 1, last: 6 }, FindingPlace::Head, FindingPlace::Elsewhere(7)],
        "{found:?}"
    );
}

#[test]
fn an_entry_that_was_taken_out_is_found() {
    let ledger = Ledger::with(6);
    ledger.tamper("DELETE FROM entries WHERE idx = 3");
    assert!(places(&ledger).contains(&FindingPlace::Entry(3)));
    let ledger = Ledger::with(6);
    ledger.tamper("DELETE FROM entries WHERE idx >= 4");
    assert!(places(&ledger).contains(&FindingPlace::Entries { first: 4, last: 6 }));
}

#[test]
fn entries_that_changed_places_are_found() {
    let ledger = Ledger::with(6);
    for (from, to) in [(3, 99), (5, 3), (99, 5)] {
        ledger.tamper(&format!("UPDATE entries SET idx = {to} WHERE idx = {from}"));
    }
    let places = places(&ledger);
    assert!(places.contains(&FindingPlace::Entry(3)) && places.contains(&FindingPlace::Entry(5)), "{places:?}");
}

#[test]
fn a_log_that_was_cut_off_and_says_so_is_found_by_its_signature() {
    let ledger = Ledger::with(6);
    ledger.tamper("DELETE FROM entries WHERE idx >= 4");
    ledger.tamper("UPDATE log SET size = 4");
    assert!(places(&ledger).contains(&FindingPlace::Head));
}

#[test]
fn a_log_that_was_rolled_back_as_a_whole_is_found_by_a_checkpoint_that_was_kept() {
    let ledger = Ledger::with(3);
    let earlier = ledger.folder.path().join("earlier.db");
    ledger.storage.backup(&earlier).unwrap();
    let kept = ledger.append(vec![event("a", 4)]).checkpoint;
    let earlier = SqliteStorage::open_read_only(&earlier).unwrap();
    // By itself it is an honest log, only an old one.
    let against = |checkpoints| Audit { key: Some(ledger.key.clone()), checkpoints };
    assert_eq!(audit(&earlier, &against(vec![])).unwrap().findings, []);
    let found = audit(&earlier, &against(vec![kept])).unwrap().findings;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].place, FindingPlace::Elsewhere(5));
    assert_eq!(found[0].message, "the log was rolled back: 5 entries were signed, 4 are here");
}

#[test]
fn a_changed_signature_or_checkpoint_is_found() {
    let ledger = Ledger::with(3);
    ledger.tamper("UPDATE log SET checkpoint = replace(checkpoint, char(10) || '4', char(10) || '5')");
    assert_eq!(places(&ledger), [FindingPlace::Head]);
    let ledger = Ledger::with(3);
    ledger.tamper("UPDATE checkpoints SET note = replace(note, 'test.example', 'best.example')");
    assert!(places(&ledger).contains(&FindingPlace::Checkpoint(1)));
}

#[test]
fn a_log_of_somebody_elses_is_not_taken_for_this_one() {
    let (ledger, other) = (Ledger::with(2), Ledger::with(2));
    let found = audit(&other.storage, &Audit { key: Some(ledger.key.clone()), ..Audit::default() }).unwrap().findings;
    assert_eq!(found.iter().map(|finding| finding.place).collect::<Vec<_>>(), [FindingPlace::Key]);
}

#[test]
fn a_change_of_keys_without_the_signature_of_the_old_key_is_found() {
    let ledger = Ledger::with(2);
    ledger.storage.rotate(SigningKey::generate(NAME).unwrap()).unwrap();
    assert_eq!(report(&ledger).findings, []);
    let (size, note) = ledger.storage.checkpoints(1, 10).unwrap().remove(0);
    let (without, _) = note.trim_end().rsplit_once('\n').unwrap();
    let (text, _) = note.split_once("\n\n").unwrap();
    let newer = note.lines().last().unwrap();
    assert!(without.starts_with(text));
    let file = Connection::open(ledger.path()).unwrap();
    let forged = format!("{text}\n\n{newer}\n");
    file.execute("UPDATE checkpoints SET note = ?1 WHERE size = ?2", params![forged, size as i64]).unwrap();
    assert_eq!(places(&ledger), [FindingPlace::Entry(3)]);
}

#[test]
fn content_that_was_swapped_taken_away_or_deleted_without_a_word_is_found() {
    let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
    let ledger = || {
        let ledger = Ledger::new();
        ledger.storage.append(evidence(1, b"one")).unwrap();
        ledger.storage.append(evidence(2, b"two")).unwrap();
        ledger
    };
    for change in ["dictionary = 0, bytes = x'74776f'", "dictionary = 1", "dictionary = 99", "bytes = zeroblob(99)"] {
        let swapped = ledger();
        swapped.tamper(&format!("UPDATE content_bytes SET {change} WHERE id = 1"));
        assert_eq!(places(&swapped), [FindingPlace::Content(one)], "{change}");
    }
    let taken = ledger();
    taken.tamper("DELETE FROM content_bytes WHERE id = 2");
    assert_eq!(places(&taken), [FindingPlace::Content(two)]);
    let gone = ledger();
    gone.tamper("DELETE FROM content WHERE id = 2");
    assert_eq!(places(&gone), [FindingPlace::Content(two)]);
    let deleted = ledger();
    deleted.tamper("DELETE FROM content_bytes WHERE id = 2");
    deleted.tamper("UPDATE content SET deleted = 5 WHERE id = 2");
    assert_eq!(places(&deleted), [FindingPlace::Content(two)]);
}

#[test]
fn what_retention_deleted_is_no_finding_and_its_entries_still_prove() {
    let (ledger, secret) = (Ledger::new(), b"\xfa\xfb name and address \xfc\xfd".as_slice());
    let index = ledger.storage.append(evidence(1, secret)).unwrap().entries[0].index;
    let rule = RetentionRule::Content { kind: "evidence".to_owned(), before: Timestamp::from_millis(i64::MAX) };
    let forgotten = ledger.storage.forget(&rule).unwrap();
    assert_eq!((forgotten.count, forgotten.bytes), (1, secret.len() as u64));
    let report = report(&ledger);
    assert_eq!((report.findings, report.deleted), (vec![], 1));
    let proof = lockgate_ledger::prove_inclusion(&ledger.storage, index).unwrap();
    assert_eq!(proof.entry.references, [Digest::of(secret)]);
    lockgate_ledger::verify::inclusion(&serde_json::to_string(&proof).unwrap(), &ledger.key).unwrap();
    // Nothing of it is left on the disk either, once the ledger was closed.
    let holds =
        |path: &std::path::Path| std::fs::read(path).unwrap().windows(secret.len()).any(|window| window == secret);
    let path = ledger.path();
    drop(ledger.storage);
    assert!(!holds(&path));
}

#[test]
fn a_ledger_whose_head_was_changed_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let files = lockgate_ledger::KeyFile::new(folder.path().join("key"));
    drop(files.open(&path, NAME, SqliteOptions::default()).unwrap());
    Connection::open(&path).unwrap().execute("UPDATE log SET root = zeroblob(32)", []).unwrap();
    let error = files.open(&path, NAME, SqliteOptions::default()).err().unwrap().to_string();
    assert!(error.contains("the root of the 1 entry is not the one of the head"), "{error}");
}
