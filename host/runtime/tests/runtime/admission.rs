//! What is refused, and in which words.

use std::time::Duration;

use crate::support::{Guest, runtime};
use lockgate_domain::{FailureKind, Kind};
use lockgate_runtime::{
    AdmissionError, AdmissionLimits, AdmissionRefusal, Grants, Limits, LoadRequest, Runtime, RuntimeConfig, StartUp,
};

const LOGS: Guest = Guest {
    world: "import lockgate:host/log@0.2.0-rc.2; export lockgate:approval/policy@0.2.0-rc.2;",

    schema: "true",
    interfaces: "",
    imports: r#"(import "lockgate:host/log@0.2.0-rc.2" "log" (func $log (param i32 i32 i32)))"#,
    fields: "",
    describe: "",
    configure: "",
    decide: "",
    realloc: "",
    gives_back: true,
    memory: "2",
};

fn refused(component: &[u8], grants: &Grants) -> String {
    runtime().admit(component, grants).unwrap_err().to_string()
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn a_plugin_that_keeps_to_the_contract_is_admitted() {
    let component = Guest::default().component();
    let admitted = runtime().admit(&component, &Grants::default()).unwrap();
    assert_eq!(admitted.description.name, "test-guest");
    assert_eq!(admitted.description.version, "1.0.0");
    assert_eq!(admitted.description.summary, "a guest");
    assert_eq!(admitted.kinds, [Kind::ApprovalPolicy]);
    assert_eq!(admitted.contract, "0.2.0-rc.2");
    assert_eq!(admitted.size, component.len() as u64);
}

#[test]
fn a_component_that_is_too_large_is_refused_with_both_numbers() {
    let runtime = Runtime::new(RuntimeConfig { max_component_size: 1024, ..RuntimeConfig::default() }).unwrap();
    let error = runtime.admit(&[0; 2048], &Grants::default()).unwrap_err();
    assert_eq!(error.to_string(), "this component is too large: 2 KiB of 1 KiB allowed");
}

fn bounded(admission: AdmissionLimits, component: &[u8]) -> AdmissionError {
    let runtime = Runtime::new(RuntimeConfig { admission, ..RuntimeConfig::default() }).unwrap();
    runtime.admit(component, &Grants::default()).unwrap_err()
}

#[test]
fn more_instances_than_may_be_are_counted_before_any_is_made() {
    // Two of a component that makes two of a component that makes one of a module: 2 + 2 * 2 + 2 * 2 * 1.
    let component = wat(r#"(component
        (component $inner (core module $m) (core instance (instantiate $m)))
        (component $outer (alias outer 1 $inner (component $x)) (instance (instantiate $x)) (instance (instantiate $x)))
        (instance (instantiate $outer)) (instance (instantiate $outer)))"#);
    let error = bounded(AdmissionLimits { instances: 9, ..AdmissionLimits::default() }, &component);
    assert_eq!(error.to_string(), "too many instances: 10; the limit is 9");
}

#[test]
fn a_function_that_would_take_too_long_to_compile_is_refused_with_both_numbers() {
    // 200 for the function, 3 for each of its four operators.
    let component = wat("(component (core module (func) (func nop nop nop)))");
    let error = bounded(AdmissionLimits { function_cost: 211, ..AdmissionLimits::default() }, &component);
    assert_eq!(
        error.to_string(),
        "compiling function 1 of a module in this component would cost 212, and at most 211 are allowed: split it, nest \
         it less deeply, or use fewer locals in it"
    );
}

#[test]
fn too_much_code_is_refused_with_both_numbers() {
    let component = wat("(component (core module (func) (func)))");
    let error = bounded(AdmissionLimits { cost: 300, ..AdmissionLimits::default() }, &component);
    assert_eq!(error.to_string(), "too much code to compile: the estimated cost is at least 406; the limit is 300");
}

#[test]
fn a_component_that_compiles_for_too_long_is_not_waited_for() {
    let runtime = Runtime::new(RuntimeConfig { compile_time: Duration::ZERO, ..RuntimeConfig::default() }).unwrap();
    let error = runtime.admit(&Guest::default().component(), &Grants::default()).unwrap_err();
    assert_eq!(error.to_string(), "compiling this component takes longer than the limit of 0 s");
}

#[test]
fn what_is_no_webassembly_is_told_so() {
    assert_eq!(refused(b"#!/bin/sh", &Grants::default()), "not WebAssembly: the file does not start with `\\0asm`");
    assert_eq!(runtime().admit(b"", &Grants::default()).unwrap_err(), AdmissionError::NotWasm);
}

#[test]
fn a_core_module_is_told_what_to_do() {
    assert_eq!(
        refused(&wat("(module)"), &Grants::default()),
        "a core module, not a component: convert it with `lockgate plugin build`"
    );
}

#[test]
fn a_truncated_component_is_invalid_wherever_it_ends() {
    let component = Guest::default().component();
    for length in (8..component.len()).step_by(97) {
        let error = runtime().admit(&component[..length], &Grants::default()).unwrap_err();
        assert!(
            matches!(error, AdmissionError::Invalid { .. } | AdmissionError::Refused(_)),
            "cut at {length}: {error}"
        );
    }
}

#[test]
fn what_is_switched_off_is_invalid() {
    for (what, module) in [
        ("threads", "(component (core module (memory 1 1 shared)))"),
        ("memory64", "(component (core module (memory i64 1)))"),
        ("GC", "(component (core module (type (struct))))"),
        ("exceptions", "(component (core module (tag)))"),
        (
            "relaxed SIMD",
            "(component (core module (func (param v128 v128) (result v128)
                (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))))",
        ),
    ] {
        let error = runtime().admit(&wat(module), &Grants::default()).unwrap_err();
        assert!(matches!(error, AdmissionError::Invalid { .. }), "{what}: {error}");
    }
}

