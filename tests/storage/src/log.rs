//! The audit log: heads, proofs, keys.

use super::{Ledger, append, event};
use lockgate_ledger::audit::{Audit, audit};
use lockgate_ledger::note::SigningKey;
use std::collections::BTreeSet;

use lockgate_domain::TeamName;

use lockgate_ledger::{
    EntryQuery, Error, LogSource, SourceEntry, Storage, TeamView, prove_consistency, prove_inclusion, verify,
};

super::cases! {
    every_append_returns_a_signed_checkpoint_that_holds_it,
    every_entry_can_be_proved,
    every_checkpoint_can_be_proved_to_have_grown_into_the_head,
    an_audit_of_an_honest_log_finds_nothing,
    a_key_can_be_replaced,
    a_process_with_a_key_that_was_replaced_cannot_write,
    a_team_sees_its_entries_and_the_ledgers_own_and_of_others_the_hash,
    a_team_verifies_the_whole_log,
}

fn every_append_returns_a_signed_checkpoint_that_holds_it(ledger: &Ledger<'_>) {
    let (storage, key) = (ledger.open(), ledger.key());
    for n in 0..5 {
        let appended = storage.append(append(vec![event("a", n), event("b", n)])).unwrap();
        let checkpoint = verify::checkpoint(&appended.checkpoint, key.verifying_key()).unwrap();
        assert!(appended.entries.iter().all(|placed| placed.index < checkpoint.size));
        assert_eq!(checkpoint.origin, "conformance.example/ledger");
    }
}

fn proven(storage: &dyn Storage, key: &SigningKey) {
    let size = storage.head().unwrap().size;
    for index in 0..size {
        let proof = serde_json::to_string(&prove_inclusion(storage, index).unwrap()).unwrap();
        let included = verify::inclusion(&proof, key.verifying_key()).unwrap();
        assert_eq!((included.entry.index, included.checkpoint.size), (index, size));
    }
    assert!(matches!(prove_inclusion(storage, size), Err(Error::NotFound(_))));
}

fn every_entry_can_be_proved(ledger: &Ledger<'_>) {
    let (storage, key) = (ledger.open(), ledger.key());
    for n in 0..40 {
        storage.append(append(vec![event("a", n)])).unwrap();
        if n % 7 == 0 {
            proven(&*storage, &key);
        }
    }
    proven(&*storage, &key);
}

fn every_checkpoint_can_be_proved_to_have_grown_into_the_head(ledger: &Ledger<'_>) {
    let (storage, key) = (ledger.open(), ledger.key());
    let mut checkpoints = vec![storage.head().unwrap().checkpoint];
    for n in 0..20 {
        checkpoints.push(storage.append(append(vec![event("a", n)])).unwrap().checkpoint);
    }
    for (older, note) in checkpoints.iter().enumerate() {
        let proof = serde_json::to_string(&prove_consistency(&*storage, note).unwrap()).unwrap();
        let consistent = verify::consistency(&proof, key.verifying_key()).unwrap();
        assert_eq!((consistent.older.size, consistent.newer.size), (older as u64 + 1, 21));
    }
}

fn an_audit_of_an_honest_log_finds_nothing(ledger: &Ledger<'_>) {
    let (storage, key) = (ledger.open(), ledger.key());
    let mut checkpoints = Vec::new();
    for n in 0..25 {
        checkpoints.push(storage.append(append(vec![event("a", n), event("b", n)])).unwrap().checkpoint);
    }
    let report = audit(&*storage, &Audit { key: Some(key.verifying_key().clone()), checkpoints }).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.entries, 51);
    assert_eq!(report.keys, [key.verifying_key().clone()]);
}

fn a_key_can_be_replaced(ledger: &Ledger<'_>) {
    let (storage, old) = (ledger.open(), ledger.key());
    let before = storage.append(append(vec![event("a", 1)])).unwrap().checkpoint;
    let next = SigningKey::generate("conformance.example/ledger").unwrap();
    let verifying = next.verifying_key().clone();
    let announced = storage.rotate(next).unwrap().checkpoint;
    // Both signed the log that announces it; from then on the new one signs alone.
    verify::checkpoint(&announced, old.verifying_key()).unwrap();
    verify::checkpoint(&announced, &verifying).unwrap();
    let after = storage.append(append(vec![event("a", 2)])).unwrap().checkpoint;
    verify::checkpoint(&after, &verifying).unwrap();
    verify::checkpoint(&after, old.verifying_key()).unwrap_err();
    assert_eq!(storage.head().unwrap().key, verifying);
    // Old checkpoints still verify, and whoever has only the old key can follow to the new one.
    verify::checkpoint(&before, old.verifying_key()).unwrap();
    proven(&*storage, &old);
    let proof = serde_json::to_string(&prove_consistency(&*storage, &before).unwrap()).unwrap();
    verify::consistency(&proof, old.verifying_key()).unwrap();
    let against = Audit { key: Some(old.verifying_key().clone()), checkpoints: vec![before, announced, after] };
    let report = audit(&*storage, &against).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.keys, [old.verifying_key().clone(), verifying]);
}

fn a_process_with_a_key_that_was_replaced_cannot_write(ledger: &Ledger<'_>) {
    let (first, second) = (ledger.open(), ledger.open());
    first.rotate(SigningKey::generate("conformance.example/ledger").unwrap()).unwrap();
    let outcome = second.append(append(vec![event("a", 1)]));
    assert!(matches!(outcome, Err(Error::KeyRetired { .. })), "{outcome:?}");
    assert!(second.health().failing.is_some());
    first.append(append(vec![event("a", 1)])).unwrap();
    // It can still read.
    assert_eq!(second.version("a").unwrap(), 1);
}

