//! Recordings run again with a candidate: what is told apart.

use std::sync::Arc;

use lockgate_domain::Standing;
use lockgate_engine::replay::{OutcomeChange, Replacement, ReplayOutcome, Replayer};
use lockgate_runtime::{PluginFunction, Recording};
use lockgate_tests::{Guest, runtime, snapshot};

/// How a recording of one guest ends with another one in its place.
fn replayed(recorded: &Guest<'_>, candidate: &Guest<'_>) -> ReplayOutcome {
    let runtime = runtime();
    let plugin = runtime.load(recorded.request()).unwrap();
    let snapshot = Arc::new(snapshot());
    let evaluation = plugin.invocation(&snapshot).ask(PluginFunction::Decide);
    let recording = Recording::take(&plugin, PluginFunction::Decide, &snapshot, &evaluation, None);
    let candidate = Replacement { plugin: None, component: Some(candidate.component().into()), settings: None };
    Replayer::new(runtime, [], Some(candidate)).replay(&recording)
}

/// Instructions of `decide` that give `ok({ verdict: deny, findings: [{ code, message, about }] })`.
fn denying(message_length: u32, about: bool) -> String {
    format!(
        r#"(i32.store (i32.const 4100) (i32.const 4200)) (i32.store (i32.const 4104) (i32.const 4))
        (i32.store (i32.const 4108) (i32.const 4200)) (i32.store (i32.const 4112) (i32.const {message_length}))
        (i32.store8 (i32.const 4116) (i32.const {about}))
        (i32.store (i32.const 4120) (i32.const 4200)) (i32.store (i32.const 4124) (i32.const 4))
        (i32.store8 (i32.const 2000) (i32.const 0))
        (i32.store8 (i32.const 2004) (i32.const 1))
        (i32.store (i32.const 2008) (i32.const 4096)) (i32.store (i32.const 2012) (i32.const 1))
        (return (i32.const 2000))"#,
        about = u8::from(about)
    )
}

fn denial(decide: &str) -> Guest<'_> {
    Guest { fields: "(data (i32.const 4200) \"late for today\")", decide, ..Guest::default() }
}

#[test]
fn the_same_answer_is_the_same_whoever_gives_it() {
    let other = Guest { fields: "(global $unused i32 (i32.const 1))", ..Guest::default() };
    assert_eq!(replayed(&Guest::default(), &other), ReplayOutcome::Same);
}

#[test]
fn a_candidate_that_only_asks_more_on_the_way_has_the_same_reasons() {
    let imports =
        r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[method]evaluation.now" (func $now (param i32) (result i64)))"#;
    let asks = Guest { imports, decide: "(drop (call $now (local.get $evaluation)))", ..Guest::default() };
    let same =
        OutcomeChange { from: Standing::NotApplicable, to: Standing::NotApplicable, was: Vec::new(), is: Vec::new() };
    assert_eq!(replayed(&Guest::default(), &asks), ReplayOutcome::Reworded(same));
}

#[test]
fn other_words_are_told_apart_from_other_reasons_and_these_from_another_verdict() {
    let (short, long, about) = (denying(4, false), denying(14, false), denying(4, true));
    let denied = OutcomeChange {
        from: Standing::Deny,
        to: Standing::Deny,
        was: vec!["late".to_owned()],
        is: vec!["late".to_owned()],
    };
    assert_eq!(replayed(&denial(&short), &denial(&short)), ReplayOutcome::Same);
    assert_eq!(replayed(&denial(&short), &denial(&long)), ReplayOutcome::Reworded(denied.clone()));
    assert_eq!(replayed(&denial(&short), &denial(&about)), ReplayOutcome::Changed(denied));
    let ReplayOutcome::Flipped(OutcomeChange { from, to, .. }) = replayed(&Guest::default(), &denial(&short)) else {
        panic!()
    };
    assert_eq!((from, to), (Standing::NotApplicable, Standing::Deny));
}
