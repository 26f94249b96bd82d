//! What plugins remember, in a folder and in a ledger: the same behaviour in both, and what only a ledger does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use crate::ledger_support::Database;
use lockgate_engine::LedgerNamespaces;
use lockgate_ledger::{Append, SqliteStorage, Storage as _, ValueChanges};
use lockgate_runtime::{
    Access, Changes, FolderOfNamespaces, Grants, KeyValueGrant, LoadRequest, NamespaceError, Namespaces, Plugin,
    Runtime, RuntimeConfig,
};
use lockgate_tests::{Guest, shared_snapshot};
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

fn in_ledger(database: &Database) -> Arc<LedgerNamespaces> {
    Arc::new(LedgerNamespaces::new(database.open()))
}

type Open<'a> = &'a dyn Fn() -> Arc<dyn Namespaces>;

/// Puts a folder and a ledger through the same; each time `open` is called it is as another process would open it.
fn both(behaves: impl Fn(Open<'_>)) {
    let folder = TempDir::new().unwrap();
    behaves(&|| Arc::new(FolderOfNamespaces::open(folder.path().join("namespaces")).unwrap()));
    let database = Database::new();
    behaves(&|| in_ledger(&database));
}

fn changes(changes: &[(&str, Option<&str>)]) -> Changes {
    let mut made = Changes::default();
    for (key, value) in changes {
        match value {
            Some(value) => made.set(*key, *value),
            None => made.delete(*key),
        }
    }
    made
}

fn values(of: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    of.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
}

#[test]
fn a_namespace_that_nobody_wrote_to_is_empty() {
    both(|open| assert_eq!(open().read("counter").unwrap(), BTreeMap::new()));
}

#[test]
fn what_one_commits_the_next_one_finds() {
    both(|open| {
        let (one, other) = (open(), open());
        one.commit("counter", &changes(&[("a", Some("1")), ("b", Some("2")), ("empty", Some(""))]), 64).unwrap();
        other.commit("counter", &changes(&[("a", Some("3")), ("b", None), ("nobody's", None)]), 64).unwrap();
        for namespaces in [one, other, open()] {
            assert_eq!(namespaces.read("counter").unwrap(), values(&[("a", "3"), ("empty", "")]));
        }
    });
}

#[test]
fn values_are_bytes_and_keys_are_any_text() {
    both(|open| {
        let mut bytes = Changes::default();
        bytes.set("../a b/ü", [0, 0xff]);
        bytes.set("a".repeat(256), "long");
        open().commit("counter", &bytes, 1024).unwrap();
        let read = open().read("counter").unwrap();
        assert_eq!(read["../a b/ü"], [0, 0xff]);
        assert_eq!(read[&"a".repeat(256)], b"long");
    });
}

#[test]
fn namespaces_are_kept_apart() {
    both(|open| {
        open().commit("one", &changes(&[("a", Some("1"))]), 64).unwrap();
        open().commit("two", &changes(&[("a", Some("2"))]), 64).unwrap();
        assert_eq!(open().read("one").unwrap(), values(&[("a", "1")]));
        assert_eq!(open().read("two").unwrap(), values(&[("a", "2")]));
    });
}

#[test]
fn a_name_that_cannot_be_one_is_refused() {
    both(|open| {
        for name in ["", "../counter", "a/b", "A", "a.json", "a--b"] {
            let message = format!(
                "`{name}` cannot be the name of a namespace: write at most 64 lower-case letters, digits and single \
                 hyphens"
            );
            assert_eq!(open().read(name).unwrap_err().to_string(), message);
            assert_eq!(open().commit(name, &Changes::default(), 64).unwrap_err().to_string(), message);
        }
    });
}

#[test]
fn keys_and_values_take_as_much_room_as_was_granted_and_not_a_byte_more() {
    both(|open| {
        // 3 + 51 bytes, and 3 + 7.
        open().commit("counter", &changes(&[("key", Some(&"x".repeat(51))), ("old", Some("1234567"))]), 64).unwrap();
        let error = open().commit("counter", &changes(&[("k", Some("")), ("old", Some("7654321"))]), 64).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the namespace `counter` would take 65 bytes of the 64 bytes granted: grant more, or delete some of its keys"
        );
        assert_eq!(open().read("counter").unwrap()["old"], b"1234567", "nothing is kept");
        open().commit("counter", &changes(&[("key", None), ("k", Some(&"x".repeat(53)))]), 64).unwrap();
    });
}

