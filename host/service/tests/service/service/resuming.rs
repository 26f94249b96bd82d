//! Where a rollout waits for people: who may say that it goes on.

use lockgate_domain::{CredentialKind, Direction, Phase, Progress, Stage, StepStatus};
use lockgate_service::authority::Actor;
use lockgate_service::{NextStep, Recordings, RuleRefusal, ServiceError, StepOutcome, StepReport};

use serde_json::json;

use crate::gate_support::load;
use crate::service::stand::{Stand, open_recording, person, rita};

/// In fulfill, with a canary of these steps. Nobody hands in an SBOM, so the analysis `licences` has never enough data.
fn fulfilling(resume_by: &str, steps: &str) -> Stand {
    let model = format!(
        r#"
        [strategy]
        plugin = "canary"
        {resume_by}
        settings.steps = [{steps}]
        [analyses.licences]
        plugin = "sbom-policy"
        settings.denied-licences = ["GPL-3.0-only"]
        grants.evidence = ["sbom"]
        [[gates]]
        stage = "plan-and-approve"
        phase = "exit"
        [[gates.bindings]]
        id = "people"
        plugin = "four-eyes"
        enforcement = "hard-mandatory"
        settings.required = [{{ role = "change-authority" }}]
        "#
    );
    let folder = tempfile::tempdir().unwrap();
    let model = load(&["four-eyes", "canary", "sbom-policy"], &model);
    let stand = Stand::of(open_recording(&folder, vec![model], Recordings::Needed), folder);
    stand.request(|_| {}).unwrap();
    stand.approved("dep-1");
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    stand
}

fn report(stand: &Stand, actor: &Actor, step: &str, outcome: StepOutcome) -> Result<Progress, ServiceError> {
    let why = (outcome == StepOutcome::Resumed).then(|| "it is as expected".to_owned());
    let report = StepReport { outcome, why };
    Ok(stand.engine.report_step(&stand.by(actor), "dep-1".into(), step, &report)?.value)
}

fn next(stand: &Stand) -> NextStep {
    stand.engine.next_step(&stand.by(&rita()), "dep-1".into()).unwrap().value
}

/// Does what is to be done until it is something else, or until the step of that id is to be done.
fn go_on(stand: &Stand, until: &str) -> NextStep {
    loop {
        match next(stand) {
            NextStep::Perform { step, .. } if step.id != until => {
                report(stand, &rita(), &step.id, StepOutcome::Succeeded).unwrap();
            }
            other => return other,
        }
    }
}

/// Nobody of these goes on: a pipeline, whatever roles it holds; a program or an agent in the right role; a person in another
/// role.
fn assert_that_others_cannot_resume(stand: &Stand, step: &str) {
    let of_kind = |kind| Actor { kind, ..person("mo", &["release-manager"]) };
    for actor in [of_kind(CredentialKind::Service), of_kind(CredentialKind::Agent), person("sam", &["product-manager"])]
    {
        let refused = report(stand, &actor, step, StepOutcome::Resumed);
        assert!(matches!(refused, Err(ServiceError::Refused(RuleRefusal::PersonDecides { .. }))), "{refused:?}");
    }
    for actor in [person("ci", &["pipeline"]), Actor { kind: CredentialKind::Person, ..person("ci", &["pipeline"]) }] {
        let refused = report(stand, &actor, step, StepOutcome::Resumed);
        assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{refused:?}");
    }
}

const CONFIRMED: &str = "{ weight = 10, confirm = true }";
const HELD: &str = "{ weight = 10, hold = \"10m\" }";
const ANALYSED: &str = "{ weight = 10, analyze = [\"licences\"] }";

#[test]
fn a_hold_for_a_person_is_ended_by_a_person_in_a_role_that_the_model_names() {
    for role in ["deployment-manager", "release-manager", "operations-manager", "change-authority"] {
        let stand = fulfilling("", CONFIRMED);
        let NextStep::Wait { wait, resume_by } = go_on(&stand, "") else { panic!() };
        assert_eq!(wait.until, None);
        assert!(resume_by.contains(&role.to_owned()), "{resume_by:?}");
        assert_that_others_cannot_resume(&stand, "canary-1-confirm");
        report(&stand, &person("mo", &[role]), "canary-1-confirm", StepOutcome::Resumed).unwrap();
        assert!(matches!(next(&stand), NextStep::Perform { .. }));
    }
}

#[test]
fn the_model_says_in_which_roles() {
    let stand = fulfilling("resume-by = [\"product-manager\", \"night-shift\"]", CONFIRMED);
    go_on(&stand, "");
    let refused = report(&stand, &person("mo", &["release-manager"]), "canary-1-confirm", StepOutcome::Resumed);
    let Err(ServiceError::Refused(RuleRefusal::PersonDecides { roles, .. })) = refused else { panic!("{refused:?}") };
    assert_eq!(roles, ["night-shift", "product-manager"]);
    report(&stand, &person("nia", &["night-shift"]), "canary-1-confirm", StepOutcome::Resumed).unwrap();
    assert!(matches!(next(&stand), NextStep::Perform { .. }));
}

