//! Settings, and plugins that start configured.

use crate::support::{Guest, runtime, shared_snapshot};
use lockgate_domain::{Digest, FailureKind, PolicyVerdict, SettingsFinding};
use lockgate_runtime::{
    AdmissionError, Grants, Limits, LoadError, LoadRequest, MarkError, PluginFunction, Recording, Runtime,
    RuntimeConfig, SettingsMark, StartUp,
};
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
    assert_eq!(plugin.start_up(), &StartUp::Frozen);
    for _ in 0..3 {
        let evaluation = plugin.decide(&shared_snapshot());
        assert_eq!(evaluation.outcome.unwrap().verdict, PolicyVerdict::Abstain);
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
    assert_eq!(
        plugin.start_up(),
        &StartUp::ConfiguredPerCall { reason: "unsupported `table.set` instruction".to_owned() }
    );
    for _ in 0..3 {
        assert_eq!(plugin.decide(&shared_snapshot()).outcome.unwrap().verdict, PolicyVerdict::Abstain);
    }
}

#[test]
fn a_memory_that_cannot_grow_is_no_reason_to_fall_over() {
    let guest = Guest { memory: "2 2", configure: COUNTS, decide: NEEDS_ONE, ..Guest::default() };
    let plugin = runtime().load(guest.request()).unwrap();
    assert!(matches!(plugin.start_up(), StartUp::ConfiguredPerCall { .. }), "{:?}", plugin.start_up());
    assert_eq!(plugin.decide(&shared_snapshot()).outcome.unwrap().verdict, PolicyVerdict::Abstain);
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
    assert_eq!(evaluation.outcome.unwrap().verdict, PolicyVerdict::Abstain);
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
            (i32.store (i32.const 1336) (i32.const 4103)) (i32.store (i32.const 1340) (i32.const 18))
            (i32.store (i32.const 1344) (i32.const 4096)) (i32.store (i32.const 1348) (i32.const 0))
            (i32.store (i32.const 1380) (i32.const 4121)) (i32.store (i32.const 1384) (i32.const 12))
            (return (i32.const 1200))",
        ..Guest::default()
    };
    let error = runtime().load(guest.request()).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "the settings are refused:\n- `/people`: must be at least 1\n- says nothing");
    let LoadError::Settings(findings) = error else { panic!("{error}") };
    let finding = |pointer: &str, message: &str| SettingsFinding::at(pointer, message);
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
    assert_eq!(error.to_string(), "the settings are too large: 2.1 KiB of 1 KiB allowed");
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
        world: "import lockgate:host/log@0.2.0-rc.2; export lockgate:approval/policy@0.2.0-rc.2;",
        imports: r#"(import "lockgate:host/log@0.2.0-rc.2" "log" (func $log (param i32 i32 i32)))"#,
        configure: "(call $log (i32.const 2) (i32.const 1024) (i32.const 5))",
        ..Guest::default()
    };
    let error = runtime().load(guest.request()).map(|_| ()).unwrap_err();
    let LoadError::Configure(failure) = error else { panic!("{error}") };
    assert_eq!(failure.kind, FailureKind::ContractViolation);
}

/// A list of people, and what each may do.
const PEOPLE: &str = r##"{"properties": {
    "people": {"type": "array", "items": {"$ref": "#/$defs/Person"}},
    "limits": {"propertyNames": {"format": "lockgate-person"}},
    "note": {"type": "string"}
}, "$defs": {"Person": {"type": "string", "format": "lockgate-person"}}}"##;

/// It logs in `decide` which settings `configure` got.
fn echo() -> Guest {
    Guest {
        world: "import lockgate:host/log@0.2.0-rc.2; export lockgate:approval/policy@0.2.0-rc.2;",
        imports: r#"(import "lockgate:host/log@0.2.0-rc.2" "log" (func $log (param i32 i32 i32)))"#,
        schema: PEOPLE,
        configure: "(i32.store (i32.const 5000) (local.get $at)) (i32.store (i32.const 5004) (local.get $length))",
        decide: "(call $log (i32.const 2) (i32.load (i32.const 5000)) (i32.load (i32.const 5004)))",
        ..Guest::default()
    }
}

