//! What a plugin sees of a snapshot, and that it sees no more than it was granted.

use std::sync::Arc;

use crate::support::{Guest, runtime, snapshot};
use lockgate_domain::{AskingModel, Digest, Document, Evidence, LogLevel, PolicyVerdict, Reason, Registers, Snapshot};
use lockgate_runtime::{Evaluation, Grants, Limits, LoadRequest, PluginFunction, PluginOutput, Recording};
use lockgate_tests::{Method, everything, large, methods};
use serde_json::json;

/// A policy that asks the host one thing and allows, with a reason whose code is `test-guest` and whose message is the
/// text that it found the address and length of at 4300.
fn seeing(imports: &str, ask: &str) -> Guest {
    let answer = r#"
        (i32.store8 (i32.const 4096) (i32.const 0)) (i32.store8 (i32.const 4100) (i32.const 0))
        (i32.store (i32.const 4120) (i32.const 4200)) (i32.store (i32.const 4124) (i32.const 1))
        (i32.store (i32.const 4200) (i32.const 1024)) (i32.store (i32.const 4204) (i32.const 10))
        (i32.store (i32.const 4208) (i32.load (i32.const 4300))) (i32.store (i32.const 4212) (i32.load (i32.const 4304)))
        
        (return (i32.const 4096))"#;
    Guest {
        world: "import lockgate:host/snapshot@0.2.0-rc.2; export lockgate:approval/policy@0.2.0-rc.2;",
        imports: imports.to_owned().leak(),
        decide: format!("{ask} {answer}").leak(),
        ..Guest::default()
    }
}

/// What it saw.
fn seen(guest: &Guest, grants: Grants, snapshot: Snapshot) -> String {
    let plugin = runtime().load(LoadRequest { grants, ..guest.request() }).unwrap();
    let answer = plugin.decide(&Arc::new(snapshot)).outcome.unwrap();
    let [Reason { message, .. }] = &answer.reasons[..] else { panic!("{answer:?}") };
    message.clone()
}

