//! The moves that are not through a gate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::write::Change;
use super::{DeploymentRef, DeploymentView, Engine, EngineError, Mistake, Write, Written};
use crate::authority::Right;
use crate::lifecycle::{Event, Move};

/// A move, and why it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Why.
    pub reason: String,
}

impl Engine {
    /// Makes a move that is not through a gate: reject, abort, replan, roll back, complete the way back, or fail.
    ///
    /// # Errors
    /// If the actor may not, or the move is not legal where the deployment stands: the legal ones are named.
    pub fn make_move(
        &self,
        write: &Write<'_>,
        at: DeploymentRef<'_>,
        asked: Move,
        reason: &str,
    ) -> Result<Written<DeploymentView>, EngineError> {
        write.actor.require(match asked {
            Move::Reject => Right::Approve,
            _ => Right::Drive,
        })?;
        if reason.trim().is_empty() {
            return Err(EngineError::Invalid(vec![Mistake::new("/reason", "say why")]));
        }
        self.once(
            write,
            &("move", at, asked, reason, write.if_match),
            || self.load(write.actor, at),
            |loaded, digest| {
                loaded.matches(write)?;
                self.check_move(&loaded.state, asked)?;
                let reason = reason.to_owned();
                let event = match asked {
                    Move::Reject => Event::Rejected { reason },
                    Move::Abort => Event::Aborted { reason },
                    Move::Replan => Event::Replanned { reason },
                    Move::RollBack => Event::RollbackBegan { reason },
                    Move::CompleteRollback => Event::RolledBack { reason },
                    Move::Fail => Event::Failed { reason },
                    Move::Pass(gate) => {
                        let message =
                            format!("a gate is passed at `…/gates/{}/{}`", gate.stage.as_str(), gate.phase.as_str());
                        return Err(EngineError::Invalid(vec![Mistake::new("/move", message)]));
                    }
                };
                let mut after = loaded.state.clone();
                after.apply(&event, &write.actor.into(), write.now);
                let entries = self.occupancy(&loaded, after.position, write.now)?;
                let change = Change { entries, ..Change::of(event) };
                self.record(write, digest, &loaded, change, |after| self.view(after, write.now))
            },
        )
    }
}
