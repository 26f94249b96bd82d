//! Carries out the steps of the demo's rollout, as files in folders.

#![allow(clippy::disallowed_methods, reason = "the demo decides without a ledger, by the clock of this machine")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use lockgate_domain::{
    BindingAnswer, Deployment, Evidence, Gate, InstanceStatus, Phase, Progress, Snapshot, Stage, Step, StepAction,
    StepStatus, Target, Timestamp, Wait,
};
use lockgate_engine::LoadedModel;
use lockgate_engine::rollout::{EffectError, RolloutEvent, World};

use super::files::ReleasePackage;
use super::live::LiveEnvironment;
use crate::terminal::{BAD, FAINT, GOOD, indented, styled};

/// The environment that the rollout changes and measures.
pub(super) struct FolderWorld<'a> {
    pub(super) model: &'a LoadedModel,
    pub(super) live: &'a LiveEnvironment,
    pub(super) package: &'a ReleasePackage,
    pub(super) deployment: &'a Deployment,
    pub(super) evidence: &'a BTreeMap<String, Evidence>,
    /// Whether the next snapshot is for an analysis, which measures every file.
    pub(super) is_analysing: bool,
    /// The results of the running analysis so far.
    pub(super) results: Vec<String>,
}

impl FolderWorld<'_> {
    /// A row of boxes, filled for instances that serve the new release.
    fn row(&self) -> String {
        let boxes = self
            .live
            .releases()
            .unwrap_or_default()
            .into_iter()
            .map(|release| if release == self.package.release { styled(GOOD, "■") } else { styled(FAINT, "□") });
        boxes.collect()
    }
}

impl World for FolderWorld<'_> {
    /// The instances with the new release and their desired state, for an analysis.
    fn snapshot(&mut self, _: &Progress) -> Result<Arc<Snapshot>, EffectError> {
        let mut deployment = self.deployment.clone();
        if self.is_analysing {
            deployment.actual_instances = self.live.inventory().map_err(effect)?;
            deployment.actual_instances.retain(|instance| instance.release.as_ref() == Some(&self.package.release));
            let reached: Vec<String> = deployment.actual_instances.iter().map(|instance| instance.id.clone()).collect();
            deployment.desired_instances.retain(|instance| reached.contains(&instance.id));
            deployment.desired_instances.iter_mut().for_each(|instance| instance.status = InstanceStatus::Running);
        }
        let gate = Gate { stage: Stage::Validate, phase: Phase::Entrance };
        let snapshot = self.model.snapshot(deployment, gate, Timestamp::now(), self.evidence.clone());
        snapshot.map(Arc::new).map_err(effect)
    }

    fn perform(&mut self, step: &Step) -> Result<(), EffectError> {
        match &step.action {
            StepAction::Deploy { to: Target { slot: Some(slot), .. }, capacity, .. } => {
                self.live.deploy(self.package, slot, *capacity)
            }
            StepAction::Route { slot, weight, .. } => self.live.route(slot, *weight),
            StepAction::Remove(Target { slot: Some(slot), .. }) => self.live.remove(slot),
            other => return Err(EffectError(format!("this environment does not support {other:?}"))),
        }
        .map_err(effect)
    }

    fn wait(&mut self, wait: &Wait) -> Result<bool, EffectError> {
        let Some(until) = wait.until else { return Ok(false) };
        let left = until.as_millis().saturating_sub(Timestamp::now().as_millis());
        sleep(Duration::from_millis(u64::try_from(left).unwrap_or_default()));
        Ok(true)
    }

    fn note(&mut self, event: &RolloutEvent<'_>, progress: &Progress) {
        match event {
            RolloutEvent::Began(step) => {
                self.is_analysing = matches!(step.action, StepAction::Analyze { .. });
                self.results.clear();
            }
            RolloutEvent::Analysed(_, outcome) => {
                let said = match &outcome.answer {
                    BindingAnswer::Check(report) => report.summary.as_str(),
                    _ => outcome.standing.as_str(),
                };
                self.results.push(format!("{}: {said}", outcome.id));
            }
            RolloutEvent::Ended(step, status, why) => {
                let (style, mark) = if *status == StepStatus::Succeeded { (GOOD, "✓") } else { (BAD, "✗") };
                anstream::println!("  {}  {} {}", self.row(), styled(style, mark), step.title);
                for line in self.results.drain(..).map(Some).chain([why.map(str::to_owned)]).flatten() {
                    anstream::println!("{}", styled(FAINT, indented(&line, "                ")));
                }
            }
            RolloutEvent::Waiting(_) => {
                let waits = progress.steps.iter().find(|state| state.status == StepStatus::Running);
                let title =
                    waits.and_then(|state| progress.step(&state.id)).map_or("waits", |step| step.title.as_str());
                anstream::println!("  {}  {} {title}", self.row(), styled(FAINT, "…"));
            }
            _ => {}
        }
    }
}

fn effect(error: impl std::fmt::Display) -> EffectError {
    EffectError(format!("{error:#}"))
}