/// Joins a list of strings, whose address and length stand at 4300, with commas.
const JOIN: &str = r#"
    (local $item i32) (local $to i32) (local $left i32)
    (call $ask (local.get $evaluation) (i32.const 4300))
    (local.set $item (i32.load (i32.const 4300)))
    (local.set $left (i32.load (i32.const 4304)))
    (local.set $to (i32.const 60000))
    (block $done (loop $next
        (br_if $done (i32.eqz (local.get $left)))
        (memory.copy (local.get $to) (i32.load (local.get $item)) (i32.load offset=4 (local.get $item)))
        (local.set $to (i32.add (local.get $to) (i32.load offset=4 (local.get $item))))
        (i32.store8 (local.get $to) (i32.const 44))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (local.set $item (i32.add (local.get $item) (i32.const 8)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next)))
    (i32.store (i32.const 4300) (i32.const 60000))
    (i32.store (i32.const 4304) (i32.sub (local.get $to) (i32.const 60000)))"#;

fn asks(method: &str) -> String {
    format!(r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[method]evaluation.{method}" (func $ask (param i32 i32)))"#)
}

#[test]
fn texts_arrive_as_they_are() {
    let guest = seeing(&asks("id"), "(call $ask (local.get $evaluation) (i32.const 4300))");
    let mut snapshot = snapshot();
    Arc::make_mut(&mut snapshot.deployment).id = "Größe-1 ✓".to_owned();
    assert_eq!(seen(&guest, Grants::default(), snapshot), "Größe-1 ✓");
}

#[test]
fn the_subject_is_the_digest_in_words() {
    let guest = seeing(&asks("subject"), "(call $ask (local.get $evaluation) (i32.const 4300))");
    assert_eq!(seen(&guest, Grants::default(), snapshot()), snapshot().subject.to_string());
}

#[test]
fn calls_of_the_host_are_counted_by_name() {
    let guest = seeing(
        &asks("id"),
        "(call $ask (local.get $evaluation) (i32.const 4300)) (call $ask (local.get $evaluation) (i32.const 4300))",
    );
    let plugin = runtime().load(guest.request()).unwrap();
    let receipt = plugin.decide(&Arc::new(snapshot())).receipt;
    assert_eq!(receipt.host_calls.into_iter().collect::<Vec<_>>(), [("id".to_owned(), 2)]);
}

#[test]
fn who_has_looked_at_the_time_is_known() {
    let timeless = |guest: &Guest| {
        let evaluation = runtime().load(guest.request()).unwrap().decide(&Arc::new(snapshot()));
        assert!(evaluation.outcome.is_ok());
        evaluation.timeless
    };
    let id = "(call $ask (local.get $evaluation) (i32.const 4300))";
    assert!(timeless(&seeing(&asks("id"), id)));
    let now =
        r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[method]evaluation.now" (func $now (param i32) (result i64)))"#;
    let both = format!("{id} (drop (call $now (local.get $evaluation)))");
    assert!(!timeless(&seeing(&format!("{} {now}", asks("id")), &both)));
}

fn with_evidence(names: &[&str]) -> Snapshot {
    let mut snapshot = snapshot();
    snapshot.evidence =
        names.iter().map(|name| ((*name).to_owned(), Evidence::new(name.as_bytes().to_vec(), "text/plain"))).collect();
    snapshot
}

#[test]
fn only_evidence_that_is_granted_has_a_name() {
    // The name is the first field of the head.
    let join = JOIN.replace("(local.get $item) (i32.const 8)", "(local.get $item) (i32.const 144)");
    let guest = seeing(&asks("evidence-list"), &join);
    let snapshot = || with_evidence(&["sbom", "report-unit", "report-load", "payroll"]);
    let grants = |patterns: &[&str]| Grants {
        evidence: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
        ..Grants::default()
    };
    assert_eq!(seen(&guest, grants(&["sbom", "report-*"]), snapshot()), "report-load,report-unit,sbom,");
    assert_eq!(seen(&guest, grants(&["*"]), snapshot()), "payroll,report-load,report-unit,sbom,");
}

/// Asks for the evidence `sbom`, and says the first byte of the result: 0 ok, 1 an error; then which error.
const ASK_FOR_SBOM: &str = r#"
    (call $ask (local.get $evaluation) (i32.const 4400) (i32.const 4) (i32.const 4504))
    (i32.store8 (i32.const 60000) (i32.add (i32.const 48) (i32.load8_u (i32.const 4504))))
    (i32.store8 (i32.const 60001) (i32.add (i32.const 48) (i32.and (i32.const 1) (i32.load8_u (i32.const 4512)))))
    (i32.store (i32.const 4300) (i32.const 60000)) (i32.store (i32.const 4304) (i32.const 2))"#;

#[test]
fn evidence_is_there_or_missing_or_not_granted() {
    let import = r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[method]evaluation.evidence"
        (func $ask (param i32 i32 i32 i32)))"#;
    let guest = Guest { fields: r#"(data (i32.const 4400) "sbom")"#, ..seeing(import, ASK_FOR_SBOM) };
    let granted = || Grants { evidence: vec!["sbom".to_owned()], ..Grants::default() };
    assert!(seen(&guest, granted(), with_evidence(&["sbom"])).starts_with('0'));
    assert_eq!(seen(&guest, granted(), with_evidence(&[])), "11", "missing");
    assert_eq!(seen(&guest, Grants::default(), with_evidence(&["sbom"])), "10", "not granted");
}

/// Asks for bytes of the evidence `sbom`, and says them.
fn content_of_sbom(offset: u32, at_most: u32) -> Guest {
    let import = r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[method]evaluation.evidence-content"
        (func $ask (param i32 i32 i32 i32 i32 i32)))"#;
    let ask = format!(
        "(call $ask (local.get $evaluation) (i32.const 4400) (i32.const 4) (i32.const {offset}) (i32.const {at_most})
            (i32.const 4504))
        (if (i32.load8_u (i32.const 4504)) (then unreachable))
        (i32.store (i32.const 4300) (i32.load (i32.const 4508))) (i32.store (i32.const 4304) (i32.load (i32.const 4512)))"
    );
    Guest { fields: r#"(data (i32.const 4400) "sbom")"#, ..seeing(import, &ask) }
}

#[test]
fn the_bytes_of_evidence_are_read_in_parts() {
    let granted = || Grants { evidence: vec!["sbom".to_owned()], ..Grants::default() };
    let part = |offset, at_most| seen(&content_of_sbom(offset, at_most), granted(), with_evidence(&["sbom"]));
    assert_eq!(part(0, 3), "sbo");
    assert_eq!(part(1, u32::MAX), "bom");
    assert_eq!(part(3, 2), "m");
}

fn granted(patterns: &[&str]) -> Grants {
    Grants { facts: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(), ..Grants::default() }
}

/// Asks for the first page of a register, and says the tag of the result, then that of the error or the number of items.
fn reading(register: &str) -> Guest {
    let import = format!(
        r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[method]evaluation.{register}"
            (func $ask (param i32 i32 i32 i32 i32 i32)))"#
    );
    let ask = r#"
        (call $ask (local.get $evaluation) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 9) (i32.const 4504))
        (i32.store8 (i32.const 60000) (i32.add (i32.const 48) (i32.load8_u (i32.const 4504))))
        (i32.store8 (i32.const 60001) (i32.add (i32.const 48) (select
            (i32.load8_u (i32.const 4508)) (i32.load (i32.const 4512)) (i32.load8_u (i32.const 4504)))))
        (i32.store (i32.const 4300) (i32.const 60000)) (i32.store (i32.const 4304) (i32.const 2))"#;
    seeing(&import, ask)
}

