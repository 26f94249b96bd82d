//! What a ledger hands out to plugins as the values of their namespaces. When values are written stands with the engine's
//! decisions, in `service::values`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ledger_support::Database;
use lockgate_ledger::{Append, SqliteStorage, Storage as _, ValueChanges};
use lockgate_runtime::Namespaces as _;
use lockgate_service::LedgerNamespaces;

fn set(storage: &SqliteStorage, namespace: &str, key: &str, value: &[u8]) {
    let changes = BTreeMap::from([(key.to_owned(), Some(value.to_vec()))]);
    let changes = ValueChanges { namespace: namespace.to_owned(), expect: None, changes };
    storage.append(Append { values: vec![changes], ..Append::default() }).unwrap();
}

fn values(of: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    of.iter().map(|(key, value)| ((*key).to_owned(), value.to_vec())).collect()
}

#[test]
fn a_namespace_that_nobody_wrote_to_is_empty() {
    let database = Database::new();
    assert_eq!(LedgerNamespaces::new(database.open()).read("counter").unwrap(), BTreeMap::new());
}

#[test]
fn what_one_server_writes_another_one_reads() {
    let database = Database::new();
    let (one, other) = (database.open(), LedgerNamespaces::new(database.open()));
    set(&one, "plugin/counter", "../a b/ü", &[0, 0xff]);
    set(&one, "plugin/counter", "empty", b"");
    assert_eq!(other.read("counter").unwrap(), values(&[("../a b/ü", &[0, 0xff]), ("empty", b"")]));
}

#[test]
fn namespaces_and_other_values_of_the_ledger_are_kept_apart() {
    let database = Database::new();
    let storage = database.open();
    set(&storage, "counter", "key", b"secret");
    set(&storage, "plugin/other", "key", b"theirs");
    set(&storage, "plugin/counter", "key", b"1");
    assert_eq!(LedgerNamespaces::new(storage).read("counter").unwrap(), values(&[("key", b"1")]));
}

#[test]
fn a_name_that_cannot_be_one_is_refused() {
    let namespaces = LedgerNamespaces::new(Database::new().open());
    for name in ["", "../counter", "a/b", "A", "a.json", "a--b"] {
        let message = format!(
            "`{name}` is not a valid name of a namespace: use at most 64 lower-case letters, digits and single hyphens"
        );
        assert_eq!(namespaces.read(name).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_ledger_that_was_opened_to_read_only_still_hands_out_values() {
    let database = Database::new();
    set(&database.open(), "plugin/counter", "a", b"1");
    let read_only = SqliteStorage::open_read_only(&database.path()).unwrap();
    assert_eq!(LedgerNamespaces::new(Arc::new(read_only)).read("counter").unwrap(), values(&[("a", b"1")]));
}
