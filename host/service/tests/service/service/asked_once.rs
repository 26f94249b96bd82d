//! What plugins said of a snapshot is used again as long as the snapshot stands, and no longer.

use std::sync::Arc;

use lockgate_domain::{Decision, Phase, Stage, Standing, Verdict};
use lockgate_service::{NewEvidence, Recordings};

use crate::gate_support::load;
use crate::service::stand::{MODEL, Stand, ask_gate, ben, gate, open_recording, rita};

/// A check that hangs on no time here, and a window on Tuesdays from nine to ten in the evening.
const WITH_WINDOW: &str = r#"
    [[gates]]
    stage = "fulfill"
    phase = "entrance"
    [[gates.bindings]]
    id = "release"
    plugin = "release-readiness"
    enforcement = "advisory"
    [[gates.bindings]]
    id = "window"
    plugin = "change-window"
    enforcement = "hard-mandatory"
    settings.time-zone = "UTC"
    settings.weekly = [{ days = ["tue"], from = "21:00", until = "22:00" }]
    settings.planned-window = false
"#;

fn ask_at(stand: &Stand, stage: Stage, phase: Phase) -> Arc<Decision> {
    ask_gate(&stand.engine, &rita(), "dep-1", gate(stage, phase), stand.now()).unwrap()
}

fn ask(stand: &Stand) -> Arc<Decision> {
    ask_at(stand, Stage::PlanAndApprove, Phase::Exit)
}

/// By binding, whether what it said is used again.
fn reused(decision: &Decision) -> Vec<(&str, bool)> {
    let bindings = decision.bindings.iter();
    bindings.map(|binding| (binding.id.as_str(), binding.receipt.as_ref().unwrap().reused)).collect()
}

#[test]
fn what_a_plugin_said_is_used_again_until_something_changes() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let (first, second) = (ask(&stand), ask(&stand));
    assert_eq!((reused(&first), reused(&second)), (vec![("people", false)], vec![("people", true)]));
    assert_ne!((first.at, &first.id), (second.at, &second.id), "each is a decision of its own");
    let said = |decision: &Decision| {
        let mut binding = decision.bindings[0].clone();
        binding.receipt.as_mut().unwrap().reused = false;
        (binding, decision.verdict, decision.reasons.clone(), decision.requirements.clone())
    };
    assert_eq!(said(&first), said(&second));
    assert_eq!(second.verdict, Verdict::Pending);

    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &stand.answer("dep-1", "change-authority")).unwrap();
    let approved = ask(&stand);
    assert_eq!((approved.verdict, reused(&approved)), (Verdict::Allow, vec![("people", false)]));
    assert_eq!(reused(&ask(&stand)), [("people", false)], "whether an approval counts hangs on the time");
    stand
        .engine
        .attach(&stand.by(&rita()), "dep-1".into(), NewEvidence::new("sbom", "application/json", b"{}"))
        .unwrap();
    let void = ask(&stand);
    assert_eq!((void.verdict, reused(&void)), (Verdict::Pending, vec![("people", false)]));
    assert_eq!(reused(&ask(&stand)), [("people", true)]);
}

#[test]
fn a_plugin_that_looks_at_the_time_is_asked_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let engine =
        open_recording(&folder, vec![load(&["release-readiness", "change-window"], WITH_WINDOW)], Recordings::Needed);
    let stand = Stand::of(engine, folder);
    stand.request(|_| {}).unwrap();
    let ask = || ask_at(&stand, Stage::Fulfill, Phase::Entrance);
    let closed = ask();
    assert_eq!(closed.bindings[1].standing, Standing::Pending);
    assert_eq!(reused(&ask()), [("release", true), ("window", false)]);
    stand.later(75);
    let open = ask();
    assert_eq!(open.bindings[1].standing, Standing::Allow);
    assert_eq!(reused(&open), [("release", true), ("window", false)]);
}

#[test]
fn where_every_call_is_recorded_every_plugin_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_recording(&folder, vec![load(&["four-eyes"], MODEL)], Recordings::All);
    let stand = Stand::of(engine, folder);
    stand.request(|_| {}).unwrap();
    ask(&stand);
    let again = ask(&stand);
    assert_eq!(reused(&again), [("people", false)]);
    assert_eq!(stand.engine.decision(&rita(), &again.id).unwrap().recordings.len(), 1);
}
