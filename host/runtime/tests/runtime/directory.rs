//! A plugin that reads files, from its memory to the disk and back. Everything that can stand in a directory stands
//! with the capability.

use std::collections::BTreeMap;
use std::fs;

use crate::support::{Guest, runtime, shared_snapshot};
use lockgate_domain::{Answer, FailureKind, LogLevel, PolicyVerdict};
use lockgate_runtime::{DirectoryGrant, Evaluation, Grants, Limits, LoadRequest, Plugin};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A policy that reads a file of the directory `catalog`, logs what is in it, and abstains.
fn reading(path: &str) -> Guest {
    let decide = format!(
        "(call $read
            (i32.const 8192) (i32.const 7) (i32.const 8199) (i32.const {length}) (i32.const 4096))
        (if (i32.eqz (i32.load8_u (i32.const 4096))) (then
            (call $log (i32.const 2) (i32.load (i32.const 4104)) (i32.load (i32.const 4108)))))",
        length = path.len()
    );
    Guest {
        world: "import lockgate:host/directory@0.2.0-rc.2; import lockgate:host/log@0.2.0-rc.2; \
                export lockgate:approval/policy@0.2.0-rc.2;",
        imports: r#"
            (import "lockgate:host/directory@0.2.0-rc.2" "read" (func $read (param i32 i32 i32 i32 i32)))
            (import "lockgate:host/log@0.2.0-rc.2" "log" (func $log (param i32 i32 i32)))"#,
        fields: format!("(data (i32.const 8192) \"catalog{path}\")").leak(),
        decide: decide.leak(),
        ..Guest::default()
    }
}

/// A policy that logs the name of the first directory, and that of the first thing in it: a file of four bytes, or it
/// traps. Its kind is the level of the line, since both are counted from nothing.
fn listing() -> Guest {
    Guest {
        world: "import lockgate:host/directory@0.2.0-rc.2; import lockgate:host/log@0.2.0-rc.2; \
                export lockgate:approval/policy@0.2.0-rc.2;",
        imports: r#"
            (import "lockgate:host/directory@0.2.0-rc.2" "names" (func $names (param i32)))
            (import "lockgate:host/directory@0.2.0-rc.2" "entries" (func $entries (param i32 i32 i32 i32 i32)))
            (import "lockgate:host/log@0.2.0-rc.2" "log" (func $log (param i32 i32 i32)))"#,
        fields: "(global $first (mut i32) (i32.const 0))",
        decide: "
            (call $names (i32.const 4096))
            (global.set $first (i32.load (i32.const 4096)))
            (call $log (i32.const 2) (i32.load (global.get $first)) (i32.load offset=4 (global.get $first)))
            (call $entries
                (i32.load (global.get $first)) (i32.load offset=4 (global.get $first))
                (i32.const 0) (i32.const 0) (i32.const 4096))
            (if (i32.load8_u (i32.const 4096)) (then unreachable))
            (global.set $first (i32.load (i32.const 4104)))
            (if (i64.ne (i64.load offset=16 (global.get $first)) (i64.const 4)) (then unreachable))
            (call $log
                (i32.load8_u offset=8 (global.get $first))
                (i32.load (global.get $first)) (i32.load offset=4 (global.get $first)))",
        ..Guest::default()
    }
}

fn granting(grant: DirectoryGrant) -> Grants {
    Grants { directories: BTreeMap::from([("catalog".to_owned(), grant)]), ..Grants::default() }
}

/// A directory with one file in it.
fn catalog(content: &[u8]) -> TempDir {
    let catalog = TempDir::new().unwrap();
    fs::write(catalog.path().join("list"), content).unwrap();
    catalog
}

fn load(guest: &Guest, catalog: &TempDir, limits: Limits) -> Plugin {
    let grants = granting(DirectoryGrant::new(catalog.path()));
    runtime().load(LoadRequest { grants, limits, ..guest.request() }).unwrap()
}

fn logged(evaluation: &Evaluation<Answer>) -> Vec<&str> {
    evaluation.log.iter().map(|line| line.message.as_str()).collect()
}