#[test]
fn a_register_is_granted_or_not_and_kept_or_not_and_may_be_empty() {
    for register in Registers::NAMES {
        let guest = reading(register);
        let only = |registers: serde_json::Value| {
            let mut snapshot = everything();
            Arc::make_mut(&mut snapshot.deployment).registers = serde_json::from_value(registers).unwrap();
            snapshot
        };
        let member = register.replace('-', "_");
        let items = everything().deployment.registers.json(register).unwrap().unwrap().as_array().unwrap().len();
        assert_eq!(seen(&guest, granted(&[register]), everything()), format!("0{items}"), "{register} is granted");
        assert_eq!(seen(&guest, granted(&[register]), only(json!({ member: [] }))), "00", "{register} is empty");
        assert_eq!(seen(&guest, granted(&[register]), only(json!({}))), "11", "nobody keeps {register}");
        let fact = format!("fact:{register}");
        for others in [&[][..], &["none", "fact:*"], &["fact:**", &fact]] {
            assert_eq!(seen(&guest, granted(others), everything()), "10", "{register} is not granted by {others:?}");
        }
    }
}

/// Asks `method` with a text, and perhaps for a page, and says the tag of the result, then that of the error or the number of items.
fn asking(method: &str, text: &str, page: bool) -> Guest {
    let (types, values) = match page {
        true => ("i32 i32 i32 i32", "(i32.const 0) (i32.const 0) (i32.const 0) (i32.const 9)"),
        false => ("", ""),
    };
    let import = format!(
        r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[method]evaluation.{method}"
            (func $ask (param i32 i32 i32 {types} i32)))"#
    );
    let ask = format!(
        "(call $ask (local.get $evaluation) (i32.const 4400) (i32.const {}) {values} (i32.const 4504))
        (i32.store8 (i32.const 60000) (i32.add (i32.const 48) (i32.load8_u (i32.const 4504))))
        (i32.store8 (i32.const 60001) (i32.add (i32.const 48) (select
            (i32.load8_u (i32.const 4508)) (i32.load (i32.const 4512)) (i32.load8_u (i32.const 4504)))))
        (i32.store (i32.const 4300) (i32.const 60000)) (i32.store (i32.const 4304) (i32.const 2))",
        text.len()
    );
    let data = format!(r#"(data (i32.const 4400) "{text}")"#);
    Guest { fields: data.leak(), ..seeing(&import, &ask) }
}

