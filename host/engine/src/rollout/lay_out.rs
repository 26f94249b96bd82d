//! Lays a rollout out: the strategy plans all steps before people approve them.
//!
//! A rollout binds because it does not depend on when it is asked for. The strategy sees the deployment without what
//! approvals, gates and steps add to it, at the gate at which the plan is approved and at the time at which planning
//! began. So it gives the same rollout at every gate, until something changes that the rollout was laid out for; then
//! it is another one, and approvals of the earlier one are void.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::{
    BindingAnswer, BindingOutcome, CorrectionNeeded, Deployment, Digest, DigestError, Evidence, Finding, Gate,
    GatePassage, Rollout, Snapshot, Timestamp,
};
use lockgate_runtime::{PluginFunction, PluginOutput};
use serde_json::{Value, json};

use super::{RolloutError, other_said};
use crate::gate::EngineCode;
use crate::gate::declared_analyses;
use crate::load::LoadedModel;
use crate::model::listed;
use crate::replay::first_differences;

impl LoadedModel {
    /// Has the model's strategy lay out the rollout of the deployment. Nothing is persisted: changes that the strategy
    /// makes in its namespace are dropped.
    ///
    /// # Errors
    /// If the model has no strategy, the strategy could not answer, or the rollout cannot be carried out.
    pub fn lay_out(&self, snapshot: &Snapshot) -> Result<Rollout, RolloutError> {
        let planning = self.planning(snapshot)?;
        match self.ask_strategy(PluginFunction::Plan, &planning, &self.unwritten_values())? {
            PluginOutput::Rollout(rollout) => {
                self.can_carry_out(&rollout)?;
                Ok(rollout)
            }
            other => Err(other_said(&other)),
        }
    }

    /// Checks that the rollout of a snapshot, if the strategy lays it out at its gate, is the one of the strategy.
    ///
    /// # Errors
    /// If it is another one, or the strategy cannot lay one out.
    pub fn check_rollout(&self, snapshot: &Snapshot) -> Result<(), RolloutError> {
        if !self.lays_out_at(snapshot.gate) {
            return Ok(());
        }
        let planned = self.lay_out(snapshot)?;
        match &snapshot.deployment.rollout {
            Some(told) if *told == planned => Ok(()),
            Some(told) => Err(RolloutError::Refused(Box::new(differs(told, &planned)))),
            None => Err(RolloutError::Refused(Box::new(not_laid_out()))),
        }
    }

    /// Whether the strategy is asked for the rollout at this gate: from the approval of the plan on, until the rollout begins.
    pub fn lays_out_at(&self, gate: Gate) -> bool {
        self.strategy_binding().is_some() && (Gate::PLAN_EXIT..=Gate::FULFILL_ENTRANCE).contains(&gate)
    }

    /// Checks that the model has every analysis that a rollout asks for.
    fn can_carry_out(&self, rollout: &Rollout) -> Result<(), RolloutError> {
        match declared_analyses::unknown(self.model(), rollout, None).into_iter().next() {
            Some(violation) => Err(RolloutError::Refused(Box::new(violation))),
            None => Ok(()),
        }
    }

    /// The deployment with the rollout that belongs to it at a gate: the one that is carried out, or the one that the strategy
    /// lays out. If the strategy cannot lay it out, there is none, and the decision says why.
    pub(crate) fn with_rollout(
        &self,
        deployment: Arc<Deployment>,
        gate: Gate,
        now: Timestamp,
        evidence: &BTreeMap<String, Evidence>,
    ) -> Arc<Deployment> {
        if deployment.rollout.is_some() || gate < Gate::PLAN_EXIT {
            return deployment;
        }
        let under_way = deployment.progress.as_ref().map(|progress| progress.rollout.clone());
        let is_approved = deployment.approved.as_ref().is_some_and(|approved| approved.rollout.is_some());
        let laid_out = under_way.or_else(|| {
            self.strategy_binding().filter(|_| is_approved || self.lays_out_at(gate))?;
            let (deployment, evidence) = (Arc::clone(&deployment), evidence.clone());
            self.lay_out(&Snapshot { deployment, gate, now, subject: Digest::of(b""), evidence }).ok()
        });
        match laid_out {
            Some(rollout) => Arc::new(Deployment { rollout: Some(rollout), ..Deployment::clone(&deployment) }),
            None => deployment,
        }
    }