/// The answer to its only question.
fn answered(evaluation: &Evaluation<Answer>) -> &Value {
    assert_eq!(evaluation.exchanges.len(), 1);
    assert!(!evaluation.timeless, "what it read may change");
    &evaluation.exchanges[0].answer
}

#[test]
fn a_plugin_reads_what_is_granted_as_it_is_when_it_is_asked() {
    let catalog = catalog(b"shop");
    let plugin = load(&reading("list"), &catalog, Limits::default());
    let evaluation = plugin.decide(&shared_snapshot());
    assert_eq!(evaluation.outcome.as_ref().unwrap().verdict, PolicyVerdict::Abstain);
    assert_eq!(logged(&evaluation), ["shop"]);
    assert_eq!(evaluation.exchanges[0].call, "directory.read");
    assert_eq!(evaluation.exchanges[0].question, json!({ "directory": "catalog", "path": "list" }));
    assert_eq!(answered(&evaluation), &json!({ "Ok": "c2hvcA==" }));

    fs::write(catalog.path().join("list"), "pay").unwrap();
    assert_eq!(logged(&plugin.decide(&shared_snapshot())), ["pay"]);
}

#[test]
fn a_plugin_finds_out_what_is_granted() {
    let evaluation = load(&listing(), &catalog(b"shop"), Limits::default()).decide(&shared_snapshot());
    assert_eq!(evaluation.outcome.as_ref().unwrap().verdict, PolicyVerdict::Abstain);
    let lines: Vec<_> = evaluation.log.iter().map(|line| (line.level, line.message.as_str())).collect();
    assert_eq!(lines, [(LogLevel::Info, "catalog"), (LogLevel::Trace, "list")]);
    let answers: Vec<_> = evaluation.exchanges.into_iter().map(|exchange| exchange.answer).collect();
    let list = json!({ "name": "list", "kind": "file", "size": 4 });
    assert_eq!(answers, [json!(["catalog"]), json!({ "Ok": { "entries": [list], "unnamed": 0 } })]);
}

#[test]
fn a_plugin_that_is_refused_can_go_on() {
    let catalog = catalog(b"");
    for (path, error) in [
        ("gone", json!("missing")),
        ("../list", json!({ "invalid-path": "`..` is not allowed: paths only lead down" })),
        ("", json!({ "wrong-kind": "directory" })),
    ] {
        let evaluation = load(&reading(path), &catalog, Limits::default()).decide(&shared_snapshot());
        assert_eq!(answered(&evaluation), &json!({ "Err": error }), "`{path}`");
        assert_eq!(evaluation.outcome.unwrap().verdict, PolicyVerdict::Abstain);
    }
}

#[test]
fn what_is_handed_over_is_paid_for_in_fuel() {
    let (small, large) = (catalog(b"x"), catalog(&[b'x'; 300_000]));
    let fuel = |catalog| load(&reading("list"), catalog, Limits::default()).decide(&shared_snapshot()).receipt.fuel;
    // Base64 writes four characters for three bytes.
    let (of_small, of_large) = (fuel(&small), fuel(&large));
    assert!(of_large - of_small >= 400_000 - 4, "{of_small} and {of_large}");

    let limits = Limits { fuel: of_small + 100_000, ..Limits::default() };
    let evaluation = load(&reading("list"), &large, limits).decide(&shared_snapshot());
    assert_eq!(evaluation.outcome.unwrap_err().kind, FailureKind::OutOfFuel);
}

#[test]
fn a_plugin_that_was_granted_no_directory_is_not_loaded() {
    let refused = runtime().load(reading("list").request()).unwrap_err().to_string();
    assert!(refused.contains("lockgate:host/directory"), "{refused}");
    assert!(refused.contains("grants.directory"), "{refused}");
}

#[test]
fn a_directory_that_is_not_there_is_found_out_when_the_plugin_is_loaded() {
    let catalog = catalog(b"");
    let grants = granting(DirectoryGrant::new(catalog.path().join("gone")));
    let refused = runtime().load(LoadRequest { grants, ..reading("list").request() }).unwrap_err().to_string();
    assert!(refused.starts_with("invalid grant: cannot open `"), "{refused}");
}
