//! Proofs by themselves: what is left of a ledger when only the proof and a key are at hand.

use lockgate_ledger::note::{SigningKey, VerifyingKey};
use lockgate_ledger::verify::{self, ProofError};
use lockgate_ledger::{ConsistencyProof, LogSource as _, Storage as _, prove_consistency, prove_inclusion};
use proptest::prelude::*;
use serde_json::Value;

use super::support::{Ledger, NAME, event};

fn inclusion(ledger: &Ledger, index: u64) -> String {
    serde_json::to_string_pretty(&prove_inclusion(&ledger.storage, index).unwrap()).unwrap()
}

fn other_key() -> VerifyingKey {
    SigningKey::generate(NAME).unwrap().verifying_key().clone()
}

#[test]
fn a_proof_verifies_after_the_ledger_is_gone() {
    let ledger = Ledger::with(10);
    let (proof, key) = (inclusion(&ledger, 7), ledger.key.clone());
    drop(ledger);
    let included = verify::inclusion(&proof, &key).unwrap();
    assert_eq!(included.entry.body, serde_json::json!({ "n": 7 }));
    assert_eq!((included.entry.index, included.checkpoint.size), (7, 11));
    assert_eq!(included.checkpoint.origin, NAME);
}

#[test]
fn a_proof_is_json_that_shows_the_entry() {
    let ledger = Ledger::with(2);
    let proof: Value = serde_json::from_str(&inclusion(&ledger, 2)).unwrap();
    assert_eq!(proof["format"], "lockgate-inclusion-proof/v1");
    assert_eq!(proof["entry"]["stream"], "b");
    assert_eq!(proof["entry"]["body"]["n"], 2);
    assert_eq!(proof["hashes"].as_array().unwrap().len(), 1);
    assert!(proof["checkpoint"].as_str().unwrap().starts_with("test.example/ledger\n3\n"));
}

#[test]
fn another_key_proves_nothing() {
    let ledger = Ledger::with(3);
    let outcome = verify::inclusion(&inclusion(&ledger, 1), &other_key());
    assert!(matches!(outcome, Err(ProofError::Signature { size: 4, .. })), "{outcome:?}");
}

#[test]
fn a_proof_of_another_entry_or_place_proves_nothing() {
    let ledger = Ledger::with(9);
    let proof = inclusion(&ledger, 4);
    for (from, to) in [("\"n\": 4", "\"n\": 5"), ("\"index\": 4", "\"index\": 5"), ("\"index\": 4", "\"index\": 99")] {
        let outcome = verify::inclusion(&proof.replace(from, to), &ledger.key);
        assert!(matches!(outcome, Err(ProofError::NotIncluded { size: 10, .. })), "{outcome:?}");
    }
}

#[test]
fn a_consistency_proof_between_histories_that_differ_is_rejected() {
    let (one, other) = (Ledger::with(5), Ledger::with(5));
    // Two logs that say the same, of one name, but of other keys: as after a restart from nothing.
    let older = one.storage.head().unwrap().checkpoint;
    other.append(vec![event("a", 6)]);
    let proof = prove_consistency(&other.storage, &older).unwrap();
    let outcome = verify::consistency(&serde_json::to_string(&proof).unwrap(), &one.key);
    assert!(matches!(outcome, Err(ProofError::Signature { .. })), "{outcome:?}");
}

#[test]
fn a_consistency_proof_with_changed_hashes_is_rejected() {
    let ledger = Ledger::with(5);
    let older = ledger.storage.head().unwrap().checkpoint;
    ledger.append(vec![event("a", 6), event("a", 7)]);
    let mut proof = prove_consistency(&ledger.storage, &older).unwrap();
    let text = |proof: &ConsistencyProof| serde_json::to_string(proof).unwrap();
    let consistent = verify::consistency(&text(&proof), &ledger.key).unwrap();
    assert_eq!((consistent.older.size, consistent.newer.size), (6, 8));
    proof.hashes.swap(0, 1);
    let outcome = verify::consistency(&text(&proof), &ledger.key);
    assert!(matches!(outcome, Err(ProofError::NotConsistent { older: 6, newer: 8 })), "{outcome:?}");
}

#[test]
fn a_proof_leads_from_the_first_key_through_all_changes() {
    let ledger = Ledger::with(3);
    let mut keys = vec![ledger.key.clone()];
    for n in 0..3 {
        let next = SigningKey::generate(NAME).unwrap();
        keys.push(next.verifying_key().clone());
        ledger.storage.rotate(next).unwrap();
        ledger.append(vec![event("a", n)]);
    }
    let proof = inclusion(&ledger, 2);
    for key in &keys {
        assert_eq!(&verify::inclusion(&proof, key).unwrap().key, keys.last().unwrap());
    }
    verify::inclusion(&proof, &other_key()).unwrap_err();
    // Without the changes of keys, only the current one verifies it.
    let mut short: Value = serde_json::from_str(&proof).unwrap();
    short["keys"] = Value::Array(vec![]);
    verify::inclusion(&short.to_string(), keys.last().unwrap()).unwrap();
    verify::inclusion(&short.to_string(), &keys[0]).unwrap_err();
}

#[test]
fn a_change_of_keys_that_the_old_key_did_not_sign_is_not_followed() {
    let (honest, forged) = (Ledger::with(3), Ledger::with(3));
    for ledger in [&honest, &forged] {
        ledger.storage.rotate(SigningKey::generate(NAME).unwrap()).unwrap();
    }
    let honest_proof: Value = serde_json::from_str(&inclusion(&honest, 2)).unwrap();
    let mut proof: Value = serde_json::from_str(&inclusion(&forged, 2)).unwrap();
    // The forger says that the honest key was replaced by his own.
    let mut change = proof["keys"][0].clone();
    change["entry"]["body"]["replaces"] = Value::from(honest.key.to_string());
    proof["keys"] = Value::Array(vec![change]);
    verify::inclusion(&proof.to_string(), &honest.key).unwrap_err();
    proof["keys"] = honest_proof["keys"].clone();
    verify::inclusion(&proof.to_string(), &honest.key).unwrap_err();
}

#[test]
fn a_proof_can_be_written_as_other_tools_read_it() {
    let ledger = Ledger::with(3);
    let proof = prove_inclusion(&ledger.storage, 2).unwrap();
    let text = proof.to_tlog_proof();
    let (head, checkpoint) = text.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
    assert_eq!(lines.next(), Some("index 2"));
    assert_eq!(
        lines.map(str::to_owned).collect::<Vec<_>>(),
        proof.hashes.iter().map(ToString::to_string).collect::<Vec<_>>()
    );
    verify::checkpoint(checkpoint, &ledger.key).unwrap();
}

proptest! {
    #![proptest_config(lockgate_repeat::Repeat::new(400, 20000).property())]

    /// Whatever somebody changes: it never proves anything that was not in the log.
    #[test]
    fn a_changed_proof_proves_the_same_or_nothing(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        thread_local! {
            static PROOF: (String, VerifyingKey) = {
                let ledger = Ledger::with(9);
                ledger.storage.rotate(SigningKey::generate(NAME).unwrap()).unwrap();
                (inclusion(&ledger, 5), ledger.key.clone())
            };
        }
        PROOF.with(|(proof, key)| {
            let honest = verify::inclusion(proof, key).unwrap();
            let mut bytes = proof.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = to;
            if let Ok(text) = String::from_utf8(bytes)
                && let Ok(included) = verify::inclusion(&text, key)
            {
                prop_assert_eq!((included.entry, included.checkpoint), (honest.entry, honest.checkpoint));
            }
            Ok(())
        })?;
    }
}
