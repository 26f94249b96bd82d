//! The picture that a decision is made on: the document that was handed in, and beside it what the host knows. Only
//! approvals that count are in it, only exceptions that were granted here, and only evidence that was handed in here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockgate_domain::{Approval, Deployment, Digest, Evidence, Gate, Phase, Snapshot, Stage, Timestamp};
use lockgate_ledger::Expect;

use super::exception::Waivers;
use super::occupancy::environment_stream;
use super::read::{Folded, Loaded};
use super::{Engine, EngineError};
use crate::lifecycle::Void;
use crate::{Chosen, LoadedModel, Question, choose};

/// A picture, and what it rests on.
pub(super) struct Picture {
    pub(super) model: LoadedModel,
    pub(super) because: String,
    pub(super) snapshot: Arc<Snapshot>,
    /// What has to be as it was when the picture was taken, beside the deployment itself.
    pub(super) expect: Vec<Expect>,
    /// Why approvals do not count, in the order of the state's.
    pub(super) void: Vec<Option<Void>>,
    pub(super) parts: BTreeMap<String, Digest>,
}

impl Engine {
    /// Takes the picture of a deployment at a gate.
    pub(super) fn picture(&self, loaded: &Loaded, gate: Gate, now: Timestamp) -> Result<Picture, EngineError> {
        let state = &loaded.state;
        let mut deployment = Deployment::clone(&loaded.document);
        deployment.approved.clone_from(&state.approved);
        deployment.overrides = state.overrides.iter().map(|known| known.taken.clone()).collect();
        deployment.history = self.history(&deployment.product.id)?.with(&deployment.history);
        let mut expect = Vec::new();
        let (version, waivers) = self.0.waivers.get(&*self.0.storage)?;
        expect.push(Expect { stream: Waivers::STREAM.to_owned(), version });
        deployment.waivers = waivers.about(&deployment, &state.team);
        if gate.stage == Stage::PlanAndApprove || gate == (Gate { stage: Stage::Fulfill, phase: Phase::Entrance }) {
            let (version, environment) = self.environment(&deployment.environment.name)?;
            deployment.overlaps = environment.overlaps(&deployment);
            expect.push(Expect { stream: environment_stream(&deployment.environment.name), version });
        }
        let evidence = state.evidence.iter();
        let evidence: BTreeMap<String, Evidence> = evidence
            .map(|(name, evidence)| Ok((name.clone(), self.with_bytes(evidence)?)))
            .collect::<Result<_, EngineError>>()?;
        let question = Question { deployment, gate, now, evidence };
        let Chosen { model, because, snapshot } = self.choose(question)?;

        let parts = Snapshot::subject_parts(&snapshot.deployment, &snapshot.evidence)?;
        let involved = involved(loaded);
        let is_involved = |person: &str| involved.contains(person);
        let void: Vec<Option<Void>> =
            state.approvals.iter().map(|known| known.void(now, &parts, model.digest(), &is_involved)).collect();
        let counting = state.approvals.iter().zip(&void).filter(|(_, void)| void.is_none());
        let approvals: Vec<Approval> = counting.map(|(known, _)| known.approval.clone()).collect();
        // Which model is chosen, and what is approved, does not depend on who has approved it.
        let mut snapshot = Arc::unwrap_or_clone(snapshot);
        snapshot.deployment.approvals = approvals;
        Ok(Picture { model, because, snapshot: Arc::new(snapshot), expect, void, parts })
    }

    /// The model under which it was approved, or the one that is chosen now.
    fn choose(&self, question: Question) -> Result<Chosen, EngineError> {
        let Some(approved) = &question.deployment.approved else {
            return Ok(choose(&self.0.models.current(), question)?);
        };
        // Even if it would not be chosen any more: what was approved stays bound.
        let digest = approved.model;
        let model = self.0.models.by_digest(digest).ok_or(EngineError::ModelGone(digest))?;
        let Question { deployment, gate, now, evidence } = question;
        let snapshot = Arc::new(model.snapshot(deployment, gate, now, evidence)?);
        Ok(Chosen { model, because: "the plan was approved under it".to_owned(), snapshot })
    }
}

/// Everybody who asked for the deployment or contributed to it: none of them can approve it.
pub(super) fn involved(loaded: &Loaded) -> BTreeSet<String> {
    let deployment = &loaded.document;
    let contributors = deployment.contributors.iter().map(|person| person.id.clone());
    let mut involved: BTreeSet<String> = contributors.chain([deployment.requester.id.clone()]).collect();
    involved.extend(loaded.state.authors.iter().cloned());
    involved
}
