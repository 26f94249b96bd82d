//! The audit log: heads, proofs, keys.

use super::{Ledger, append, event};
use crate::audit::{Audit, audit};
use crate::note::SigningKey;
use crate::{Error, Storage, prove_consistency, prove_inclusion, verify};

super::cases! {
    every_append_returns_a_signed_checkpoint_that_holds_it,
    every_entry_can_be_proved,
    every_checkpoint_can_be_proved_to_have_grown_into_the_head,
    an_audit_of_an_honest_log_finds_nothing,
    a_key_can_be_replaced,
    a_process_with_a_key_that_was_replaced_cannot_write,
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
