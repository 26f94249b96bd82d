//! The answers that are kept for requests, changed behind the ledger's back: they are never given.

use lockgate_domain::Digest;
use lockgate_ledger::note::SigningKey;
use lockgate_ledger::{
    Append, EntryQuery, Error, FailureCause, IdempotentRequest, InvalidEntry, LogSource as _, Storage as _,
    prove_inclusion, verify,
};

use super::support::{Ledger, NAME, append, event};

fn asked(key: &str) -> Append {
    let answer = format!("answer to {key}").into_bytes();
    let request =
        IdempotentRequest { scope: "ci".to_owned(), key: key.to_owned(), digest: Digest::of(key.as_bytes()), answer };
    Append { request: Some(request), ..append(vec![event("a", 1), event("a", 2)]) }
}

fn answered(ledger: &Ledger, key: &str) -> Result<Option<Vec<u8>>, Error> {
    ledger.storage.answered("ci", key, &Digest::of(key.as_bytes()))
}

fn is_corrupt<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    assert!(matches!(&outcome, Err(Error::Unavailable(why)) if why.cause == FailureCause::Corrupt), "{outcome:?}");
}

/// With the requests `k1` and `k2`, whose first entries are 1 and 3.
fn ledger() -> Ledger {
    let ledger = Ledger::new();
    for key in ["k1", "k2"] {
        ledger.storage.append(asked(key)).unwrap();
    }
    ledger
}

#[test]
fn an_answer_that_was_changed_in_any_column_is_never_given() {
    for change in [
        "dictionary = 0, answer = CAST('something else' AS BLOB)",
        "dictionary = 99",
        "answer = zeroblob(20)",
        "answer = (SELECT answer FROM requests WHERE key = 'k2')",
        "digest = zeroblob(32)",
        "digest = zeroblob(31)",
        "first = first + 1",
        "first = (SELECT first FROM requests WHERE key = 'k2')",
        "first = 99",
        "first = -1",
        "count = 1",
        "salt = zeroblob(16)",
        "salt = zeroblob(3)",
    ] {
        let ledger = ledger();
        assert_eq!(ledger.storage.changed_answers().unwrap(), [] as [&str; 0]);
        ledger.tamper(&format!("UPDATE requests SET {change} WHERE key = 'k1'"));
        is_corrupt(answered(&ledger, "k1"));
        is_corrupt(ledger.storage.append(asked("k1")));
        // The ledger is well, and so are other requests.
        assert_eq!(ledger.storage.health().failing, None, "{change}");
        assert_eq!(answered(&ledger, "k2").unwrap().as_deref(), Some(b"answer to k2".as_slice()));
        assert!(ledger.storage.append(asked("k2")).unwrap().repeat.is_some());
        let told = ledger.storage.changed_answers().unwrap();
        assert!(told.len() == 1 && told[0].contains("the request `k1` was changed"), "{change}: {told:?}");
    }
}

#[test]
fn an_answer_that_was_moved_to_another_key_or_client_is_never_given() {
    for (change, scope, key) in [("key = 'k3'", "ci", "k3"), ("scope = 'cd'", "cd", "k1")] {
        let ledger = ledger();
        ledger.tamper(&format!("UPDATE requests SET {change} WHERE key = 'k1'"));
        is_corrupt(ledger.storage.answered(scope, key, &Digest::of(b"k1")));
        assert_eq!(ledger.storage.changed_answers().unwrap().len(), 1);
    }
}

#[test]
fn an_answer_is_not_given_by_an_entry_that_was_changed_to_fit() {
    let ledger = ledger();
    ledger.tamper("UPDATE requests SET key = 'k9' WHERE key = 'k2'");
    for column in ["digest", "answer", "salt"] {
        ledger.tamper(&format!(
            "UPDATE requests SET {column} = (SELECT {column} FROM requests WHERE key = 'k9') WHERE key = 'k1'"
        ));
    }
    for column in ["dictionary", "text"] {
        ledger.tamper(&format!(
            "UPDATE entries SET {column} = (SELECT {column} FROM entries WHERE idx = 3) WHERE idx = 1"
        ));
    }
    is_corrupt(ledger.storage.answered("ci", "k1", &Digest::of(b"k2")));
}

#[test]
fn many_kept_answers_are_looked_at_page_by_page() {
    let ledger = Ledger::new();
    for n in 0..600 {
        ledger.storage.append(asked(&format!("k{n:03}"))).unwrap();
    }
    assert_eq!(ledger.storage.changed_answers().unwrap(), [] as [&str; 0]);
    ledger.tamper("UPDATE requests SET count = 3 WHERE key IN ('k000', 'k255', 'k256', 'k599')");
    assert_eq!(ledger.storage.changed_answers().unwrap().len(), 4);
}

#[test]
fn a_request_without_an_entry_is_refused() {
    let ledger = ledger();
    let outcome = ledger.storage.append(Append { entries: vec![], ..asked("k3") });
    assert!(matches!(outcome, Err(Error::Invalid(InvalidEntry::NoEntry { .. }))), "{outcome:?}");
    assert_eq!(answered(&ledger, "k3").unwrap(), None);
}

#[test]
fn the_first_entry_of_a_request_is_bound_to_it_and_proves_like_any_other() {
    let ledger = ledger();
    let entries = ledger.storage.entries(&EntryQuery { limit: 10, ..EntryQuery::default() }).unwrap();
    let bound: Vec<bool> = entries.iter().map(|entry| entry.read().unwrap().request.is_some()).collect();
    assert_eq!(bound, [false, true, false, true, false]);
    let proof = serde_json::to_string(&prove_inclusion(&ledger.storage, 1).unwrap()).unwrap();
    verify::inclusion(&proof, &ledger.key).unwrap();
    ledger.storage.rotate(SigningKey::generate(NAME).unwrap()).unwrap();
    assert!(answered(&ledger, "k1").unwrap().is_some());
}

#[test]
fn the_same_request_is_bound_by_another_digest_each_time() {
    let digest = |ledger: &Ledger| {
        let query = EntryQuery { from: 1, limit: 1, ..EntryQuery::default() };
        ledger.storage.entries(&query).unwrap()[0].read().unwrap().request.unwrap()
    };
    assert_ne!(digest(&ledger()), digest(&ledger()));
}