/// [`everything`] with other members.
fn with(members: serde_json::Value) -> Snapshot {
    let mut document = serde_json::to_value(&*everything().deployment).unwrap();
    for (name, value) in members.as_object().unwrap() {
        match value.is_null() {
            true => drop(document.as_object_mut().unwrap().remove(name)),
            false => document[name] = value.clone(),
        }
    }
    let mut snapshot = everything();
    snapshot.deployment = Arc::new(serde_json::from_value(document).unwrap());
    snapshot
}

#[test]
fn samples_and_their_intervals_are_granted_or_not_and_kept_or_not_and_may_be_empty() {
    for (method, member) in [("samples", "samples"), ("sample-intervals", "sample_intervals")] {
        let of = |kpi| asking(method, kpi, true);
        assert_eq!(seen(&of("K"), granted(&["kpis"]), everything()), "02");
        assert_eq!(seen(&of("K/2~x"), granted(&["kpis"]), everything()), "00", "no sample yet");
        assert_eq!(seen(&of("L"), granted(&["kpis"]), everything()), "11", "no such indicator");
        assert_eq!(seen(&of("K"), granted(&["kpis"]), with(json!({ member: null }))), "11", "nobody keeps indicators");
        for others in [&[][..], &["samples", "sample-intervals", "people", "fact:*"]] {
            assert_eq!(seen(&of("K"), granted(others), everything()), "10", "not granted by {others:?}");
        }
    }
}

#[test]
fn competences_are_granted_or_not_and_kept_or_not_and_may_be_empty() {
    let of = |person| asking("competences", person, false);
    assert_eq!(seen(&of("ada@example.org"), granted(&["people"]), everything()), "02");
    assert_eq!(seen(&of("bo@example.org"), granted(&["people"]), everything()), "00", "a person without competences");
    assert_eq!(
        seen(&of("zoe@example.org"), granted(&["*"]), everything()),
        "11",
        "the register does not have the person"
    );
    assert_eq!(
        seen(&of("ada@example.org"), granted(&["people"]), with(json!({ "people": null }))),
        "11",
        "nobody keeps people"
    );
    for others in [&[][..], &["kpis", "fact:people"]] {
        assert_eq!(seen(&of("ada@example.org"), granted(others), everything()), "10", "not granted by {others:?}");
    }
}

/// Asks who says what stands at a pointer, and says the source, `none`, or the tag of the error.
fn who_says(pointer: &str) -> Guest {
    let import = r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[method]evaluation.provenance"
        (func $ask (param i32 i32 i32 i32)))"#;
    // The result is aligned to 8 bytes, and so is the option in it.
    let ask = format!(
        "(call $ask (local.get $evaluation) (i32.const 4400) (i32.const {}) (i32.const 4504))
        (if (i32.load8_u (i32.const 4504))
            (then
                (i32.store8 (i32.const 60000) (i32.add (i32.const 48) (i32.load8_u (i32.const 4512))))
                (i32.store (i32.const 4300) (i32.const 60000)) (i32.store (i32.const 4304) (i32.const 1)))
            (else (if (i32.load8_u (i32.const 4512))
                (then
                    (i32.store (i32.const 4300) (i32.load (i32.const 4520)))
                    (i32.store (i32.const 4304) (i32.load (i32.const 4524))))
                (else
                    (i32.store (i32.const 4300) (i32.const 4490)) (i32.store (i32.const 4304) (i32.const 4))))))",
        pointer.len()
    );
    let data = format!(r#"(data (i32.const 4400) "{pointer}") (data (i32.const 4490) "none")"#);
    Guest { fields: data.leak(), ..seeing(import, &ask) }
}

