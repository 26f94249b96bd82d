//! Settings, and plugins that start configured.

use crate::support::{Guest, runtime, shared_snapshot};
use lockgate_domain::{FailureKind, Ruling, SettingsFinding};
use lockgate_runtime::{Freezing, Limits, LoadError, LoadRequest, Runtime, RuntimeConfig};
use serde_json::json;

/// It counts how often it was configured, denies everything twice configured, and traps when it was not.
const COUNTS: &str = "(i32.store (i32.const 5000) (i32.add (i32.load (i32.const 5000)) (i32.const 1)))";
const NEEDS_ONE: &str = "(if (i32.ne (i32.load (i32.const 5000)) (i32.const 1)) (then unreachable))";

#[test]
fn a_plugin_is_configured_once_and_starts_from_there() {
    // It burns fuel in `configure`, which no decision pays for.
    let burn = "(local $n i32) (loop $on (br_if $on (i32.lt_u
        (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100000))))";
    let configure = format!("{burn} {COUNTS}");
    let guest = Guest { configure: configure.leak(), decide: NEEDS_ONE, ..Guest::default() };
    let plugin = runtime().load(guest.request()).unwrap();
    assert_eq!(plugin.freezing(), &Freezing::Frozen);
    for _ in 0..3 {
        let evaluation = plugin.decide(&shared_snapshot());
        assert_eq!(evaluation.outcome.unwrap().ruling, Ruling::Abstain);
        assert!(evaluation.receipt.fuel < 1000, "{}", evaluation.receipt.fuel);
    }
}

#[test]
fn a_plugin_that_cannot_be_frozen_is_configured_in_every_call() {
    let guest = Guest {
        fields: "(table $t 4 funcref) (func $changes (table.set $t (i32.const 0) (ref.null func)))",
        configure: COUNTS,
        decide: NEEDS_ONE,
        ..Guest::default()
    };
    let plugin = runtime().load(guest.request()).unwrap();
    assert_eq!(plugin.freezing(), &Freezing::PerCall { reason: "unsupported `table.set` instruction".to_owned() });
    for _ in 0..3 {
        assert_eq!(plugin.decide(&shared_snapshot()).outcome.unwrap().ruling, Ruling::Abstain);
    }
}

#[test]
fn a_memory_that_cannot_grow_is_no_reason_to_fall_over() {
    let guest = Guest { memory: "2 2", configure: COUNTS, decide: NEEDS_ONE, ..Guest::default() };
    let plugin = runtime().load(guest.request()).unwrap();
    assert!(matches!(plugin.freezing(), Freezing::PerCall { .. }), "{:?}", plugin.freezing());
    assert_eq!(plugin.decide(&shared_snapshot()).outcome.unwrap().ruling, Ruling::Abstain);
}

#[test]
fn frozen_or_not_the_answer_is_the_same() {
    let guest = Guest { configure: COUNTS, decide: NEEDS_ONE, ..Guest::default() };
    let per_call = Runtime::new(RuntimeConfig { freeze: false, ..RuntimeConfig::default() }).unwrap();
    let frozen = runtime().load(guest.request()).unwrap().decide(&shared_snapshot());
    let per_call = per_call.load(guest.request()).unwrap().decide(&shared_snapshot());
    assert_eq!(frozen.outcome, per_call.outcome);
    assert!(frozen.receipt.fuel < per_call.receipt.fuel);
}

#[test]
fn the_memory_that_configure_took_is_there_in_every_call() {
    let guest = Guest {
        configure: "(drop (memory.grow (i32.const 3))) (i32.store (i32.const 300000) (i32.const 77))",
        decide: "(if (i32.ne (i32.load (i32.const 300000)) (i32.const 77)) (then unreachable))",
        ..Guest::default()
    };
    let evaluation = runtime().load(guest.request()).unwrap().decide(&shared_snapshot());
    assert_eq!(evaluation.outcome.unwrap().ruling, Ruling::Abstain);
    assert_eq!(evaluation.receipt.peak_memory, 5 * 65536);
}

#[test]
fn settings_that_are_refused_are_refused_with_all_that_is_wrong() {
    // err([{ pointer: "/people", message: "must be at least 1" }, { pointer: "", message: "says nothing" }])
    let guest = Guest {
        fields: r#"(data (i32.const 4096) "/people" "must be at least 1" "says nothing")"#,
        configure: "(i32.store8 (i32.const 1200) (i32.const 1))
            (i32.store (i32.const 1204) (i32.const 1300)) (i32.store (i32.const 1208) (i32.const 2))
            (i32.store (i32.const 1300) (i32.const 4096)) (i32.store (i32.const 1304) (i32.const 7))
            (i32.store (i32.const 1308) (i32.const 4103)) (i32.store (i32.const 1312) (i32.const 18))
            (i32.store (i32.const 1316) (i32.const 4096)) (i32.store (i32.const 1320) (i32.const 0))
            (i32.store (i32.const 1324) (i32.const 4121)) (i32.store (i32.const 1328) (i32.const 12))
            (return (i32.const 1200))",
        ..Guest::default()
    };
    let error = runtime().load(guest.request()).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "the settings are refused:\n- `/people`: must be at least 1\n- says nothing");
    let LoadError::Settings(findings) = error else { panic!("{error}") };
    let finding =
        |pointer: &str, message: &str| SettingsFinding { pointer: pointer.to_owned(), message: message.to_owned() };
    assert_eq!(findings, [finding("/people", "must be at least 1"), finding("", "says nothing")]);
}

#[test]
fn settings_arrive_as_canonical_json() {
    // {"a":1,"b":[]} has fourteen bytes, the third of which is `a`.
    let guest = Guest {
        configure: "(if (i32.ne (local.get $length) (i32.const 14)) (then unreachable))
            (if (i32.ne (i32.load8_u offset=2 (local.get $at)) (i32.const 97)) (then unreachable))",
        ..Guest::default()
    };
    let settings = json!({ "b": [], "a": 1 });
    assert!(runtime().load(LoadRequest { settings, ..guest.request() }).is_ok());
}

#[test]
fn too_many_settings_are_refused_before_anything_runs() {
    let runtime = Runtime::new(RuntimeConfig { max_settings_size: 1024, ..RuntimeConfig::default() }).unwrap();
    let settings = json!({ "text": "x".repeat(2048) });
    let error = runtime.load(LoadRequest { settings, ..Guest::default().request() }).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "the settings are 2.1 KiB of the 1 KiB allowed");
}

#[test]
fn configure_runs_under_limits() {
    let setup = Limits { fuel: 100_000, ..Limits::default() };
    let runtime = Runtime::new(RuntimeConfig { setup, ..RuntimeConfig::default() }).unwrap();
    let guest = Guest { configure: "(loop $on (br $on))", ..Guest::default() };
    let error = runtime.load(guest.request()).map(|_| ()).unwrap_err();
    let LoadError::Configure(failure) = error else { panic!("{error}") };
    assert_eq!(failure.kind, FailureKind::OutOfFuel);
}

#[test]
fn configure_must_not_call_the_host() {
    let guest = Guest {
        world: "import lockgate:host/log@0.1.0; export lockgate:approval/policy@0.1.0;",
        imports: r#"(import "lockgate:host/log@0.1.0" "log" (func $log (param i32 i32 i32)))"#,
        configure: "(call $log (i32.const 2) (i32.const 1024) (i32.const 5))",
        ..Guest::default()
    };
    let error = runtime().load(guest.request()).map(|_| ()).unwrap_err();
    let LoadError::Configure(failure) = error else { panic!("{error}") };
    assert_eq!(failure.kind, FailureKind::ContractViolation);
}