#[test]
fn what_takes_more_than_a_lowered_quota_stays_and_may_shrink() {
    both(|open| {
        let ten = "0123456789";
        let filled = ["a", "b", "c", "d", "e", "f", "g"].map(|key| (key, Some(ten)));
        open().commit("counter", &changes(&filled), 100).unwrap();
        let grown = open().commit("counter", &changes(&[("a", Some("98765432100"))]), 64).unwrap_err();
        assert!(matches!(grown, NamespaceError::QuotaExceeded { needed: 78, quota: 64, .. }), "{grown}");
        open().commit("counter", &changes(&[("a", Some("9876543210")), ("b", None)]), 64).unwrap();
        assert_eq!(open().read("counter").unwrap().len(), 6);
    });
}

#[test]
fn threads_of_several_servers_that_commit_at_once_lose_nothing() {
    both(|open| {
        let servers = [open(), open()];
        thread::scope(|scope| {
            for writer in 0..6 {
                let namespaces = &servers[writer % servers.len()];
                scope.spawn(move || {
                    for commit in 0..10 {
                        let mut changes = Changes::default();
                        changes.set(format!("{writer}-{commit}"), "x");
                        changes.set("shared", writer.to_string());
                        namespaces.commit("counter", &changes, 64 << 10).unwrap();
                    }
                });
            }
        });
        let values = open().read("counter").unwrap();
        assert_eq!(values.len(), 61);
        assert!(("0".."6").contains(&std::str::from_utf8(&values["shared"]).unwrap()));
    });
}

