//! A plugin that keeps values, from its memory to the folder and back. How namespaces are kept stands with the
//! capability; here stands when they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::support::{Guest, runtime, shared_snapshot};
use lockgate_domain::{Answer, FailureKind, PolicyVerdict};
use lockgate_runtime::{
    Evaluation, FolderOfNamespaces, Grants, KeyValueGrant, LoadRequest, NamespaceAccess, NamespaceChanges, Namespaces,
    Plugin, Runtime, RuntimeConfig, ValueChanges,
};
use serde_json::json;
use tempfile::TempDir;

/// A policy that logs the value of `count` if there is one, sets it to `1`, does what is said, and abstains.
fn counting(then: &'static str) -> Guest {
    let decide = format!(
        "(call $get (i32.const 8192) (i32.const 5) (i32.const 4096))
        (if (i32.and (i32.eqz (i32.load8_u (i32.const 4096))) (i32.load8_u (i32.const 4104))) (then
            (call $log (i32.const 2) (i32.load (i32.const 4108)) (i32.load (i32.const 4112)))))
        (call $set (i32.const 8192) (i32.const 5) (i32.const 8197) (i32.const 1) (i32.const 4096))
        {then}"
    );
    Guest {
        world: "import lockgate:host/key-value@0.2.0-rc.2; import lockgate:host/log@0.2.0-rc.2; \
                export lockgate:approval/policy@0.2.0-rc.2;",
        imports: r#"
            (import "lockgate:host/key-value@0.2.0-rc.2" "get" (func $get (param i32 i32 i32)))
            (import "lockgate:host/key-value@0.2.0-rc.2" "set" (func $set (param i32 i32 i32 i32 i32)))
            (import "lockgate:host/log@0.2.0-rc.2" "log" (func $log (param i32 i32 i32)))"#,
        fields: r#"(data (i32.const 8192) "count1")"#,
        decide: decide.leak(),
        ..Guest::default()
    }
}

/// A policy that logs the first key that begins with `c`, takes it away, and abstains.
fn clearing() -> Guest {
    Guest {
        world: "import lockgate:host/key-value@0.2.0-rc.2; import lockgate:host/log@0.2.0-rc.2; \
                export lockgate:approval/policy@0.2.0-rc.2;",
        imports: r#"
            (import "lockgate:host/key-value@0.2.0-rc.2" "keys" (func $keys (param i32 i32 i32)))
            (import "lockgate:host/key-value@0.2.0-rc.2" "delete" (func $delete (param i32 i32 i32)))
            (import "lockgate:host/log@0.2.0-rc.2" "log" (func $log (param i32 i32 i32)))"#,
        fields: r#"(global $first (mut i32) (i32.const 0)) (data (i32.const 8192) "c")"#,
        decide: "
            (call $keys (i32.const 8192) (i32.const 1) (i32.const 4096))
            (global.set $first (i32.load (i32.const 4104)))
            (call $log (i32.const 2) (i32.load (global.get $first)) (i32.load offset=4 (global.get $first)))
            (call $delete
                (i32.load (global.get $first)) (i32.load offset=4 (global.get $first)) (i32.const 4096))
            (if (i32.load8_u (i32.const 4096)) (then unreachable))",
        ..Guest::default()
    }
}

fn granting(access: NamespaceAccess) -> Grants {
    Grants { key_value: Some(KeyValueGrant::new("counter", access)), ..Grants::default() }
}

fn load(guest: &Guest, access: NamespaceAccess, namespaces: Arc<dyn Namespaces>) -> Plugin {
    let config = RuntimeConfig { pool_size: 4, ..RuntimeConfig::default() };
    let runtime = Runtime::with_namespaces(config, namespaces).unwrap();
    runtime.load(LoadRequest { grants: granting(access), ..guest.request() }).unwrap()
}

fn folder() -> (TempDir, Arc<FolderOfNamespaces>) {
    let place = TempDir::new().unwrap();
    let namespaces = FolderOfNamespaces::open(place.path().join("namespaces")).unwrap();
    (place, Arc::new(namespaces))
}

fn kept(namespaces: &FolderOfNamespaces) -> BTreeMap<String, Vec<u8>> {
    namespaces.read("counter").unwrap()
}