#[test]
fn who_says_a_fact_is_told_with_the_grants_of_the_fact() {
    let asked = |pointer: &str, grants: &[&str], snapshot| seen(&who_says(pointer), granted(grants), snapshot);
    let of = |pointer: &str| asked(pointer, &["*", "fact:*"], everything());
    for (pointer, source) in [
        ("/change", "register"),
        ("/change/window/start", "register"),
        ("/environment", "told"),
        ("/registers/kpis", "register"),
        ("/registers/kpis/0/latest", "register"),
        ("/registers/orders/1", "told"),
        ("/people/ada@example.org/competences/0", "register"),
        ("/samples/K~12~0x", "register"),
        ("/sample_intervals/K", "register"),
        ("/hand_over/accepted_by", "ledger"),
        ("/facts/cost", "told"),
        ("/history/0", "ledger"),
        ("/approvals", "ledger"),
        ("/now", "none"),
        ("/differences/0", "none"),
        ("/component_changes", "none"),
    ] {
        assert_eq!(of(pointer), source, "{pointer}");
    }
    for unknown in [
        "/nothing",
        "/changes",
        "/registers/wages",
        "/registers/kpis/1",
        "/registers/kpis/x",
        "/people/zoe",
        "/samples/L",
        "/sample_intervals/L",
        "/facts/x",
    ] {
        assert_eq!(of(unknown), "1", "{unknown} does not exist");
    }
    for failed in ["", "change", "/registers"] {
        assert_eq!(of(failed), "3", "{failed} is no section");
    }
    let entry = "/registers/incidents";
    let only = |registers: serde_json::Value| with(json!({ "registers": registers }));
    assert_eq!(asked(entry, &["incidents"], everything()), "told");
    assert_eq!(asked(entry, &["kpis", "fact:*"], everything()), "0", "not granted");
    assert_eq!(asked(entry, &["incidents"], only(json!({}))), "1", "nobody keeps it");
    assert_eq!(asked(&format!("{entry}/0"), &["incidents"], only(json!({ "incidents": [] }))), "1", "it is empty");
    let withheld = ["/people/ada@example.org", "/samples/K", "/sample_intervals/K", "/facts/cost", "/evidence/sbom"];
    for withheld in withheld.into_iter().chain(["/registers/kpis/0"]) {
        assert_eq!(asked(withheld, &[], everything()), "0", "{withheld}");
    }
    let evidence = Grants { evidence: vec!["*".to_owned()], ..Grants::default() };
    assert_eq!(seen(&who_says("/evidence/sbom"), evidence.clone(), everything()), "evidence");
    assert_eq!(seen(&who_says("/evidence/none"), evidence, everything()), "1");
}

#[test]
fn samples_are_read_in_pages_that_go_on_after_a_moment() {
    // The moment stands at 4440, the page goes on after it, and the first item is said by its value.
    let after = |moment: &str| {
        let import = r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[method]evaluation.samples"
            (func $ask (param i32 i32 i32 i32 i32 i32 i32 i32)))"#;
        let ask = format!(
            "(call $ask (local.get $evaluation) (i32.const 4400) (i32.const 1)
                (i32.const 1) (i32.const 4440) (i32.const {}) (i32.const 1) (i32.const 4504))
            (i32.store8 (i32.const 60000) (i32.add (i32.const 48) (i32.load (i32.const 4512))))
            (if (i32.load (i32.const 4512)) (then
                (i32.store8 (i32.const 60001) (i32.add (i32.const 48)
                    (i32.trunc_f64_u (f64.mul (f64.const 4) (f64.load offset=8 (i32.load (i32.const 4508)))))))))
            (i32.store (i32.const 4300) (i32.const 60000)) (i32.store (i32.const 4304) (i32.const 2))",
            moment.len()
        );
        let data =
            format!(r#"(data (i32.const 4400) "K") (data (i32.const 4440) "{moment}") (data (i32.const 60001) "-")"#);
        let guest = Guest { fields: data.leak(), ..seeing(import, &ask) };
        seen(&guest, granted(&["kpis"]), everything())
    };
    assert_eq!(after("2026-11-24T19:00:00Z"), "12", "0.5 comes after 0.25");
    assert_eq!(after("2026-11-24T18:59:00Z"), "0-", "the end");
    assert_eq!(after("yesterday"), "0-", "no sample was measured then");
}