#[test]
fn ids_that_the_schema_marks_arrive_in_their_normal_form() {
    let settings =
        json!({ "people": [" Kim@Example.org", "STRASSE"], "limits": { "Ann": { "A": 1 } }, "note": "As Is" });
    let normal = json!({ "people": ["kim@example.org", "strasse"], "limits": { "ann": { "A": 1 } }, "note": "As Is" });
    let per_call = Runtime::new(RuntimeConfig { freeze: false, ..RuntimeConfig::default() }).unwrap();
    for runtime in [runtime(), per_call] {
        let plugin = runtime.load(LoadRequest { settings: settings.clone(), ..echo().request() }).unwrap();
        let evaluation = plugin.decide(&shared_snapshot());
        assert_eq!(evaluation.log[0].message, normal.to_string());
        assert_eq!(plugin.settings(), &normal);
        // What a receipt names can be handed in again, and gives the same bytes.
        assert_eq!(evaluation.receipt.settings, Digest::of(normal.to_string().as_bytes()));
        let again = runtime.load(LoadRequest { settings: normal.clone(), ..echo().request() }).unwrap();
        assert_eq!(again.decide(&shared_snapshot()).receipt.settings, evaluation.receipt.settings);
    }
}

#[test]
fn a_recording_holds_the_normal_settings_and_replays_with_them() {
    let settings = json!({ "people": ["Kim", "ANN"] });
    let plugin = runtime().load(LoadRequest { settings, ..echo().request() }).unwrap();
    let snapshot = shared_snapshot();
    let evaluation = plugin.invocation(&snapshot).ask(PluginFunction::Decide);
    let recording = Recording::take(&plugin, PluginFunction::Decide, &snapshot, &evaluation, None);
    assert_eq!(recording.plugin.settings, json!({ "people": ["kim", "ann"] }));
    let settings = recording.plugin.settings.clone();
    let replayed = runtime().load(LoadRequest { settings, ..echo().request() }).unwrap().replay(&recording).unwrap();
    assert!(replayed.same, "{replayed:?}");
    assert_eq!(replayed.same_fuel, Some(true));
}

#[test]
fn marked_texts_that_are_no_ids_are_refused_with_their_places() {
    let settings = json!({ "people": ["ann", "k\u{200b}im", " "], "limits": { "BOB": 1, "bob": 2 } });
    // The plugin would trap if it were configured.
    let guest = Guest { configure: "unreachable", schema: PEOPLE, ..Guest::default() };
    let error = runtime().load(LoadRequest { settings, ..guest.request() }).map(|_| ()).unwrap_err();
    let expected = "the settings are refused:
- `/limits/bob`: `BOB` and `bob` are the same person: remove one of them
- `/people/1`: the id of a person holds an invisible character (U+200B) in `k\\u{200b}im`: remove it
- `/people/2`: the id of a person is empty: write one";
    assert_eq!(error.to_string(), expected);
    assert!(matches!(error, LoadError::Settings(findings) if findings.len() == 3));
}

#[test]
fn a_frozen_component_to_run_elsewhere_has_the_normal_form_in_its_memory() {
    let settings = json!({ "people": ["Kim@Example.org"] });
    let frozen = runtime().freeze(&LoadRequest { settings, ..echo().request() }).unwrap().unwrap();
    let holds = |text: &str| frozen.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("kim@example.org") && !holds("Kim@Example.org"));
}

#[test]
fn a_schema_whose_marks_the_host_would_overlook_is_refused_when_the_plugin_is_admitted() {
    let schema = r#"{"if": true, "then": {"properties": {"who": {"format": "lockgate-person"}}}}"#;
    let guest = Guest { schema, ..Guest::default() };
    let error = runtime().admit(&guest.component(), &Grants::default()).unwrap_err();
    assert_eq!(
        error,
        AdmissionError::SettingsSchema(MarkError::Keyword { keyword: "then".to_owned(), mark: SettingsMark::Person })
    );
    assert!(
        error.to_string().starts_with(
            "invalid settings schema: the host does not look for `\"format\": \"lockgate-person\"` below `then`"
        ),
        "{error}"
    );
    let inspection = runtime().inspect(&guest.component(), &Grants::default()).unwrap();
    assert_eq!(inspection.problem, Some(error));
    assert!(matches!(runtime().load(guest.request()), Err(LoadError::Admission(_))));
}
