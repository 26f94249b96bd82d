//! Passes a gate: writes the decision, and the move that it allows, in one append.

use std::sync::Arc;

use lockgate_domain::{Decision, Deployment, Gate, Phase, Rollout, Stage, Timestamp, Verdict, rules};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decision::PreparedDecision;
use super::moves::MoveEntries;
use super::read::LoadedDeployment;
use super::write::RecordedEvent;
use super::{DeploymentService, DeploymentSummary, ServiceError, WriteContext};
use crate::lifecycle::{DeploymentEvent, DeploymentState, EventActor, LegalMove, LifecycleMove, activities_of};
use lockgate_ledger::{EntryDraft, ExpectedVersion};

/// The gate behind which a deployment is operational.
const OPERATIONAL: Gate = Gate { stage: Stage::Observe, phase: Phase::Exit };

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

/// The event that the strategy laid the rollout out, unless it is the one that was laid out last.
pub(super) fn laid_out(state: &DeploymentState, rollout: Option<Rollout>) -> Option<DeploymentEvent> {
    let rollout = rollout.filter(|rollout| state.rollout.as_ref() != Some(rollout))?;
    Some(DeploymentEvent::RolloutLaidOut { rollout })
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
                before: prepared.before.take(),
                skipped: skipped.collect(),
            };
            let by = EventActor::from(write.actor);
            let opened = match gate == OPERATIONAL {
                true => self.opened_exposure(write, &loaded)?,
                false => None,
            };
            let taken = std::mem::take(&mut prepared.taken);
            let laid_out = laid_out(&loaded.state, prepared.laid_out.take());
            for event in laid_out.into_iter().chain(taken).chain([event]).chain(opened) {
                after = after.after([&event], &by, write.now);
                let kind = event.kind();
                let entry = EntryDraft::new(&loaded.stream, kind, write.now, &RecordedEvent { by: by.clone(), event })?;
                prepared.entries.push(entry.with_id(&loaded.id)?.of_team(&loaded.state.team)?);
            }
            let MoveEntries { entries, expect } = self.move_entries(&loaded, after.state.position, write.now)?;
            prepared.entries.extend(entries);
            prepared.expect.extend(expect);
        }
        let (version, stream) = (after.state.version, after.stream.clone());
        let value = GatePass {
            passed,
            decision,
            deployment: after.summary(),
            legal_moves: self.legal_moves(&after, write.now)?,
        };
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
        Ok(state.check(asked)?)
    }

    /// The legal moves of a deployment: those of its position, without a rollback that a rule of the host refuses.
    pub(super) fn legal_moves(
        &self,
        loaded: &LoadedDeployment,
        now: Timestamp,
    ) -> Result<Vec<LegalMove>, ServiceError> {
        let mut moves = loaded.state.settled(now).legal_moves();
        let roll_back = LifecycleMove::RollBack.as_str();
        if moves.iter().any(|legal| legal.name == roll_back) {
            let (deployment, _) = self.with_progress(loaded, now)?;
            if rules::may_roll_back(&deployment, now).is_err() {
                moves.retain(|legal| legal.name != roll_back);
            }
        }
        Ok(moves)
    }

    /// The deployment as the registers complete it, with its progress, and with what a rollback rests on as it was when
    /// fulfillment began; and the versions of the registers that were read.
    pub(super) fn with_progress(
        &self,
        loaded: &LoadedDeployment,
        now: Timestamp,
    ) -> Result<(Deployment, Vec<ExpectedVersion>), ServiceError> {
        let (mut deployment, versions) = self.joined_with_versions(loaded, now)?;
        deployment.progress.clone_from(&loaded.state.progress);
        if let Some(before) = &loaded.state.before {
            before.restore(&mut deployment);
        }
        Ok((deployment, versions))
    }
}
