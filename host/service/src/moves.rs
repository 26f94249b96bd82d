//! The moves that do not pass a gate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::write::WriteChange;
use super::{DeploymentRef, DeploymentService, DeploymentView, InputError, ServiceError, WriteAnswer, WriteContext};
use crate::lifecycle::{DeploymentEvent, LifecycleMove};
use lockgate_domain::Right;

/// A move, and why it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonGiven {
    /// The reason, in one sentence.
    pub reason: String,
}

impl DeploymentService {
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
                self.check_move(&loaded.state, asked)?;
                let reason = reason.to_owned();
                let event = match asked {
                    LifecycleMove::Reject => DeploymentEvent::Rejected { reason },
                    LifecycleMove::Abort => DeploymentEvent::Aborted { reason },
                    LifecycleMove::Replan => DeploymentEvent::Replanned { reason },
                    LifecycleMove::RollBack => DeploymentEvent::RollbackBegan { reason },
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
                let entries = self.environment_entries(&loaded, after.position, write.now)?;
                let change = WriteChange { entries, ..WriteChange::of(event) };
                self.record(write, digest, &loaded, change, |after| self.view(after, write.now))
            },
        )
    }
}
