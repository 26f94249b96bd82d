//! Whether the change window holds the slot of the plan, and the present moment.

use lockgate_plugin::roles::{CHANGE_AUTHORITY, DEPLOYMENT_MANAGER};
use lockgate_plugin::time::Timestamp;
use lockgate_plugin::types::{Change, Phase, Stage, TimeWindow};
use lockgate_plugin::{CorrectionNeeded, Evaluation, Finding, Findings, Pointer, Requirement, TimeNeeded};

use crate::settings::Settings;
use crate::{correct_change, place};

/// Looks at the change window.
pub(crate) fn check(settings: &Settings, change: &Change, evaluation: &Evaluation, findings: &mut Findings) {
    let id = change.id.as_str();
    let Some(window) = change.window else {
        if !settings.no_window_needed.contains(&change.category) {
            findings.wrong("change-window-missing", |code| {
                let message = format!("change `{id}` has no change window, so nobody knows when it may be carried out");
                let need =
                    CorrectionNeeded::new(place().key("window"), "a change window that holds the slot of the plan");
                correct_change(Finding::new(code, message).about(id), need.found("nothing"))
            });
        }
        return;
    };
    if window.is_empty() {
        return findings.wrong("change-window-empty", |code| {
            let message =
                format!("the change window of change `{id}` ends at {}, before it begins", Timestamp::from(window.end));
            let need = CorrectionNeeded::new(place().key("window"), "a change window that ends after it begins");
            correct_change(Finding::new(code, message).about(id), need.found(window.to_string()))
        });
    }
    slot(id, window, evaluation, findings);
    if settings.window_open_at.contains(&evaluation.stage()) {
        now(id, window, evaluation, findings);
    }
}

/// The slot lies in the window. A plan is due from the exit of plan-and-approve on.
fn slot(change: &str, window: TimeWindow, evaluation: &Evaluation, findings: &mut Findings) {
    let plan = Pointer::root().key("plan").key("slot");
    let book = |found: &str| {
        let need = CorrectionNeeded::new(&plan, format!("a slot within the change window, {window}")).found(found);
        Requirement::correction("book-slot", need).owner(DEPLOYMENT_MANAGER)
    };
    match evaluation.slot() {
        Some(slot) if window.encloses(&slot) => {}
        Some(slot) => findings.wrong("slot-outside-change-window", |code| {
            let message =
                format!("the slot of the plan, {slot}, is not within the window of change `{change}`, {window}");
            let need = CorrectionNeeded::new(place().key("window"), format!("a change window that holds {slot}"));
            let extend = Requirement::correction("correct-change", need.found(window.to_string()));
            let extend = extend.owner(CHANGE_AUTHORITY).way(1);
            Finding::new(code, message).at(&plan).remedy(book(&slot.to_string())).remedy(extend)
        }),
        None if evaluation.has_reached(Stage::PlanAndApprove, Phase::Exit) => findings.wrong("slot-missing", |code| {
            let message = "the plan has booked no slot, so nobody can tell whether it is within the change window";
            Finding::new(code, message).at(&plan).remedy(book("nothing"))
        }),
        None => {}
    }
}

/// The present moment lies in the window.
fn now(change: &str, window: TimeWindow, evaluation: &Evaluation, findings: &mut Findings) {
    let now = evaluation.now();
    let (start, end) = (Timestamp::from(window.start), Timestamp::from(window.end));
    if now < start {
        findings.again(start);
        findings.awaited("before-change-window", |code| {
            let message = format!("the window of change `{change}` begins at {start}");
            let need = TimeNeeded::starting(start).until(end);
            let remedy =
                Requirement::new("wait-for-change-window", format!("wait until {start}"), need).owner(CHANGE_AUTHORITY);
            Finding::new(code, message).about(change).at(place().key("window").key("start")).remedy(remedy)
        });
    } else if now >= end {
        findings.wrong("change-window-over", |code| {
            let message = format!("the window of change `{change}` ended at {end}");
            let need = CorrectionNeeded::new(place().key("window").key("end"), format!("a time after {now}"));
            correct_change(Finding::new(code, message).about(change), need.found(end.to_string()))
        });
    }
}