#[test]
fn an_import_that_is_not_granted_names_the_line_that_would_grant_it() {
    let component = LOGS.component();
    assert!(runtime().admit(&component, &Grants::default()).is_ok());
    let grants = Grants { log: false, ..Grants::default() };
    assert_eq!(
        refused(&component, &grants),
        "`lockgate:host/log@0.2.0-rc.2` is imported but not granted: set `grants.log = true` in the binding, or build the \
         plugin without the capability `log`"
    );
}

#[test]
fn an_import_of_wasi_is_told_for_what_it_is() {
    let component = wat(r#"(component
            (import "wasi:http/outgoing-handler@0.2.6" (instance))
            (import "wasi:filesystem/preopens@0.3.0" (instance))
            (import "wasi:filesystem/preopens@0.2.6" (instance)))"#);
    let AdmissionError::Refused(refusals) = runtime().admit(&component, &Grants::default()).unwrap_err() else {
        panic!("it is refused");
    };
    assert_eq!(
        refusals[0].to_string(),
        "`wasi:http/outgoing-handler@0.2.6` is imported but cannot be granted: it is WASI's HTTP: use `lockgate:host/http` instead"
    );
    assert_eq!(
        refusals[1].to_string(),
        "`wasi:filesystem/preopens@0.3.0` is imported but cannot be granted: it is a part of WASI that this host does not have; of WASI 0.2 a component may import `cli`, `clocks`, `filesystem`, `io`, `random` and `sockets`, which are empty here"
    );
    assert_eq!(refusals[2..], [AdmissionRefusal::NotAPlugin, AdmissionRefusal::NoKind]);
}

