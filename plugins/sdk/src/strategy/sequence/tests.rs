#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;
use crate::strategy::Rollout;
use crate::testing::progress;
use crate::types::LastKnownGood;

fn rollout() -> Rollout {
    Rollout {
        steps: vec![
            Step::deploy("deploy", "Deploy", "green", 100),
            Step::hold("hold", "Hold", Duration::from_millis(600_000)),
            Step::analyze("analyze", "Analyze", &["latency".to_owned()]),
            Step::confirm("confirm", "Confirm"),
            Step::retire("retire", "Retire", "blue"),
        ],
        point_of_no_return: Some("retire".to_owned()),
        way_back: WayBack::LastKnownGood(LastKnownGood { release: "r1".to_owned(), digest: None, rehearsed: true }),
        summary: String::new(),
    }
}

const SEQUENCE: Sequence =
    Sequence { on_inconclusive: OnInconclusive::Pause, max_attempts: 3, retry_after: Duration::from_millis(60_000) };

/// The progress after the first `done` steps went well.
fn after(done: usize) -> Progress {
    let mut progress = progress(rollout());
    for state in progress.steps.iter_mut().take(done) {
        state.status = StepStatus::Succeeded;
    }
    progress
}

fn at(now: i64, progress: &Progress) -> Action {
    SEQUENCE.advance(Timestamp::from_millis(now), progress)
}

#[test]
fn steps_are_performed_in_their_order() {
    let ids = ["deploy", "hold", "analyze", "confirm", "retire"];
    for (done, id) in ids.into_iter().enumerate() {
        assert_eq!(at(0, &after(done)), Action::Perform(id.to_owned()));
    }
    assert_eq!(at(0, &after(5)), Action::Complete);
}

#[test]
fn asking_twice_gives_the_same_answer() {
    let mut progress = after(0);
    progress.steps[0].status = StepStatus::Running;
    assert_eq!(at(0, &progress), Action::Perform("deploy".to_owned()));
    assert_eq!(at(0, &progress), at(0, &progress));
}

#[test]
fn a_hold_waits_to_the_millisecond() {
    let mut progress = after(1);
    progress.steps[1].status = StepStatus::Running;
    progress.steps[1].began = Some(1000);
    let Action::Wait(wait) = at(600_999, &progress) else { unreachable!() };
    assert_eq!((wait.until, wait.for_person, wait.reason.code.as_str()), (Some(601_000), false, "holding"));
    assert_eq!(at(601_000, &progress), Action::Perform("analyze".to_owned()));
}

#[test]
fn a_person_can_end_a_hold_before_its_time() {
    let mut progress = after(1);
    progress.steps[1].status = StepStatus::Running;
    progress.steps[1].began = Some(1000);
    progress.steps[1].resumed = true;
    assert_eq!(at(1001, &progress), Action::Perform("analyze".to_owned()));
}

#[test]
fn a_hold_for_a_person_waits_for_the_person() {
    let mut progress = after(3);
    progress.steps[3].status = StepStatus::Running;
    progress.steps[3].began = Some(0);
    let Action::Wait(wait) = at(i64::MAX, &progress) else { unreachable!() };
    assert_eq!((wait.until, wait.for_person), (None, true));
    progress.steps[3].resumed = true;
    assert_eq!(at(0, &progress), Action::Perform("retire".to_owned()));
}

#[test]
fn a_failed_step_takes_the_way_back_until_the_point_of_no_return() {
    let mut progress = after(2);
    progress.steps[2].status = StepStatus::Failed;
    assert_eq!(at(0, &progress), Action::RollBack(Reason::new("step-failed", "“Analyze” failed")));
    progress.past_point_of_no_return = true;
    let message = "“Analyze” failed, and it cannot be rolled back after the point of no return";
    assert_eq!(at(0, &progress), Action::Pause(Reason::new("step-failed", message)));
    progress.steps[2].resumed = true;
    assert_eq!(at(0, &progress), Action::Perform("analyze".to_owned()));
}

#[test]
fn without_a_way_back_a_failed_step_pauses() {
    let mut progress = after(0);
    progress.rollout.way_back = WayBack::ForwardOnly;
    progress.steps[0].status = StepStatus::Failed;
    assert!(matches!(at(0, &progress), Action::Pause(_)));
}

#[test]
fn an_inconclusive_step_is_handled_as_the_settings_say() {
    let mut progress = after(2);
    progress.steps[2] =
        StepState { status: StepStatus::Inconclusive, attempts: 1, ended: Some(0), ..progress.steps[2].clone() };
    let ask = |on_inconclusive, now, progress: &Progress| {
        Sequence { on_inconclusive, ..SEQUENCE }.advance(Timestamp::from_millis(now), progress)
    };
    assert!(
        matches!(ask(OnInconclusive::Pause, 0, &progress), Action::Pause(reason) if reason.code == "step-inconclusive")
    );
    assert!(matches!(ask(OnInconclusive::RollBack, 0, &progress), Action::RollBack(_)));
    assert!(matches!(ask(OnInconclusive::Retry, 59_999, &progress), Action::Wait(wait) if wait.until == Some(60_000)));
    assert_eq!(ask(OnInconclusive::Retry, 60_000, &progress), Action::Perform("analyze".to_owned()));

    progress.steps[2].attempts = 3;
    assert!(
        matches!(ask(OnInconclusive::Retry, 60_000, &progress), Action::Pause(reason) if reason.code == "attempts-used-up")
    );
    progress.past_point_of_no_return = true;
    assert!(matches!(ask(OnInconclusive::RollBack, 0, &progress), Action::Pause(_)));
}

#[test]
fn a_person_can_judge_in_place_of_an_inconclusive_analysis() {
    let mut progress = after(2);
    progress.steps[2].status = StepStatus::Inconclusive;
    progress.steps[2].resumed = true;
    assert_eq!(at(0, &progress), Action::Perform("confirm".to_owned()));
}

#[test]
fn a_rollout_without_steps_is_complete() {
    let empty = Rollout { steps: Vec::new(), ..rollout() };
    assert_eq!(at(0, &progress(empty)), Action::Complete);
}
