//! The same request twice.

use std::thread;

use lockgate_domain::Digest;
use serde_json::json;

use super::{Ledger, append, bodies, conflicts, event, expecting, places};
use lockgate_ledger::{Append, Error, IdempotentRequest, RetentionRule};

super::cases! {
    a_request_that_comes_again_is_answered_as_before,
    a_request_is_remembered_by_whoever_opens_the_ledger_later,
    a_key_cannot_be_used_for_another_request,
    two_clients_may_choose_the_same_key,
    a_request_that_was_turned_away_may_be_tried_again,
    a_request_that_comes_many_times_at_once_happens_once,
    a_request_is_new_again_after_it_was_forgotten,
}

fn request(scope: &str, key: &str, what: &str) -> Option<IdempotentRequest> {
    let answer = format!("done: {what}").into_bytes();
    Some(IdempotentRequest {
        scope: scope.to_owned(),
        key: key.to_owned(),
        digest: Digest::of(what.as_bytes()),
        answer,
    })
}

fn a_request_that_comes_again_is_answered_as_before(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let twice =
        || Append { request: request("ci", "k1", "go"), ..expecting(vec![event("a", 1), event("a", 2)], "a", 0) };
    let first = storage.append(twice()).unwrap();
    assert_eq!(first.repeat, None);
    let (asked, other) = (Digest::of(b"go"), Digest::of(b"stop"));
    assert_eq!(storage.answered("ci", "k1", &asked).unwrap().as_deref(), Some(b"done: go".as_slice()));
    assert!(matches!(storage.answered("ci", "k1", &other), Err(Error::KeyReused { .. })));
    assert_eq!(storage.answered("cd", "k1", &asked).unwrap(), None);
    storage.append(append(vec![event("a", 3)])).unwrap();
    // The condition does not hold any more: but it was asked before.
    let second = storage.append(twice()).unwrap();
    assert_eq!(second.repeat.as_deref(), Some(b"done: go".as_slice()));
    assert_eq!(second.entries, first.entries);
    assert_eq!(storage.version("a").unwrap(), 3);
}

fn a_request_is_remembered_by_whoever_opens_the_ledger_later(ledger: &Ledger<'_>) {
    let once = || Append { request: request("ci", "k1", "go"), ..append(vec![event("a", 1)]) };
    ledger.open().append(once()).unwrap();
    let again = ledger.open().append(once()).unwrap();
    assert_eq!((places(&again), again.repeat.is_some()), (vec![(1, 1)], true));
}

fn a_key_cannot_be_used_for_another_request(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    storage.append(Append { request: request("ci", "k1", "go"), ..append(vec![event("a", 1)]) }).unwrap();
    let other = storage.append(Append { request: request("ci", "k1", "stop"), ..append(vec![event("a", 1)]) });
    assert!(matches!(&other, Err(Error::KeyReused { key }) if key == "k1"), "{other:?}");
    assert_eq!(storage.version("a").unwrap(), 1);
}

fn two_clients_may_choose_the_same_key(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    for (n, client) in ["ci", "cd"].into_iter().enumerate() {
        let what = format!("{client} asks");
        let one = Append { request: request(client, "k1", &what), ..append(vec![event("a", n as i64)]) };
        assert_eq!(storage.append(one).unwrap().repeat, None);
    }
    assert_eq!(bodies(&*storage, "a"), [json!({ "n": 0 }), json!({ "n": 1 })]);
}

fn a_request_that_was_turned_away_may_be_tried_again(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let again = || Append { request: request("ci", "k1", "go"), ..expecting(vec![event("a", 1)], "b", 1) };
    assert!(conflicts(storage.append(again())));
    storage.append(append(vec![event("b", 1)])).unwrap();
    assert_eq!(storage.append(again()).unwrap().repeat, None);
}

fn a_request_that_comes_many_times_at_once_happens_once(ledger: &Ledger<'_>) {
    let processes = [ledger.open(), ledger.open()];
    thread::scope(|scope| {
        for n in 0..16 {
            let storage = &processes[n % 2];
            scope.spawn(move || {
                let same = Append { request: request("ci", "k1", "go"), ..append(vec![event("a", 1)]) };
                assert_eq!(places(&storage.append(same).unwrap()), [(1, 1)]);
            });
        }
    });
    assert_eq!(processes[1].head().unwrap().size, 2);
}

fn a_request_is_new_again_after_it_was_forgotten(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let same = || Append { request: request("ci", "k1", "go"), ..append(vec![event("a", 1)]) };
    storage.append(same()).unwrap();
    let forget = |before| storage.forget(&RetentionRule::Requests { before }).unwrap().count;
    assert_eq!(forget(super::at(0)), 0);
    assert!(storage.append(same()).unwrap().repeat.is_some());
    assert_eq!(forget(super::at(i64::MAX)), 1);
    assert_eq!(storage.append(same()).unwrap().repeat, None);
    assert_eq!(storage.version("a").unwrap(), 2);
}