#[test]
fn of_those_who_want_the_last_room_at_once_one_gets_it() {
    both(|open| {
        let servers = [open(), open()];
        let outcomes: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..6)
                .map(|writer| {
                    let namespaces = &servers[writer % servers.len()];
                    let changes = changes(&[(&format!("{writer}"), Some(&"x".repeat(39)))]);
                    scope.spawn(move || namespaces.commit("counter", &changes, 64))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
        assert!(refused.into_iter().all(|error| matches!(error, NamespaceError::QuotaExceeded { needed: 80, .. })));
        assert_eq!(open().read("counter").unwrap().len(), 1);
    });
}

fn commits() -> impl Strategy<Value = Vec<BTreeMap<String, Option<Vec<u8>>>>> {
    // Few and short, so that they meet and the room runs out.
    let value = proptest::option::weighted(0.7, vec(any::<u8>(), 0..8));
    vec(proptest::collection::btree_map("[ab]{1,2}", value, 0..4), 0..12)
}

proptest! {
    #![proptest_config(lockgate_repeat::Repeat::new(24, 1200).property())]

    #[test]
    fn a_folder_and_a_ledger_answer_the_same(commits in commits()) {
        let place = TempDir::new().unwrap();
        let folder = FolderOfNamespaces::open(place.path().join("namespaces")).unwrap();
        let database = Database::new();
        let ledger = in_ledger(&database);
        for commit in commits {
            let mut changes = Changes::default();
            for (key, value) in commit {
                match value {
                    Some(value) => changes.set(key, value),
                    None => changes.delete(key),
                }
            }
            let said = [folder.commit("counter", &changes, 24), ledger.commit("counter", &changes, 24)];
            let [one, other] = said.map(|said| said.map_err(|error| error.to_string()));
            prop_assert_eq!(one, other);
            prop_assert_eq!(folder.read("counter").unwrap(), ledger.read("counter").unwrap());
        }
    }
}

#[test]
fn other_values_of_the_ledger_are_out_of_reach() {
    let database = Database::new();
    let (storage, namespaces) = (database.open(), in_ledger(&database));
    let secret = BTreeMap::from([("key".to_owned(), Some(b"secret".to_vec()))]);
    let theirs = ValueChanges { namespace: "counter".to_owned(), expect: None, changes: secret };
    storage.append(Append { values: vec![theirs], ..Append::default() }).unwrap();
    assert_eq!(namespaces.read("counter").unwrap(), BTreeMap::new());
    namespaces.commit("counter", &changes(&[("key", Some("1"))]), 64).unwrap();
    assert_eq!(storage.value("counter", "key").unwrap().unwrap(), b"secret");
    assert_eq!(storage.value("plugin/counter", "key").unwrap().unwrap(), b"1");
}

#[test]
fn a_ledger_that_takes_nothing_says_so_and_is_not_asked_for_nothing() {
    let database = Database::new();
    in_ledger(&database).commit("counter", &changes(&[("a", Some("1"))]), 64).unwrap();
    let read_only = SqliteStorage::open_read_only(&database.path()).unwrap();
    let namespaces = LedgerNamespaces::new(Arc::new(read_only));
    assert_eq!(namespaces.read("counter").unwrap(), values(&[("a", "1")]));
    let error = namespaces.commit("counter", &changes(&[("a", Some("2"))]), 64).unwrap_err();
    assert_eq!(error.to_string(), "the ledger is unavailable (read-only): it was opened to read only");
    namespaces.commit("counter", &Changes::default(), 64).unwrap();
}

/// A policy that logs the value of `count` if there is one, sets it to `1`, and abstains.
fn counting(namespaces: Arc<dyn Namespaces>) -> Plugin {
    let guest = Guest {
        world: "import lockgate:host/key-value@0.1.0; import lockgate:host/log@0.1.0; \
                export lockgate:approval/policy@0.1.0;",
        imports: r#"
            (import "lockgate:host/key-value@0.1.0" "get" (func $get (param i32 i32 i32)))
            (import "lockgate:host/key-value@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
            (import "lockgate:host/log@0.1.0" "log" (func $log (param i32 i32 i32)))"#,
        fields: r#"(data (i32.const 8192) "count1")"#,
        decide: "
            (call $get (i32.const 8192) (i32.const 5) (i32.const 4096))
            (if (i32.and (i32.eqz (i32.load8_u (i32.const 4096))) (i32.load8_u (i32.const 4104))) (then
                (call $log (i32.const 2) (i32.load (i32.const 4108)) (i32.load (i32.const 4112)))))
            (call $set (i32.const 8192) (i32.const 5) (i32.const 8197) (i32.const 1) (i32.const 4096))",
        ..Guest::default()
    };
    let grant = KeyValueGrant::new("counter", Access::ReadWrite);
    let grants = Grants { key_value: Some(grant), ..Grants::default() };
    let config = RuntimeConfig { pool_size: 4, ..RuntimeConfig::default() };
    let runtime = Runtime::with_namespaces(config, namespaces).unwrap();
    runtime.load(LoadRequest { grants, ..guest.request() }).unwrap()
}

#[test]
fn what_a_plugin_keeps_on_one_server_it_finds_on_another() {
    let database = Database::new();
    let [one, other] = [in_ledger(&database), in_ledger(&database)].map(|namespaces| counting(namespaces));
    let logged = |plugin: &Plugin| {
        let evaluation = plugin.decide(&shared_snapshot());
        assert!(evaluation.outcome.is_ok(), "{:?}", evaluation.outcome);
        evaluation.log.into_iter().map(|line| line.message).collect::<Vec<_>>()
    };
    assert_eq!(logged(&one), [] as [&str; 0]);
    assert_eq!(logged(&other), ["1"]);
}