/// A policy that calls every method once.
fn caller_of_all() -> Guest {
    let methods = methods();
    let all = |part: fn(&Method) -> &str| methods.iter().map(part).collect::<String>().leak();
    Guest {
        world: "import lockgate:host/snapshot@0.2.0-rc.2; export lockgate:approval/policy@0.2.0-rc.2;",
        imports: all(|method| &method.import),
        fields: all(|method| &method.data),
        decide: all(|method| &method.call),
        ..Guest::default()
    }
}

/// The methods come from the contract, so one that the host does not have, or calls by another name, is noticed.
#[test]
fn a_plugin_can_call_every_method_and_each_is_counted_under_its_name() {
    let methods = methods();
    let guest = caller_of_all();
    for grants in [Grants::default(), granted(&["*", "fact:*"])] {
        let plugin = runtime().load(LoadRequest { grants, ..guest.request() }).unwrap();
        let evaluation = plugin.decide(&Arc::new(everything()));
        assert_eq!(evaluation.outcome.unwrap().verdict, PolicyVerdict::Abstain);
        let mut names: Vec<(String, u64)> = methods.iter().map(|method| (method.name.clone(), 1)).collect();
        names.sort();
        assert_eq!(evaluation.receipt.host_calls.into_iter().collect::<Vec<_>>(), names);
    }
    assert!(methods.len() > 50, "{}", methods.len());
}

/// In pages of 1,000, a plugin can read a large snapshot as a whole and forget nothing.
#[test]
fn a_large_snapshot_fits_into_the_memory_of_a_plugin() {
    let plugin =
        runtime().load(LoadRequest { grants: granted(&["*", "fact:*"]), ..caller_of_all().request() }).unwrap();
    let evaluation = plugin.decide(&Arc::new(large()));
    assert_eq!(evaluation.outcome.unwrap().verdict, PolicyVerdict::Abstain);
    assert!(evaluation.receipt.peak_memory <= 64 << 20, "{}", evaluation.receipt.peak_memory);
}

#[test]
fn only_facts_that_are_granted_have_a_name_and_a_register_is_none() {
    let guest = seeing(&asks("fact-names"), JOIN);
    let mut snapshot = everything();
    let fact = || Document { schema: "s".to_owned(), json: json!(1) };
    Arc::make_mut(&mut snapshot.deployment).facts =
        ["zone", "orders", "a"].map(|name| (name.to_owned(), fact())).into_iter().collect();
    assert_eq!(seen(&guest, granted(&["fact:*"]), snapshot.clone()), "a,orders,zone,");
    assert_eq!(seen(&guest, granted(&["fact:z*", "a"]), snapshot.clone()), "zone,");
    assert_eq!(seen(&guest, granted(&["*", "**", "f*", "fact*", "fact:a"]), snapshot.clone()), "a,");
    assert_eq!(seen(&guest, granted(&["fact:orders"]), snapshot), "orders,");
}

/// Asks for the JSON at a pointer, and says it, or the tag of the error.
fn json_at(pointer: &str) -> Guest {
    let import = r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[method]evaluation.json"
        (func $ask (param i32 i32 i32 i32)))"#;
    let ask = format!(
        "(call $ask (local.get $evaluation) (i32.const 4400) (i32.const {}) (i32.const 4504))
        (if (i32.load8_u (i32.const 4504))
            (then
                (i32.store8 (i32.const 60000) (i32.add (i32.const 48) (i32.load8_u (i32.const 4508))))
                (i32.store (i32.const 4300) (i32.const 60000)) (i32.store (i32.const 4304) (i32.const 1)))
            (else
                (i32.store (i32.const 4300) (i32.load (i32.const 4508)))
                (i32.store (i32.const 4304) (i32.load (i32.const 4512)))))",
        pointer.len()
    );
    let data = format!(r#"(data (i32.const 4400) "{pointer}")"#);
    Guest { fields: data.leak(), ..seeing(import, &ask) }
}