fn logged(evaluation: &Evaluation<Answer>) -> Vec<&str> {
    evaluation.log.iter().map(|line| line.message.as_str()).collect()
}

#[test]
fn a_call_hands_back_what_it_changed_and_the_next_one_finds_what_was_kept_of_it() {
    let (_place, namespaces) = folder();
    let plugin = load(&counting(""), NamespaceAccess::ReadWrite, namespaces.clone());
    let first = plugin.decide(&shared_snapshot());
    assert_eq!(first.outcome.as_ref().unwrap().verdict, PolicyVerdict::Abstain);
    assert_eq!(logged(&first), Vec::<&str>::new());
    assert_eq!(kept(&namespaces), BTreeMap::new(), "a call writes nothing itself");
    namespaces.commit(first.changes.as_ref().unwrap()).unwrap();
    assert_eq!(kept(&namespaces), BTreeMap::from([("count".to_owned(), b"1".to_vec())]));
    assert_eq!(logged(&plugin.decide(&shared_snapshot())), ["1"]);

    let asked: Vec<_> =
        first.exchanges.iter().map(|e| (e.call.as_str(), e.question.clone(), e.answer.clone())).collect();
    assert_eq!(
        asked,
        [
            ("key-value.get", json!({ "key": "count" }), json!({ "Ok": null })),
            ("key-value.set", json!({ "key": "count", "value": "MQ==" }), json!({ "Ok": null })),
        ]
    );
}

#[test]
fn what_a_call_takes_away_is_gone() {
    let (_place, namespaces) = folder();
    let mut before = ValueChanges::default();
    for key in ["a", "cb", "ca", "d"] {
        before.set(key, "");
    }
    let before = NamespaceChanges { namespace: "counter".to_owned(), quota: 64, changes: before };
    namespaces.commit(&before).unwrap();
    let evaluation = load(&clearing(), NamespaceAccess::ReadWrite, namespaces.clone()).decide(&shared_snapshot());
    assert_eq!(evaluation.outcome.as_ref().unwrap().verdict, PolicyVerdict::Abstain);
    assert_eq!(logged(&evaluation), ["ca"]);
    namespaces.commit(evaluation.changes.as_ref().unwrap()).unwrap();
    assert_eq!(kept(&namespaces).into_keys().collect::<Vec<_>>(), ["a", "cb", "d"]);
}

#[test]
fn a_call_that_fails_keeps_nothing() {
    let (_place, namespaces) = folder();
    let plugin = load(&counting("unreachable"), NamespaceAccess::ReadWrite, namespaces.clone());
    let evaluation = plugin.decide(&shared_snapshot());
    assert_eq!(evaluation.outcome.unwrap_err().kind, FailureKind::Trapped);
    assert_eq!(evaluation.exchanges.len(), 2);
    assert_eq!(evaluation.changes, None);
}

#[test]
fn what_was_granted_for_reading_alone_is_not_changed() {
    let (_place, namespaces) = folder();
    let evaluation = load(&counting(""), NamespaceAccess::ReadOnly, namespaces.clone()).decide(&shared_snapshot());
    assert_eq!(evaluation.outcome.unwrap().verdict, PolicyVerdict::Abstain);
    assert_eq!(evaluation.exchanges[1].answer, json!({ "Err": "read-only" }));
    assert_eq!(evaluation.changes, None);
}

#[test]
fn a_plugin_that_was_granted_no_values_is_not_loaded() {
    let refused = runtime().load(counting("").request()).unwrap_err().to_string();
    assert!(refused.contains("lockgate:host/key-value"), "{refused}");
    assert!(refused.contains("grants.key-value"), "{refused}");
}

#[test]
fn a_namespace_that_cannot_be_one_is_found_out_when_the_plugin_is_loaded() {
    let (_place, namespaces) = folder();
    let config = RuntimeConfig { pool_size: 4, ..RuntimeConfig::default() };
    let grants =
        Grants { key_value: Some(KeyValueGrant::new("../up", NamespaceAccess::ReadOnly)), ..Grants::default() };
    let request = LoadRequest { grants, ..counting("").request() };
    let refused = Runtime::with_namespaces(config, namespaces).unwrap().load(request).unwrap_err().to_string();
    assert!(refused.contains("`../up` is not a valid name of a namespace"), "{refused}");
}