    /// The snapshot on which the strategy lays the rollout out.
    pub(crate) fn planning(&self, snapshot: &Snapshot) -> Result<Arc<Snapshot>, DigestError> {
        let Snapshot { deployment, now, evidence, .. } = snapshot;
        let deployment = Deployment {
            rollout: None,
            progress: None,
            analysis: None,
            approvals: Vec::new(),
            approved: None,
            gates_passed: Vec::new(),
            waivers: Vec::new(),
            overrides: Vec::new(),
            overlaps: Vec::new(),
            // They depend on who has approved, and come in all the time.
            people: None,
            samples: None,
            lapsed: Vec::new(),
            ..Deployment::clone(deployment)
        };
        let now = GatePassage::planning_began(&snapshot.deployment.gates_passed).unwrap_or(*now);
        let subject = Snapshot::subject_of(&deployment, evidence, self.digest())?;
        let (deployment, evidence) = (Arc::new(deployment), evidence.clone());
        Ok(Arc::new(Snapshot { deployment, gate: Gate::PLAN_EXIT, now, subject, evidence }))
    }

    /// Adds a breach if the rollout of the snapshot is not the one that the strategy lays out, as its outcome says.
    pub(crate) fn check_laid_out(
        &self,
        snapshot: &Snapshot,
        asked: Option<&BindingOutcome>,
        breaches: &mut Vec<Finding>,
    ) {
        let told = snapshot.deployment.rollout.as_ref();
        match asked.map(|asked| &asked.answer) {
            Some(BindingAnswer::Plan(planned)) => {
                if let Some(told) = told.filter(|told| *told != planned) {
                    breaches.push(differs(told, planned));
                }
                if told.is_none() {
                    let unknown = declared_analyses::unknown(self.model(), planned, None);
                    if unknown.is_empty() {
                        breaches.push(not_laid_out());
                    }
                    breaches.extend(unknown);
                }
            }
            // The decision says that the strategy could not answer.
            Some(_) => {}
            None => {
                let planned = (Gate::PLAN_EXIT..=Gate::FULFILL_ENTRANCE).contains(&snapshot.gate);
                if told.is_some() && planned {
                    breaches.push(no_strategy(&self.model().id));
                }
            }
        }
    }
}

/// The finding that a deployment tells another rollout than the strategy lays out.
pub(crate) fn differs(told: &Rollout, planned: &Rollout) -> Finding {
    let (told, planned_value) = (json!(told), json!(planned));
    let places = first_differences(&told, &planned_value);
    let places: Vec<String> = places.into_iter().map(|place| format!("/rollout{place}")).collect();
    let named = listed(places.iter().map(String::as_str));
    let found = told.get("summary").and_then(Value::as_str).map(|summary| format!("“{summary}”"));
    let need = CorrectionNeeded {
        pointer: "/rollout".to_owned(),
        expected: format!("the rollout of the strategy: “{}”", planned.summary),
        accepted: vec![planned_value],
        found,
    };
    let message = format!("the rollout is not the one that the model's strategy lays out: it differs at {named}");
    let code = EngineCode::RolloutDiffersFromStrategy.as_str();
    let remedy = "leave `rollout` out of the deployment: the strategy lays it out; if the deployment tells none, ask the gate again";
    Finding { pointers: places, ..Finding::breach(code, message, remedy, need) }.owned_by("deployment-manager")
}

/// The finding that the strategy could not lay the rollout out when the snapshot was taken, and now can.
fn not_laid_out() -> Finding {
    let code = EngineCode::RolloutDiffersFromStrategy.as_str();
    let need = CorrectionNeeded {
        pointer: "/rollout".to_owned(),
        expected: "the rollout of the strategy".to_owned(),
        accepted: Vec::new(),
        found: Some("none".to_owned()),
    };
    let message =
        "the strategy could not lay the rollout out when the deployment was read, and did when it was asked again";
    Finding::breach(code, message, "ask the gate again", need).owned_by("deployment-manager")
}

/// The finding that a deployment tells a rollout, and nothing carries it out.
fn no_strategy(model: &str) -> Finding {
    let need = CorrectionNeeded {
        pointer: "/rollout".to_owned(),
        expected: "no rollout".to_owned(),
        accepted: Vec::new(),
        found: Some("a rollout".to_owned()),
    };
    let message = format!("the deployment tells a rollout, and the model `{model}` has no strategy that lays it out");
    let code = EngineCode::RolloutDiffersFromStrategy.as_str();
    let remedy = "leave `rollout` out of the deployment, or name a strategy in the model";
    Finding::breach(code, message, remedy, need).owned_by("deployment-manager")
}
