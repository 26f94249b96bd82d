//! One decision at one gate: ask every binding side by side, combine what they say, explain it.
//!
//! Nothing here waits, stores or looks anything up: the snapshot holds all that the decision may look at, so the same
//! snapshot under the same model gives the same decision, id included.

mod ask;
mod explain;
mod group;

use std::sync::Arc;

use lockgate_domain::{
    ApprovedPlan, BindingAnswer, BindingOutcome, Decision, Digest, GroupOutcome, ModelRef, Phase, Snapshot, Stage,
    Standing, Verdict, combine, rules,
};
use rayon::prelude::*;
use serde::Serialize;

use crate::expression::Variables;
use crate::flow;
use crate::load::{LoadedGate, LoadedModel};

pub(crate) use ask::call;

/// Why a decision could not be made at all. What plugins do wrong is never among it: that is part of the decision.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The snapshot, or an answer, has no canonical JSON form.
    #[error(transparent)]
    Digest(#[from] lockgate_domain::DigestError),
}

impl LoadedModel {
    /// Decides at the snapshot's gate. `chosen_because` says why this model was chosen; the decision repeats it.
    ///
    /// # Errors
    /// If the snapshot has no canonical JSON form.
    pub fn evaluate(&self, snapshot: &Arc<Snapshot>, chosen_because: &str) -> Result<Decision, GateError> {
        let mut breaches = rules::breaches(snapshot, self.digest());
        flow::check(self.model(), snapshot, &mut breaches);
        let (bindings, groups) = match self.gate(snapshot.gate) {
            Some(gate) => ask_all(gate, snapshot),
            None => (Vec::new(), Vec::new()),
        };
        let voices = explain::voices(&bindings, &groups);
        let verdict = combine::verdict(voices, !breaches.is_empty());
        let mut decision = Decision {
            id: String::new(),
            deployment: snapshot.deployment.id.clone(),
            gate: snapshot.gate,
            at: snapshot.now,
            verdict,
            reasons: explain::reasons(&breaches, &bindings, &groups),
            requirements: explain::requirements(&breaches, &bindings, &groups),
            obligations: explain::obligations(verdict, &bindings),
            bindings,
            groups,
            model: ModelRef {
                id: self.model().id.clone(),
                version: self.model().version.clone(),
                digest: self.digest(),
                chosen_because: chosen_because.to_owned(),
            },
            snapshot: snapshot.digest()?,
            subject: snapshot.subject,
            approved: None,
        };
        decision.id = decision_id(&decision)?;
        if verdict == Verdict::Allow {
            decision.approved = approved(&decision, snapshot)?;
        }
        Ok(decision)
    }
}

fn ask_all(gate: &LoadedGate, snapshot: &Arc<Snapshot>) -> (Vec<BindingOutcome>, Vec<GroupOutcome>) {
    let variables = Variables::new(snapshot);
    let bindings: Vec<BindingOutcome> = match gate.bindings.as_slice() {
        [only] => vec![ask::ask(only, snapshot, &variables)],
        several => several.par_iter().map(|binding| ask::ask(binding, snapshot, &variables)).collect(),
    };
    let groups = gate.groups.iter().map(|group| group::settle(group, &bindings)).collect();
    (bindings, groups)
}

/// The id that a decision of this content has. One that has another was changed after it was made; one that has it may
/// still be forged, since whoever can read this can make one.
///
/// The id is made from what was decided on and what came back, and from nothing that differs from run to run.
///
/// # Errors
/// If an answer has no canonical JSON form.
pub fn decision_id(decision: &Decision) -> Result<String, GateError> {
    #[derive(Serialize)]
    struct Answered<'a> {
        id: &'a str,
        settings: Option<Digest>,
        standing: Standing,
        answer: &'a BindingAnswer,
    }
    #[derive(Serialize)]
    struct Basis<'a> {
        snapshot: Digest,
        model: Digest,
        verdict: Verdict,
        answers: Vec<Answered<'a>>,
    }
    let basis = Basis {
        snapshot: decision.snapshot,
        model: decision.model.digest,
        verdict: decision.verdict,
        answers: decision
            .bindings
            .iter()
            .map(|binding| Answered {
                id: &binding.id,
                settings: binding.receipt.as_ref().map(|receipt| receipt.settings),
                standing: binding.standing,
                answer: &binding.answer,
            })
            .collect(),
    };
    let hex: String = Digest::of_canonical(&basis)?.hex().chars().take(32).collect();
    Ok(format!("dec-{hex}"))
}

/// What the exit of plan-and-approve approves, when it allows.
fn approved(decision: &Decision, snapshot: &Snapshot) -> Result<Option<ApprovedPlan>, GateError> {
    let exit = snapshot.gate.stage == Stage::PlanAndApprove && snapshot.gate.phase == Phase::Exit;
    let Some(plan) = snapshot.deployment.plan.as_ref().filter(|_| exit) else { return Ok(None) };
    Ok(Some(ApprovedPlan {
        subject: snapshot.subject,
        decision: decision.id.clone(),
        at: snapshot.now,
        release: snapshot.deployment.release.id.clone(),
        components: snapshot.deployment.release.components.clone(),
        parts: Snapshot::subject_parts(&snapshot.deployment)?,
        plan: Digest::of_canonical(plan)?,
        model: decision.model.digest,
    }))
}
