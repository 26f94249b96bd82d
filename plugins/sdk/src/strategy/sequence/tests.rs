#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;
use crate::testing::progress;
use crate::types::WayBack;

fn rollout() -> Rollout {
    Rollout {
        steps: vec![
            Step::deploy("deploy", "Deploy", "green", 100),
            Step::hold("hold", "Hold", Duration::from_millis(600_000)),
            Step::analyze("analyze", "Analyze", &["latency".to_owned()]),
            Step::confirm("confirm", "Confirm"),
            Step::remove("retire", "Retire", "blue"),
        ],
        back: vec![
            Step::route("back-route", "Send consumers back", "blue", 100).undoes(["analyze", "confirm"]),
            Step::remove("back-remove", "Remove what was installed", "green").undoes(["deploy"]),
        ],
        point_of_no_return: Some("retire".to_owned()),
        way_back: WayBack::last_known_good("r1"),
        summary: String::new(),
    }
}

const SEQUENCE: Sequence =
    Sequence { on_inconclusive: OnInconclusive::Pause, max_attempts: 3, retry_after: Duration::from_millis(60_000) };

/// The progress after the first `done` steps went well.
fn after(done: usize) -> Progress {
    let mut progress = progress(&rollout());
    for state in progress.steps.iter_mut().take(done) {
        state.status = StepStatus::Succeeded;
        state.attempts = 1;
    }
    progress
}

fn at(now: i64, progress: &Progress) -> Action {
    SEQUENCE.advance(Timestamp::from_millis(now), &rollout(), progress)
}

fn resume(progress: &mut Progress, place: usize) {
    progress.steps[place].resumed_by = Some("kim".to_owned());
}

#[test]
fn steps_are_performed_in_their_order() {
    let ids = ["deploy", "hold", "analyze", "confirm", "retire"];
    for (done, id) in ids.into_iter().enumerate() {
        assert_eq!(at(0, &after(done)), Action::perform(id));
    }
    assert_eq!(at(0, &after(5)), Action::Complete);
}

#[test]
fn asking_twice_gives_the_same_answer() {
    let mut progress = after(0);
    progress.steps[0].status = StepStatus::Running;
    assert_eq!(at(0, &progress), Action::perform("deploy"));
    assert_eq!(at(0, &progress), at(0, &progress));
}

#[test]
fn a_hold_waits_to_the_millisecond() {
    let mut progress = after(1);
    progress.steps[1].status = StepStatus::Running;
    progress.steps[1].began = Some(1000);
    let Action::Wait(wait) = at(600_999, &progress) else { unreachable!() };
    assert_eq!((wait.until, wait.reason.code.as_str()), (Some(601_000), "holding"));
    assert_eq!(at(601_000, &progress), Action::perform("analyze"));
}

#[test]
fn a_person_can_end_a_hold_before_its_time() {
    let mut progress = after(1);
    progress.steps[1].status = StepStatus::Running;
    progress.steps[1].began = Some(1000);
    resume(&mut progress, 1);
    assert_eq!(at(1001, &progress), Action::perform("analyze"));
}

#[test]
fn a_hold_for_a_person_waits_for_the_person() {
    let mut progress = after(3);
    progress.steps[3].status = StepStatus::Running;
    progress.steps[3].began = Some(0);
    let Action::Wait(wait) = at(i64::MAX, &progress) else { unreachable!() };
    assert_eq!((wait.until, wait.reason.code.as_str()), (None, "waiting-for-person"));
    resume(&mut progress, 3);
    assert_eq!(at(0, &progress), Action::perform("retire"));
}

#[test]
fn a_failed_step_takes_the_way_back_until_the_point_of_no_return() {
    let mut progress = after(2);
    progress.steps[2].status = StepStatus::Failed;
    assert_eq!(at(0, &progress), Action::GoBack(Reason::new("step-failed", "“Analyze” failed")));
    progress.past_point_of_no_return = true;
    let message = "“Analyze” failed, and it cannot be rolled back after the point of no return";
    assert_eq!(at(0, &progress), Action::Pause(Reason::new("step-failed", message)));
    resume(&mut progress, 2);
    assert_eq!(at(0, &progress), Action::perform("analyze"));
}

#[test]
fn without_a_way_back_a_failed_step_pauses() {
    let mut progress = after(0);
    let rollout = Rollout { way_back: WayBack::new(WayBackKind::ForwardOnly), back: Vec::new(), ..rollout() };
    progress.steps[0].status = StepStatus::Failed;
    assert!(matches!(SEQUENCE.advance(Timestamp::from_millis(0), &rollout, &progress), Action::Pause(_)));
}

#[test]
fn an_inconclusive_step_is_handled_as_the_settings_say() {
    let mut progress = after(2);
    progress.steps[2] =
        StepState { status: StepStatus::Inconclusive, attempts: 1, ended: Some(0), ..progress.steps[2].clone() };
    let ask = |on_inconclusive, now, progress: &Progress| {
        Sequence { on_inconclusive, ..SEQUENCE }.advance(Timestamp::from_millis(now), &rollout(), progress)
    };
    assert!(
        matches!(ask(OnInconclusive::Pause, 0, &progress), Action::Pause(reason) if reason.code == "step-inconclusive")
    );
    assert!(matches!(ask(OnInconclusive::GoBack, 0, &progress), Action::GoBack(_)));
    assert!(matches!(ask(OnInconclusive::Retry, 59_999, &progress), Action::Wait(wait) if wait.until == Some(60_000)));
    assert_eq!(ask(OnInconclusive::Retry, 60_000, &progress), Action::perform("analyze"));

    progress.steps[2].attempts = 3;
    assert!(
        matches!(ask(OnInconclusive::Retry, 60_000, &progress), Action::Pause(reason) if reason.code == "attempts-used-up")
    );
    progress.past_point_of_no_return = true;
    assert!(matches!(ask(OnInconclusive::GoBack, 0, &progress), Action::Pause(_)));
}

#[test]
fn a_person_can_judge_in_place_of_an_inconclusive_analysis() {
    let mut progress = after(2);
    progress.steps[2].status = StepStatus::Inconclusive;
    resume(&mut progress, 2);
    assert_eq!(at(0, &progress), Action::perform("confirm"));
}

#[test]
fn a_rollout_without_steps_is_complete() {
    let empty = Rollout { steps: Vec::new(), back: Vec::new(), ..rollout() };
    let progress = progress(&empty);
    assert_eq!(SEQUENCE.advance(Timestamp::from_millis(0), &empty, &progress), Action::Complete);
}

#[test]
fn the_way_back_undoes_what_has_begun_and_pauses_where_it_fails() {
    let mut progress = after(2);
    progress.direction = Direction::Back;
    // No analysis has begun, so no consumer has to be sent back.
    assert_eq!(at(0, &progress), Action::perform("back-remove"));
    progress.back[1].status = StepStatus::Failed;
    let message = "“Remove what was installed” failed, on the way back";
    assert_eq!(at(0, &progress), Action::Pause(Reason::new("step-failed", message)));
    progress.back[1].status = StepStatus::Succeeded;
    assert_eq!(at(0, &progress), Action::Complete);

    let mut further = after(3);
    further.direction = Direction::Back;
    assert_eq!(at(0, &further), Action::perform("back-route"));
}

#[test]
fn a_skipped_step_is_done() {
    let mut progress = after(0);
    progress.steps[0].status = StepStatus::Skipped;
    assert_eq!(at(0, &progress), Action::perform("hold"));
}
