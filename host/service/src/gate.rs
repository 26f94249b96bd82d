//! Passes a gate: writes the decision, and the move that it allows, in one append.

use std::sync::Arc;

use lockgate_domain::{Decision, Gate, Phase, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decision::PreparedDecision;
use super::moves::MoveEntries;
use super::read::LoadedDeployment;
use super::write::RecordedEvent;
use super::{DeploymentService, DeploymentSummary, ServiceError, WriteContext};
use crate::lifecycle::{DeploymentEvent, DeploymentState, EventActor, LegalMove, LifecycleMove, activities_of};
use lockgate_ledger::EntryDraft;

/// The result of an attempt to pass a gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GatePass {
    /// Whether the deployment passed the gate: true if and only if the decision allows.
    pub passed: bool,
    /// The decision that was made at the gate.
    pub decision: Decision,
    /// The deployment after the decision.
    pub deployment: DeploymentSummary,
    /// The moves that are possible now.
    pub legal_moves: Vec<LegalMove>,
}

impl DeploymentService {
    /// Adds the pass of the gate to a decision that allows. Returns the answer, and the deployment's new version and
    /// its stream.
    pub(super) fn add_pass(
        &self,
        write: &WriteContext<'_>,
        gate: Gate,
        prepared: &mut PreparedDecision,
    ) -> Result<(GatePass, u64, String), ServiceError> {
        let (decision, loaded) = (Decision::clone(&prepared.decision), Arc::clone(&prepared.loaded));
        let passed = decision.verdict == Verdict::Allow;
        let mut after = (*loaded).clone();
        if passed {
            let unreported = activities_of(gate.stage).filter(|activity| {
                gate.phase == Phase::Exit && loaded.state.activity(gate.stage, activity.id).is_none()
            });
            let skipped = unreported.filter(|activity| !activity.shall).map(|activity| activity.id.to_owned());
            let event = DeploymentEvent::GatePassed {
                gate,
                decision: decision.id.clone(),
                approved: decision.approved.clone(),
                skipped: skipped.collect(),
            };
            let by = EventActor::from(write.actor);
            after = loaded.after([&event], &by, write.now);
            let kind = event.kind();
            let entry = EntryDraft::new(&loaded.stream, kind, write.now, &RecordedEvent { by, event })?;
            prepared.entries.push(entry.with_id(&loaded.id)?.of_team(&loaded.state.team)?);
            let MoveEntries { entries, expect } = self.move_entries(&loaded, after.state.position, write.now)?;
            prepared.entries.extend(entries);
            prepared.expect.extend(expect);
        }
        let (version, stream) = (after.state.version, after.stream.clone());
        let value =
            GatePass { passed, decision, deployment: after.summary(), legal_moves: self.legal_moves(&after.state) };
        Ok((value, version, stream))
    }

    /// Checks that the gate is the next one for the deployment, and that everything before it has been done.
    pub(super) fn is_next(
        &self,
        write: &WriteContext<'_>,
        loaded: &LoadedDeployment,
        gate: Gate,
    ) -> Result<(), ServiceError> {
        loaded.matches(write)?;
        self.check_move(&loaded.state.settled(write.now), LifecycleMove::Pass(gate))
    }

    /// Checks that a move is legal for a deployment, and that everything before it has been done.
    pub(super) fn check_move(&self, state: &DeploymentState, asked: LifecycleMove) -> Result<(), ServiceError> {
        Ok(state.check(asked, self.names_strategy(state))?)
    }

    /// The legal moves of a deployment.
    pub(super) fn legal_moves(&self, state: &DeploymentState) -> Vec<LegalMove> {
        state.legal_moves(self.names_strategy(state))
    }

    /// Whether the model under which a deployment was approved names a strategy. The model is looked up only if that
    /// matters.
    fn names_strategy(&self, state: &DeploymentState) -> bool {
        let approved = state.approved.as_ref().filter(|_| state.may_need_rollout());
        let model = approved.and_then(|approved| self.0.models.by_digest(approved.model));
        model.is_some_and(|model| model.model().strategy.is_some())
    }
}