#[test]
fn json_is_read_by_pointer_and_needs_the_grants_of_the_typed_methods() {
    let read = |pointer: &str, grants: Grants| seen(&json_at(pointer), grants, everything());
    let nothing = Grants::default;
    assert_eq!(read("/change/risk", nothing()), "\"high\"");
    assert_eq!(read("/registers/orders/1/id", granted(&["orders"])), "\"O-2\"");
    assert_eq!(read("/registers/orders", granted(&["kpis", "fact:orders"])), "0", "not granted");
    assert_eq!(read("/facts/shop.cost~1day", nothing()), "0", "not granted");
    assert_eq!(read("/facts", nothing()), "{}", "those that are granted");
    assert_eq!(read("/evidence/sbom", nothing()), "0", "not granted");
    let cost = |grants| read("/facts/cost", grants);
    assert_eq!((cost(granted(&["*"])).as_str(), cost(granted(&["fact:c*"])).starts_with('{')), ("0", true));
    assert_eq!(read("/people/ada@example.org/competences/1/name", granted(&["people"])), "\"first-aid\"");
    assert_eq!(read("/people", granted(&["kpis"])), "0", "not granted");
    assert_eq!(read("/samples/K~12~0x", granted(&["kpis"])), "[]");
    assert_eq!(read("/samples/K", granted(&["people"])), "0", "not granted");
    assert_eq!(read("/sample_intervals/K", granted(&["people"])), "0", "not granted");
    assert_eq!(read("/component_changes/0/change", nothing()), "\"unchanged\"");
    let said = |grants| read("/provenance/~1people~1ada@example.org/attester", grants);
    assert_eq!((said(granted(&["people"])), said(nothing())), ("\"hr@example.org\"".to_owned(), "1".to_owned()));
    for unknown in [
        "/change/",
        "/registers/orders/",
        "/facts/cost/",
        "/registers/wages",
        "/registers/orders/7",
        "/change/nothing",
        "/nothing",
    ] {
        assert_eq!(read(unknown, granted(&["*", "fact:*"])), "1", "{unknown} does not exist");
    }
    for failed in ["", "change", "/registers"] {
        assert_eq!(read(failed, granted(&["*"])), "3", "{failed} is no section");
    }
}

#[test]
fn a_plugin_knows_which_model_asks_and_for_which_binding() {
    // The tag of the option stands first, the text of `binding` behind those of `id`, `version` and `digest`.
    let ask = r#"(call $ask (local.get $evaluation) (i32.const 4504))
        (if (i32.load8_u (i32.const 4504))
            (then
                (i32.store (i32.const 4300) (i32.load (i32.const 4532)))
                (i32.store (i32.const 4304) (i32.load (i32.const 4536))))
            (else
                (i32.store (i32.const 4300) (i32.const 1024)) (i32.store (i32.const 4304) (i32.const 4))))"#;
    let (typed, snapshot) = (seeing(&asks("model"), ask), Arc::new(snapshot()));
    let model = AskingModel {
        id: "production".to_owned(),
        version: "1.2.0".to_owned(),
        digest: Digest::of(b"a model"),
        binding: "pen-test".to_owned(),
    };
    for (guest, expected) in [(typed, ["test", "pen-test"]), (json_at("/model/binding"), ["1", "\"pen-test\""])] {
        let plugin = runtime().load(guest.request()).unwrap();
        let without = plugin.invocation(&snapshot).ask(PluginFunction::Decide);
        let with = plugin.invocation(&snapshot).asked_by(Arc::new(model.clone())).ask(PluginFunction::Decide);
        let recording = Recording::take(&plugin, PluginFunction::Decide, &snapshot, &with, Some(&model));
        assert!(plugin.replay(&recording).unwrap().same, "the model is recorded");
        let said = [without, with].map(|evaluation| match evaluation.outcome.unwrap() {
            PluginOutput::Answer(answer) => answer.reasons[0].message.clone(),
            other => panic!("{other:?}"),
        });
        assert_eq!(said, expected);
    }
}

