//! The moves that do not pass a gate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::booking::changes_booking;
use super::read::LoadedDeployment;
use super::write::WriteChange;
use super::{DeploymentRef, DeploymentService, DeploymentView, InputError, ServiceError, WriteAnswer, WriteContext};
use crate::lifecycle::{DeploymentEvent, LifecycleMove, StagePosition};
use lockgate_domain::rules::RollbackTimes;
use lockgate_domain::{BeforeRollout, Right, Timestamp, rules};
use lockgate_ledger::{EntryDraft, ExpectedVersion};

/// A move, and why it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonGiven {
    /// The reason, in one sentence.
    pub reason: String,
}

/// What a move writes besides its event, and the versions that this depends on.
#[derive(Default)]
pub(super) struct MoveEntries {
    pub(super) entries: Vec<EntryDraft>,
    pub(super) expect: Vec<ExpectedVersion>,
}

impl DeploymentService {
    /// The entries for a move to a position: those of the booking, and that of the product's history.
    pub(super) fn move_entries(
        &self,
        loaded: &LoadedDeployment,
        after: StagePosition,
        now: Timestamp,
    ) -> Result<MoveEntries, ServiceError> {
        if !changes_booking(loaded.state.position, after) && after.ended().is_none() {
            return Ok(MoveEntries::default());
        }
        let deployment = self.joined(loaded, now)?;
        let mut entries = self.booking_entries(loaded, after, &deployment, now)?;
        let (record, expect) = self.history_entry(loaded, after, &deployment, now)?.unzip();
        entries.extend(record);
        Ok(MoveEntries { entries, expect: expect.into_iter().collect() })
    }

    /// Checks the rules of the host for a move that begins or ends a rollback.
    ///
    /// Returns the versions that they rest on.
    fn check_way_back(
        &self,
        loaded: &LoadedDeployment,
        asked: LifecycleMove,
        now: Timestamp,
    ) -> Result<Vec<ExpectedVersion>, ServiceError> {
        if !matches!(asked, LifecycleMove::RollBack | LifecycleMove::CompleteRollback) {
            return Ok(Vec::new());
        }
        let (deployment, versions) = self.with_progress(loaded, now)?;
        let broken = match asked {
            LifecycleMove::RollBack => rules::may_roll_back(&deployment, now).err().into_iter().collect(),
            _ => {
                let state = &loaded.state;
                let before = state.before.as_deref().cloned().unwrap_or_else(|| BeforeRollout::of(&deployment));
                let times = RollbackTimes { began: state.turned_back, told: state.told_instances };
                rules::unfinished_way_back(&deployment, &before, times, now)
            }
        };
        if broken.is_empty() { Ok(versions) } else { Err(ServiceError::RuleBroken(broken)) }
    }

    /// Makes a move that does not pass a gate: reject, abort, replan, roll back, complete the rollback, or fail.
    ///
    /// # Errors
    /// If the actor may not make it, or the move is not legal in the deployment's position. The error names the legal
    /// moves.
    pub fn make_move(
        &self,
        write: &WriteContext<'_>,
        at: DeploymentRef<'_>,
        asked: LifecycleMove,
        reason: &str,
    ) -> Result<WriteAnswer<DeploymentView>, ServiceError> {
        write.actor.require(match asked {
            LifecycleMove::Reject => Right::Approve,
            _ => Right::Drive,
        })?;
        if reason.trim().is_empty() {
            return Err(ServiceError::Invalid(vec![InputError::new("/reason", "say why")]));
        }
        self.once(
            write,
            &("move", at, asked, reason, write.if_match),
            || self.load(write.actor, at),
            |loaded, digest| {
                loaded.matches(write)?;
                self.check_move(&loaded.state.settled(write.now), asked)?;
                let rests_on = self.check_way_back(&loaded, asked, write.now)?;
                let reason = reason.to_owned();
                let event = match asked {
                    LifecycleMove::Reject => DeploymentEvent::Rejected { reason },
                    LifecycleMove::Abort => DeploymentEvent::Aborted { reason },
                    LifecycleMove::Replan => {
                        let voids = loaded.state.approvals.iter().filter(|known| known.stands());
                        let voids = voids.map(|known| known.approval.id.clone()).collect();
                        DeploymentEvent::Replanned { reason, voids }
                    }
                    LifecycleMove::RollBack => DeploymentEvent::RollbackBegan { reason, decision: None },
                    LifecycleMove::CompleteRollback => DeploymentEvent::RolledBack { reason },
                    LifecycleMove::Fail => DeploymentEvent::Failed { reason },
                    LifecycleMove::Pass(gate) => {
                        let message =
                            format!("a gate is passed at `…/gates/{}/{}`", gate.stage.as_str(), gate.phase.as_str());
                        return Err(ServiceError::Invalid(vec![InputError::new("/move", message)]));
                    }
                };
                let mut after = loaded.state.clone();
                after.apply(&event, &write.actor.into(), write.now);
                let MoveEntries { entries, expect } = self.move_entries(&loaded, after.position, write.now)?;
                let expect = rests_on.into_iter().chain(expect).collect();
                let change = WriteChange { entries, expect, ..WriteChange::of(event) };
                self.record(write, digest, &loaded, change, |after| self.view(after, write.now))
            },
        )
    }
}
