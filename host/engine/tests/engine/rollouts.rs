//! Rollouts, with the bundled strategies and checks.

use std::sync::Arc;

use crate::gate_support::{FULFILL, deployment, load, snapshot};
use lockgate_domain::{Duration, Progress, Snapshot, Step, StepStatus, Timestamp, Wait};
use lockgate_engine::LoadedModel;
use lockgate_engine::rollout::{EffectError, RolloutEnd, RolloutError, RolloutEvent, World};
use serde_json::json;

const INTEGRITY: &str = r#"
    [analyses.integrity]
    plugin = "component-integrity"
"#;

fn canary() -> LoadedModel {
    let strategy = r#"
        [strategy]
        plugin = "canary"
        settings.steps = [
            { weight = 10, hold = "10m", analyze = ["integrity"] },
            { weight = 50, confirm = true },
        ]
    "#;
    load(&["canary", "component-integrity"], &format!("{strategy}{INTEGRITY}"))
}

/// An environment that remembers what was done to it, with a clock that waiting moves on.
struct Remembering<'a> {
    model: &'a LoadedModel,
    deployment: serde_json::Value,
    now: Timestamp,
    done: Vec<String>,
    ended: Vec<(String, StepStatus)>,
    breaks_at: Option<&'static str>,
    breaks_back: Option<&'static str>,
    turned_back: Option<String>,
}

impl<'a> Remembering<'a> {
    fn new(model: &'a LoadedModel) -> Self {
        let mut deployment = deployment();
        deployment["approved"] = json!({
            "subject": lockgate_domain::Digest::of(b""), "decision": "dec-1", "at": "2026-11-24T12:00:00Z",
            "release": "shop-2", "components": deployment["release"]["components"], "parts": {},
            "plan": lockgate_domain::Digest::of(b""), "model": model.digest(),
        });
        let now = "2026-11-24T20:00:00Z".parse().unwrap();
        Self {
            model,
            deployment,
            now,
            done: vec![],
            ended: vec![],
            breaks_at: None,
            breaks_back: None,
            turned_back: None,
        }
    }

    fn drive(&mut self) -> (Progress, Result<RolloutEnd, RolloutError>) {
        let rollout = self.model.lay_out(&snapshot(self.model, FULFILL, self.deployment.clone())).unwrap();
        let mut progress = Progress::new(rollout);
        let end = self.carry_on(&mut progress);
        (progress, end)
    }

    fn carry_on(&mut self, progress: &mut Progress) -> Result<RolloutEnd, RolloutError> {
        self.model.drive(progress, self)
    }
}

impl World for Remembering<'_> {
    fn snapshot(&mut self, _: &Progress) -> Result<Arc<Snapshot>, EffectError> {
        let snapshot = snapshot(self.model, FULFILL, self.deployment.clone());
        Ok(Arc::new(Snapshot { now: self.now, ..Snapshot::clone(&snapshot) }))
    }

    fn perform(&mut self, step: &Step) -> Result<(), EffectError> {
        if self.breaks_at == Some(&step.id) || self.breaks_back == Some(&step.id) {
            return Err(EffectError("the disk is full".to_owned()));
        }
        self.done.push(step.id.clone());
        Ok(())
    }

    fn wait(&mut self, wait: &Wait) -> Result<bool, EffectError> {
        match wait.until {
            Some(until) => self.now = until,
            None => return Ok(false),
        }
        Ok(true)
    }

    fn note(&mut self, event: &RolloutEvent<'_>, _: &Progress) {
        match event {
            RolloutEvent::Ended(step, status, _) => self.ended.push((step.id.clone(), *status)),
            RolloutEvent::TurnedBack(reason) => self.turned_back = Some(reason.code.clone()),
            _ => {}
        }
    }
}