#[test]
fn who_asked_for_the_moment_as_json_is_known() {
    let timeless = |pointer| {
        let evaluation = runtime().load(json_at(pointer).request()).unwrap().decide(&Arc::new(everything()));
        assert!(evaluation.outcome.is_ok());
        evaluation.timeless
    };
    assert!(timeless("/change"));
    assert!(!timeless("/now"));
    assert!(!timeless("/now/"));
}

#[test]
fn a_fact_is_there_or_unknown_or_not_granted() {
    let import = r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[method]evaluation.fact"
        (func $ask (param i32 i32 i32 i32)))"#;
    // The tag of the result, and of the error.
    let ask = r#"(call $ask (local.get $evaluation) (i32.const 4400) (i32.const 4) (i32.const 4504))
        (i32.store8 (i32.const 60000) (i32.add (i32.const 48) (i32.load8_u (i32.const 4504))))
        (i32.store8 (i32.const 60001) (i32.add (i32.const 48) (i32.and (i32.const 1) (i32.load8_u (i32.const 4508)))))
        (i32.store (i32.const 4300) (i32.const 60000)) (i32.store (i32.const 4304) (i32.const 2))"#;
    let guest = Guest { fields: r#"(data (i32.const 4400) "cost")"#, ..seeing(import, ask) };
    let granted = || granted(&["fact:cost"]);
    let with_cost = || {
        let mut snapshot = snapshot();
        let fact = Document { schema: "s".to_owned(), json: json!(1) };
        Arc::make_mut(&mut snapshot.deployment).facts = [("cost".to_owned(), fact)].into();
        snapshot
    };
    assert!(seen(&guest, granted(), with_cost()).starts_with('0'));
    assert_eq!(seen(&guest, granted(), snapshot()), "11", "unknown");
    assert_eq!(seen(&guest, Grants::default(), with_cost()), "10", "not granted");
}

fn logged(limits: Limits, lines: u32) -> Evaluation<lockgate_domain::Answer> {
    let guest = Guest {
        world: "import lockgate:host/log@0.2.0-rc.2; export lockgate:approval/policy@0.2.0-rc.2;",
        imports: r#"(import "lockgate:host/log@0.2.0-rc.2" "log" (func $log (param i32 i32 i32)))"#,
        decide: format!(
            "(local $n i32) (loop $on
                (call $log (i32.const 3) (i32.const 1039) (i32.const 7))
                (br_if $on (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {lines}))))"
        )
        .leak(),
        ..Guest::default()
    };
    runtime().load(LoadRequest { limits, ..guest.request() }).unwrap().decide(&Arc::new(snapshot()))
}

#[test]
fn log_lines_are_kept_with_their_level() {
    let evaluation = logged(Limits::default(), 1);
    assert_eq!(evaluation.log.len(), 1);
    assert_eq!((evaluation.log[0].level, &*evaluation.log[0].message), (LogLevel::Warn, "a guest"));
    assert_eq!(evaluation.log_dropped, 0);
}

#[test]
fn logging_without_end_changes_nothing_but_a_number() {
    let evaluation = logged(Limits { log_lines: 3, ..Limits::default() }, 1000);
    assert_eq!(evaluation.outcome.unwrap().verdict, PolicyVerdict::Abstain);
    assert_eq!((evaluation.log.len(), evaluation.log_dropped), (3, 997));
    assert_eq!(evaluation.receipt.host_calls["log"], 1000);
}
