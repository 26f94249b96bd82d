//! What a plugin sees of a snapshot, and that it sees no more than it was granted.

use std::sync::Arc;

use crate::support::{Guest, runtime, snapshot};
use lockgate_domain::{Document, Evidence, Incident, LogLevel, PolicyVerdict, Reason, Severity, Snapshot};
use lockgate_runtime::{Evaluation, Grants, Limits, LoadRequest};
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
        world: "import lockgate:host/snapshot@0.2.0-rc.1; export lockgate:approval/policy@0.2.0-rc.1;",
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
    format!(r#"(import "lockgate:host/snapshot@0.2.0-rc.1" "[method]evaluation.{method}" (func $ask (param i32 i32)))"#)
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
        r#"(import "lockgate:host/snapshot@0.2.0-rc.1" "[method]evaluation.now" (func $now (param i32) (result i64)))"#;
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
    let join = JOIN.replace("(local.get $item) (i32.const 8)", "(local.get $item) (i32.const 64)");
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
    let import = r#"(import "lockgate:host/snapshot@0.2.0-rc.1" "[method]evaluation.evidence"
        (func $ask (param i32 i32 i32 i32)))"#;
    let guest = Guest { fields: r#"(data (i32.const 4400) "sbom")"#, ..seeing(import, ASK_FOR_SBOM) };
    let granted = || Grants { evidence: vec!["sbom".to_owned()], ..Grants::default() };
    assert!(seen(&guest, granted(), with_evidence(&["sbom"])).starts_with('0'));
    assert_eq!(seen(&guest, granted(), with_evidence(&[])), "11", "missing");
    assert_eq!(seen(&guest, Grants::default(), with_evidence(&["sbom"])), "10", "not granted");
}

/// Asks for bytes of the evidence `sbom`, and says them.
fn content_of_sbom(offset: u32, at_most: u32) -> Guest {
    let import = r#"(import "lockgate:host/snapshot@0.2.0-rc.1" "[method]evaluation.evidence-content"
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

#[test]
fn records_are_facts_of_the_host_and_nobody_else_can_make_them() {
    let guest = seeing(&asks("fact-names"), JOIN);
    let mut snapshot = snapshot();
    let fact = || Document { schema: "s".to_owned(), json: json!(1) };
    Arc::make_mut(&mut snapshot.deployment).facts =
        ["zone", "it4it.orders", "a"].map(|name| (name.to_owned(), fact())).into_iter().collect();
    Arc::make_mut(&mut snapshot.deployment).records.incidents.push(Incident {
        id: "INC-1".to_owned(),
        status: "open".to_owned(),
        severity: Severity::High,
        priority: String::new(),
        outage_start: None,
        outage_end: None,
        changes: Vec::new(),
    });
    let granted = |patterns: &[&str]| Grants {
        facts: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
        ..Grants::default()
    };
    assert_eq!(seen(&guest, granted(&["*"]), snapshot.clone()), "a,it4it.incidents,zone,");
    assert_eq!(seen(&guest, granted(&["it4it.*", "z"]), snapshot.clone()), "it4it.incidents,");
    assert_eq!(seen(&guest, granted(&["a"]), snapshot), "a,");
}

#[test]
fn a_fact_is_there_or_unknown_or_not_granted() {
    let import = r#"(import "lockgate:host/snapshot@0.2.0-rc.1" "[method]evaluation.fact"
        (func $ask (param i32 i32 i32 i32)))"#;
    // The tag of the result, and of the error.
    let ask = r#"(call $ask (local.get $evaluation) (i32.const 4400) (i32.const 4) (i32.const 4504))
        (i32.store8 (i32.const 60000) (i32.add (i32.const 48) (i32.load8_u (i32.const 4504))))
        (i32.store8 (i32.const 60001) (i32.add (i32.const 48) (i32.and (i32.const 1) (i32.load8_u (i32.const 4508)))))
        (i32.store (i32.const 4300) (i32.const 60000)) (i32.store (i32.const 4304) (i32.const 2))"#;
    let guest = Guest { fields: r#"(data (i32.const 4400) "cost")"#, ..seeing(import, ask) };
    let granted = || Grants { facts: vec!["cost".to_owned()], ..Grants::default() };
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
        world: "import lockgate:host/log@0.2.0-rc.1; export lockgate:approval/policy@0.2.0-rc.1;",
        imports: r#"(import "lockgate:host/log@0.2.0-rc.1" "log" (func $log (param i32 i32 i32)))"#,
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