/// Eight entries: 0 is the ledger's own, and so is 5; 1, 4 and 7 are of `shop`, 2 and 6 of `billing`, and 3 of no team.
fn of_two_teams(ledger: &Ledger<'_>) -> std::sync::Arc<dyn Storage> {
    let storage = ledger.open();
    let of = |team: &str, stream: &str, n| event(stream, n).with_id("d-1").unwrap().of_team(team).unwrap();
    let first = vec![of("shop", "a", 1), of("billing", "shared", 2), event("tokens", 3), of("shop", "shared", 4)];
    storage.append(append(first)).unwrap();
    storage.rotate(SigningKey::generate("conformance.example/ledger").unwrap()).unwrap();
    storage.append(append(vec![of("billing", "shared", 6), of("shop", "shared", 7)])).unwrap();
    storage
}

fn a_team_sees_its_entries_and_the_ledgers_own_and_of_others_the_hash(ledger: &Ledger<'_>) {
    let storage = of_two_teams(ledger);
    let all = || EntryQuery { limit: 100, ..EntryQuery::default() };
    let text = |text: &str| Some(text.to_owned());
    let see = |teams: &[&str], query: EntryQuery| -> Vec<String> {
        let teams: BTreeSet<TeamName> = teams.iter().map(|team| team.parse().unwrap()).collect();
        let view = TeamView::new(&*storage, &teams);
        let found = view.entries_with_withheld(&query).unwrap();
        let whole: Vec<_> = found.iter().cloned().filter_map(SourceEntry::whole).collect();
        if query.is_filtered() {
            assert_eq!(view.entries(&query).unwrap(), whole);
        }
        let entries = storage.entries(&all()).unwrap();
        let seen = found.into_iter().map(|found| match found {
            SourceEntry::Whole(entry) => {
                assert_eq!(entry, entries[entry.index as usize]);
                entry.index.to_string()
            }
            SourceEntry::Withheld(withheld) => {
                assert_eq!(withheld.hash, entries[withheld.index as usize].hash);
                format!("({})", withheld.index)
            }
        });
        seen.collect()
    };
    assert_eq!(see(&["shop"], all()), ["0", "1", "(2)", "(3)", "4", "5", "(6)", "7"]);
    assert_eq!(see(&["shop", "billing"], all()), ["0", "1", "2", "(3)", "4", "5", "6", "7"]);
    assert_eq!(see(&[], all()), ["0", "(1)", "(2)", "(3)", "(4)", "5", "(6)", "(7)"]);
    assert_eq!(see(&["shop"], EntryQuery { from: 2, before: Some(5), ..all() }), ["(2)", "(3)", "4"]);
    assert_eq!(see(&["shop"], EntryQuery { limit: 3, ..all() }), ["0", "1", "(2)"]);
    assert_eq!(see(&["shop"], EntryQuery { newest_first: true, limit: 3, ..all() }), ["7", "(6)", "5"]);
    assert_eq!(see(&["shop"], EntryQuery { newest_first: true, before: Some(4), ..all() }), ["(3)", "(2)", "1", "0"]);
    assert_eq!(see(&["shop"], EntryQuery { from: 100, ..all() }), [] as [&str; 0]);
    // What a filter names of others is not even there as a hash.
    assert_eq!(see(&["shop"], EntryQuery { stream: text("shared"), ..all() }), ["4", "7"]);
    assert_eq!(see(&["shop"], EntryQuery { stream: text("tokens"), ..all() }), [] as [&str; 0]);
    assert_eq!(see(&["shop"], EntryQuery { stream: text("ledger"), ..all() }), ["0", "5"]);
    assert_eq!(see(&["shop"], EntryQuery { kind: text("event"), ..all() }), ["1", "4", "7"]);
    assert_eq!(see(&["shop"], EntryQuery { kind: text("log-key"), newest_first: true, ..all() }), ["5", "0"]);
    assert_eq!(see(&["shop"], EntryQuery { id: text("d-1"), ..all() }), ["1", "4", "7"]);
    assert_eq!(see(&["shop"], EntryQuery { team: text("shop"), ..all() }), ["1", "4", "7"]);
    assert_eq!(see(&["shop"], EntryQuery { team: text("billing"), ..all() }), [] as [&str; 0]);
    let both = ["shop", "billing"];
    assert_eq!(see(&both, EntryQuery { id: text("d-1"), limit: 3, ..all() }), ["1", "2", "4"]);
    assert_eq!(see(&both, EntryQuery { id: text("d-1"), newest_first: true, limit: 3, ..all() }), ["7", "6", "4"]);
    assert_eq!(see(&both, EntryQuery { id: text("d-1"), from: 2, before: Some(7), ..all() }), ["2", "4", "6"]);
}

fn a_team_verifies_the_whole_log(ledger: &Ledger<'_>) {
    let storage = of_two_teams(ledger);
    let against = Audit { key: Some(ledger.key().verifying_key().clone()), ..Audit::default() };
    let whole = audit(&*storage, &against).unwrap();
    assert_eq!((whole.entries, whole.withheld), (8, 0));
    let teams = BTreeSet::from(["shop".parse().unwrap()]);
    let view = TeamView::new(&*storage, &teams);
    let report = audit(&view, &against).unwrap();
    assert_eq!((report.entries, report.withheld), (5, 3));
    assert_eq!((report.findings, report.keys, report.checkpoint), (vec![], whole.keys, whole.checkpoint));
    let proof = serde_json::to_string(&prove_inclusion(&view, 7).unwrap()).unwrap();
    assert_eq!(verify::inclusion(&proof, ledger.key().verifying_key()).unwrap().entry.index, 7);
    assert!(matches!(prove_inclusion(&view, 6), Err(Error::Withheld(6))));
    assert!(matches!(prove_inclusion(&view, 8), Err(Error::NotFound(_))));
}