#[test]
fn a_canary_waits_for_a_person_and_is_carried_on_from_where_it_was() {
    let model = canary();
    let mut world = Remembering::new(&model);
    let (progress, end) = world.drive();
    let RolloutEnd::Waiting(wait) = end.unwrap() else { panic!("{:?}", world.done) };
    assert_eq!((wait.until, wait.reason.code.as_str()), (None, "waiting-for-person"));
    assert_eq!(world.done, ["canary-1-deploy", "canary-1-route", "canary-2-deploy", "canary-2-route"]);
    let held = "2026-11-24T20:00:00Z".parse::<Timestamp>().unwrap().saturating_add(Duration::from_millis(600_000));
    assert_eq!(world.now, held, "the hold of ten minutes was waited for");

    // All there is to keep is the progress: here it goes through its JSON form, as it would through a store.
    let mut progress: Progress = serde_json::from_value(serde_json::to_value(progress).unwrap()).unwrap();
    progress.resume("canary-2-confirm", "kim");
    assert_eq!(world.carry_on(&mut progress).unwrap(), RolloutEnd::Completed);
    assert_eq!(world.done[4..], ["shift-deploy", "shift-route", "replace-stable", "return-to-stable", "retire-canary"]);
    assert!(progress.past_point_of_no_return);
}

#[test]
fn a_step_that_fails_before_the_point_of_no_return_is_rolled_back() {
    let model = canary();
    let mut world = Remembering::new(&model);
    world.breaks_at = Some("canary-2-deploy");
    let (progress, end) = world.drive();
    assert_eq!(end.unwrap(), RolloutEnd::RolledBack);
    assert_eq!(world.turned_back.as_deref(), Some("step-failed"));
    assert_eq!(world.done, ["canary-1-deploy", "canary-1-route", "back-route", "back-remove-canary"]);
    let failed = progress.state("canary-2-deploy").unwrap();
    assert_eq!(failed.reason.as_ref().unwrap().message, "the disk is full");
}

#[test]
fn an_analysis_that_finds_a_tampered_component_is_rolled_back() {
    let model = canary();
    let mut world = Remembering::new(&model);
    world.deployment["release"]["components"][0]["digest"] = json!(lockgate_domain::Digest::of(b"tampered"));
    let (progress, end) = world.drive();
    assert_eq!(end.unwrap(), RolloutEnd::RolledBack);
    assert!(world.ended.contains(&("canary-1-analyze".to_owned(), StepStatus::Failed)));
    assert_eq!(world.done.last().unwrap(), "back-remove-canary");
    let [check] = progress.state("canary-1-analyze").unwrap().checks.as_slice() else { panic!("{progress:?}") };
    assert_eq!((check.check.as_str(), check.outcome.as_str()), ("integrity", "failed"));
    assert!(check.code.is_some());
}

#[test]
fn an_analysis_without_data_is_inconclusive_and_never_passed() {
    let model = canary();
    let mut world = Remembering::new(&model);
    world.deployment["approved"] = json!(null);
    let (progress, end) = world.drive();
    assert!(matches!(end.unwrap(), RolloutEnd::Paused(_)));
    assert_eq!(progress.state("canary-1-analyze").unwrap().status, StepStatus::Inconclusive);
}

#[test]
fn a_step_that_fails_after_the_point_of_no_return_is_never_rolled_back() {
    let model = canary();
    let mut world = Remembering::new(&model);
    let (mut progress, _) = world.drive();
    progress.resume("canary-2-confirm", "kim");
    world.breaks_at = Some("return-to-stable");
    let end = world.carry_on(&mut progress).unwrap();
    assert!(matches!(end, RolloutEnd::Paused(_)), "{end:?}");
    assert!(!world.done.iter().any(|done| done.starts_with("back-")));
}

/// The way back is driven like the way forward: a step of it that fails waits for people, and is done again once somebody
/// resumes it.
#[test]
fn a_step_of_the_way_back_that_fails_pauses_until_a_person_resumes_it() {
    let model = canary();
    let mut world = Remembering::new(&model);
    world.breaks_at = Some("canary-2-deploy");
    world.breaks_back = Some("back-route");
    let (mut progress, _) = world.drive();
    assert_eq!(progress.state("back-route").unwrap().status, StepStatus::Failed);
    assert!(!world.done.contains(&"back-remove-canary".to_owned()));
    world.breaks_back = None;
    assert!(matches!(world.carry_on(&mut progress).unwrap(), RolloutEnd::Paused(_)));
    progress.resume("back-route", "kim");
    assert_eq!(world.carry_on(&mut progress).unwrap(), RolloutEnd::RolledBack);
    assert_eq!(world.done[2..], ["back-route", "back-remove-canary"]);
}

#[test]
fn a_model_without_a_strategy_lays_out_nothing() {
    let model = load(&[], "");
    let error = model.lay_out(&snapshot(&model, FULFILL, deployment())).unwrap_err();
    assert_eq!(error.to_string(), "model `shop` has no strategy: add a `[strategy]` table to it");
}