#[test]
fn an_unknown_interface_of_ours_names_the_contract() {
    let component = wat(r#"(component (import "lockgate:host/telepathy@0.2.0-rc.2" (instance)))"#);
    assert!(refused(&component, &Grants::default()).contains(
        "`lockgate:host/telepathy@0.2.0-rc.2` is imported but cannot be granted: it is an interface that contract 0.2.0-rc.2 does not have"
    ));
}

#[test]
fn another_version_of_the_contract_is_told_with_both_versions() {
    let component = wat(r#"(component (import "lockgate:host/snapshot@0.2.0" (instance)))"#);
    assert!(refused(&component, &Grants::default()).contains(
        "`lockgate:host/snapshot@0.2.0` is of contract 0.2.0; this host supports 0.2.0-rc.2: build the plugin for that \
             version, or use a host that supports 0.2.0"
    ));
}

#[test]
fn a_draft_of_the_contract_is_compatible_with_itself_alone() {
    let refusals = |version: &str| {
        let import = format!("lockgate:host/snapshot@{version}");
        let component = wat(&format!(r#"(component (import "{import}" (instance)))"#));
        match runtime().admit(&component, &Grants::default()).unwrap_err() {
            AdmissionError::Refused(refusals) => (import, refusals),
            error => panic!("{error}"),
        }
    };
    let without_exports = [AdmissionRefusal::NotAPlugin, AdmissionRefusal::NoKind];
    assert_eq!(refusals("0.2.0-rc.2").1, without_exports);
    for theirs in ["0.2.0-rc.3", "0.2.0", "0.2.7", "0.1.0"] {
        let (item, refused) = refusals(theirs);
        assert_eq!(refused[0], AdmissionRefusal::Contract { item, theirs: theirs.to_owned() });
        assert_eq!(refused[1..], without_exports);
    }
}

#[test]
fn a_component_without_a_kind_is_told_which_there_are() {
    let error = refused(&Guest { world: "", ..Guest::default() }.component(), &Grants::default());
    assert_eq!(
        error,
        "it is not a plugin of any kind: export at least one of `lockgate:approval/policy@0.2.0-rc.2`, \
         `lockgate:check/check@0.2.0-rc.2`, `lockgate:strategy/strategy@0.2.0-rc.2`"
    );
}

#[test]
fn exports_of_another_type_are_found_before_anything_is_decided() {
    let component = wat(r#"(component
            (core module $m (func (export "f") (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            (func $f (result u32) (canon lift (core func $i "f")))
            (instance $plugin (export "describe" (func $f)) (export "configure" (func $f)))
            (instance $policy (export "decide" (func $f)))
            (export "lockgate:types/plugin@0.2.0-rc.2" (instance $plugin))
            (export "lockgate:approval/policy@0.2.0-rc.2" (instance $policy)))"#);
    let error = runtime().admit(&component, &Grants::default()).unwrap_err();
    assert!(matches!(error, AdmissionError::Types(_)), "{error}");
    assert!(error.to_string().starts_with("this component does not follow contract 0.2.0-rc.2"), "{error}");
}

#[test]
fn a_missing_function_is_found_before_anything_is_decided() {
    let component = wat(r#"(component
            (instance $empty)
            (export "lockgate:types/plugin@0.2.0-rc.2" (instance $empty))
            (export "lockgate:approval/policy@0.2.0-rc.2" (instance $empty)))"#);
    let error = runtime().admit(&component, &Grants::default()).unwrap_err();
    assert!(matches!(error, AdmissionError::Types(_)), "{error}");
}

#[test]
fn describe_runs_under_limits() {
    let setup = Limits { fuel: 100_000, ..Limits::default() };
    let runtime = Runtime::new(RuntimeConfig { setup, ..RuntimeConfig::default() }).unwrap();
    let component = Guest { describe: "(loop $on (br $on))", ..Guest::default() }.component();
    let error = runtime.admit(&component, &Grants::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`describe` failed: out-of-fuel: it used all 100,000 units of fuel and had not finished"
    );
}

#[test]
fn describe_must_not_call_the_host() {
    let guest = Guest { describe: "(call $log (i32.const 2) (i32.const 1024) (i32.const 5))", ..LOGS };
    let AdmissionError::Describe(failure) = runtime().admit(&guest.component(), &Grants::default()).unwrap_err() else {
        panic!("it gave no answer");
    };
    assert_eq!(failure.kind, FailureKind::ContractViolation);
    assert!(failure.message.starts_with("the plugin called `log` outside of an evaluation"), "{failure}");
}

/// A plugin that says in its description that it cannot do without the registers `kpis` and `incidents`.
#[test]
fn what_a_description_needs_has_to_be_granted_and_what_is_missing_is_named() {
    let guest = Guest {
        fields: r#"(data (i32.const 4096) "factskpisincidentsto judge")"#,
        describe: "
            (i32.store (i32.const 4200) (i32.const 4101)) (i32.store (i32.const 4204) (i32.const 4))
            (i32.store (i32.const 4208) (i32.const 4105)) (i32.store (i32.const 4212) (i32.const 9))
            (i32.store (i32.const 4300) (i32.const 4096)) (i32.store (i32.const 4304) (i32.const 5))
            (i32.store (i32.const 4308) (i32.const 4200)) (i32.store (i32.const 4312) (i32.const 2))
            (i32.store (i32.const 4316) (i32.const 4114)) (i32.store (i32.const 4320) (i32.const 8))
            (i32.store (i32.const 1156) (i32.const 4300)) (i32.store (i32.const 1160) (i32.const 1))",
        ..Guest::default()
    };
    let load = |facts: &[&str]| {
        let grants = Grants { facts: facts.iter().map(|pattern| (*pattern).to_owned()).collect(), ..Grants::default() };
        runtime().load(LoadRequest { grants, ..guest.request() }).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(load(&["kpis", "incidents"]), Ok(()));
    assert_eq!(load(&["*"]), Ok(()));
    let partly = load(&["incidents"]).unwrap_err();
    assert!(partly.starts_with("it needs what is not granted:"), "{partly}");
    assert!(partly.contains("`kpis`") && !partly.contains("`incidents`"), "{partly}");
    assert!(load(&[]).unwrap_err().contains("`kpis`"));
}

#[test]
fn inspecting_tells_all_without_running_what_is_refused() {
    let guest = Guest { describe: "unreachable", ..LOGS };
    let grants = Grants { log: false, ..Grants::default() };
    let inspection = runtime().inspect(&guest.component(), &grants).unwrap();
    assert!(!inspection.is_admissible());
    assert_eq!(inspection.kinds, [Kind::ApprovalPolicy]);
    assert_eq!(inspection.contract.as_deref(), Some("0.2.0-rc.2"));
    assert_eq!(inspection.description, None);
    assert_eq!(inspection.problem, None);
    assert_eq!(inspection.refusals.len(), 1);
    let refused: Vec<_> = inspection.imports.iter().filter(|import| import.refusal.is_some()).collect();
    assert_eq!(refused.iter().map(|import| &*import.name).collect::<Vec<_>>(), ["lockgate:host/log@0.2.0-rc.2"]);
    assert_eq!(inspection.start_up, StartUp::Frozen);
}

#[test]
fn inspecting_a_plugin_that_cannot_describe_itself_says_why() {
    let guest = Guest { describe: "unreachable", ..Guest::default() };
    let inspection = runtime().inspect(&guest.component(), &Grants::default()).unwrap();
    assert!(!inspection.is_admissible());
    assert!(matches!(inspection.problem, Some(AdmissionError::Describe(_))));
}
