//! Values by namespace.

use std::collections::BTreeMap;

use super::{Ledger, append, conflicts, event};
use lockgate_ledger::{Append, ExpectedVersion, Storage, ValueChanges};

super::cases! {
    values_are_set_replaced_and_taken_away,
    values_of_one_append_change_together_with_its_entries,
    a_namespace_with_another_version_than_expected_is_a_conflict,
    keys_are_found_by_prefix,
}

fn changes(namespace: &str, expect: Option<u64>, changes: &[(&str, Option<&[u8]>)]) -> Append {
    let changes = changes.iter().map(|(key, value)| ((*key).to_owned(), value.map(<[u8]>::to_vec))).collect();
    Append { values: vec![ValueChanges { namespace: namespace.to_owned(), expect, changes }], ..Append::default() }
}

fn all(storage: &dyn Storage, namespace: &str) -> (u64, Vec<(String, Vec<u8>)>) {
    let values = storage.values(namespace, "").unwrap();
    (values.version, values.values.into_iter().collect())
}

fn values_are_set_replaced_and_taken_away(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let size = storage.head().unwrap().size;
    storage.append(changes("n", None, &[("a", Some(b"1")), ("b", Some(b""))])).unwrap();
    storage.append(changes("other", None, &[("a", Some(b"9"))])).unwrap();
    let appended = storage.append(changes("n", None, &[("a", Some(b"2")), ("b", None), ("c", None)])).unwrap();
    assert_eq!(appended.namespaces, BTreeMap::from([("n".to_owned(), 2)]));
    assert_eq!(all(&*storage, "n"), (2, vec![("a".to_owned(), b"2".to_vec())]));
    assert_eq!(storage.value("n", "a").unwrap().as_deref(), Some(b"2".as_slice()));
    assert_eq!(storage.value("n", "b").unwrap(), None);
    assert_eq!(all(&*storage, "nobody's"), (0, vec![]));
    // They are not in the log.
    assert_eq!(storage.head().unwrap().size, size);
}

fn values_of_one_append_change_together_with_its_entries(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let both = |version| Append {
        expect: vec![ExpectedVersion { stream: "a".to_owned(), version }],
        entries: vec![event("a", 1)],
        ..changes("n", None, &[("k", Some(b"1"))])
    };
    assert!(conflicts(storage.append(both(7))));
    assert_eq!(all(&*storage, "n"), (0, vec![]));
    storage.append(both(0)).unwrap();
    assert_eq!(all(&*storage, "n").0, 1);
}

fn a_namespace_with_another_version_than_expected_is_a_conflict(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    storage.append(changes("n", Some(0), &[("k", Some(b"1"))])).unwrap();
    let late = Append { entries: vec![event("a", 1)], ..changes("n", Some(0), &[("k", Some(b"2"))]) };
    assert!(conflicts(storage.append(late)));
    assert_eq!((storage.value("n", "k").unwrap(), storage.version("a").unwrap()), (Some(b"1".to_vec()), 0));
    storage.append(changes("n", Some(1), &[("k", Some(b"2"))])).unwrap();
    // Entries alone do not change the version of a namespace.
    storage.append(append(vec![event("a", 1)])).unwrap();
    assert_eq!(all(&*storage, "n").0, 2);
}

fn keys_are_found_by_prefix(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let keys = ["token/1", "token/2", "tokens", "user/1", "\u{fc}ber/1"];
    let set: Vec<(&str, Option<&[u8]>)> = keys.iter().map(|key| (*key, Some(key.as_bytes()))).collect();
    storage.append(changes("n", None, &set)).unwrap();
    let found = |prefix: &str| storage.values("n", prefix).unwrap().values.into_keys().collect::<Vec<_>>();
    assert_eq!(found("token/"), ["token/1", "token/2"]);
    assert_eq!(found("\u{fc}"), ["\u{fc}ber/1"]);
    assert_eq!(found("z"), [] as [&str; 0]);
    assert_eq!(found("").len(), 5);
}