#[test]
fn a_hold_that_ends_by_its_time_is_ended_before_it_by_a_person_alone() {
    let stand = fulfilling("", HELD);
    assert!(matches!(go_on(&stand, ""), NextStep::Wait { .. }));
    assert_that_others_cannot_resume(&stand, "canary-1-hold");
    report(&stand, &person("mo", &["release-manager"]), "canary-1-hold", StepOutcome::Resumed).unwrap();
    assert!(matches!(next(&stand), NextStep::Perform { .. }));
}

#[test]
fn an_analysis_without_enough_data_counts_as_done_when_a_person_resumes_it() {
    let stand = fulfilling("", ANALYSED);
    let NextStep::Pause { reason } = go_on(&stand, "") else { panic!() };
    assert_eq!(reason.code, "step-inconclusive");
    assert_that_others_cannot_resume(&stand, "canary-1-analyze");
    let progress =
        report(&stand, &person("mo", &["release-manager"]), "canary-1-analyze", StepOutcome::Resumed).unwrap();
    let events = stand.engine.events(&rita(), "dep-1".into(), 0, 100).unwrap();
    let last = serde_json::to_value(&events.last().unwrap().event).unwrap();
    assert_eq!((&last["event"], &last["why"]), (&json!("step-resumed"), &json!("it is as expected")));
    let state = progress.state("canary-1-analyze").unwrap();
    assert_eq!((state.status, state.resumed_by.as_deref()), (StepStatus::Succeeded, Some("mo")));
    assert_eq!(go_on(&stand, ""), NextStep::Complete { direction: Direction::Forward });
    stand.activities("dep-1", Stage::Fulfill);
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Exit).unwrap().passed);
}

#[test]
fn a_step_that_failed_after_the_point_of_no_return_is_done_again_when_a_person_resumes_it() {
    let stand = fulfilling("", "{ weight = 10 }");
    assert!(matches!(go_on(&stand, "replace-stable"), NextStep::Perform { .. }));
    report(&stand, &rita(), "replace-stable", StepOutcome::Failed).unwrap();
    assert!(matches!(next(&stand), NextStep::Pause { .. }));
    assert_that_others_cannot_resume(&stand, "replace-stable");
    report(&stand, &person("mo", &["release-manager"]), "replace-stable", StepOutcome::Resumed).unwrap();
    let NextStep::Perform { step, attempt, .. } = next(&stand) else { panic!() };
    assert_eq!((step.id.as_str(), attempt), ("replace-stable", 2));
}

#[test]
fn nobody_resumes_a_step_for_which_nothing_waits() {
    let stand = fulfilling("", CONFIRMED);
    let manager = person("mo", &["release-manager"]);
    let NextStep::Perform { step, .. } = next(&stand) else { panic!() };
    for id in [step.id.as_str(), "retire-canary", "canary-1-confirm"] {
        let refused = report(&stand, &manager, id, StepOutcome::Resumed);
        assert!(
            matches!(refused, Err(ServiceError::Refused(RuleRefusal::StepNotUnderWay { .. }))),
            "{id}: {refused:?}"
        );
    }
    // A failure before the point of no return leads back: there is nothing to go on with.
    report(&stand, &rita(), &step.id, StepOutcome::Failed).unwrap();
    let refused = report(&stand, &manager, &step.id, StepOutcome::Resumed);
    assert!(matches!(refused, Err(ServiceError::Refused(RuleRefusal::StepNotUnderWay { .. }))), "{refused:?}");
}

#[test]
fn the_exit_of_fulfill_is_not_passed_around_a_hold() {
    let exit = |stand: &Stand| stand.pass("dep-1", Stage::Fulfill, Phase::Exit);
    // The rollout was never begun.
    let stand = fulfilling("", CONFIRMED);
    stand.activities("dep-1", Stage::Fulfill);
    let Err(ServiceError::Illegal(illegal)) = exit(&stand) else { panic!() };
    assert!(illegal.why.contains("`canary-1-deploy` is not done"), "{}", illegal.why);

    // The hold is the last step, and nobody has ended it.
    let stand = fulfilling("", CONFIRMED);
    go_on(&stand, "");
    stand.activities("dep-1", Stage::Fulfill);
    let Err(ServiceError::Illegal(illegal)) = exit(&stand) else { panic!() };
    assert!(illegal.why.contains("`canary-1-confirm` is not done"), "{}", illegal.why);
}
