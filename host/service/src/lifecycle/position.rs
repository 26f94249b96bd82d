//! The position of a deployment in its lifecycle.

use std::fmt;

use lockgate_domain::{DeploymentResult, Gate, Phase, Stage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The position of a deployment in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum StagePosition {
    /// The deployment waits before the entrance gate of a stage.
    AwaitingEntrance {
        /// The stage that the deployment is to enter.
        stage: Stage,
    },
    /// The deployment is in a stage: it has passed the entrance gate and not the exit gate.
    InProgress {
        /// The stage that the deployment is in.
        stage: Stage,
    },
    /// The deployment is being rolled back.
    RollingBack {
        /// The stage in which the rollback began.
        stage: Stage,
    },
    /// The deployment is complete and handed over to operations.
    Operational,
    /// The deployment was rolled back.
    RolledBack {
        /// The stage in which the rollback began.
        stage: Stage,
    },
    /// The deployment failed: it can go neither forward nor back.
    Failed {
        /// The stage in which the deployment failed.
        stage: Stage,
    },
    /// The deployment was given up before anything was changed.
    Aborted {
        /// The stage in which the deployment was given up.
        stage: Stage,
    },
    /// People rejected the deployment.
    Rejected {
        /// The stage in which the deployment was rejected.
        stage: Stage,
    },
}

impl StagePosition {
    /// The position in which every deployment begins.
    pub const START: Self = Self::AwaitingEntrance { stage: Stage::PlanAndApprove };

    /// The stage that the deployment is in, waits to enter, or ended in.
    pub fn stage(self) -> Stage {
        match self {
            Self::AwaitingEntrance { stage }
            | Self::InProgress { stage }
            | Self::RollingBack { stage }
            | Self::RolledBack { stage }
            | Self::Failed { stage }
            | Self::Aborted { stage }
            | Self::Rejected { stage } => stage,
            Self::Operational => Stage::Observe,
        }
    }

    /// The next gate, if there is one.
    pub fn gate(self) -> Option<Gate> {
        match self {
            Self::AwaitingEntrance { stage } => Some(Gate { stage, phase: Phase::Entrance }),
            Self::InProgress { stage } => Some(Gate { stage, phase: Phase::Exit }),
            _ => None,
        }
    }

    /// The position after this gate.
    pub fn behind(gate: Gate) -> Self {
        let after = |stage| match stage {
            Stage::PlanAndApprove => Some(Stage::Fulfill),
            Stage::Fulfill => Some(Stage::Validate),
            Stage::Validate => Some(Stage::Observe),
            Stage::Observe => None,
        };
        match gate.phase {
            Phase::Entrance => Self::InProgress { stage: gate.stage },
            Phase::Exit => match after(gate.stage) {
                Some(stage) => Self::AwaitingEntrance { stage },
                None => Self::Operational,
            },
        }
    }

    /// How the deployment ended, if it did.
    pub fn ended(self) -> Option<DeploymentResult> {
        match self {
            Self::AwaitingEntrance { .. } | Self::InProgress { .. } | Self::RollingBack { .. } => None,
            Self::Operational => Some(DeploymentResult::Operational),
            Self::RolledBack { .. } => Some(DeploymentResult::RolledBack),
            Self::Failed { .. } => Some(DeploymentResult::Failed),
            Self::Aborted { .. } => Some(DeploymentResult::Aborted),
            Self::Rejected { .. } => Some(DeploymentResult::Rejected),
        }
    }

    /// Whether the deployment may change the environment: from the entrance of fulfill to the exit of validate, and
    /// during a rollback.
    pub fn changes_environment(self) -> bool {
        match self {
            Self::RollingBack { .. } | Self::InProgress { stage: Stage::Fulfill | Stage::Validate } => true,
            Self::AwaitingEntrance { stage } => stage == Stage::Validate,
            _ => false,
        }
    }

    /// The status alone, by the name that files and the API use.
    pub fn status(self) -> &'static str {
        match self {
            Self::AwaitingEntrance { .. } => "awaiting-entrance",
            Self::InProgress { .. } => "in-progress",
            Self::RollingBack { .. } => "rolling-back",
            Self::Operational => "operational",
            Self::RolledBack { .. } => "rolled-back",
            Self::Failed { .. } => "failed",
            Self::Aborted { .. } => "aborted",
            Self::Rejected { .. } => "rejected",
        }
    }
}

impl fmt::Display for StagePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = self.stage().as_str();
        match self {
            Self::AwaitingEntrance { .. } => write!(f, "before the entrance of {stage}"),
            Self::InProgress { .. } => write!(f, "in {stage}"),
            Self::RollingBack { .. } => write!(f, "on the way back from {stage}"),
            Self::Operational => f.write_str("operational"),
            Self::RolledBack { .. } => write!(f, "rolled back from {stage}"),
            Self::Failed { .. } => write!(f, "failed in {stage}"),
            Self::Aborted { .. } => write!(f, "aborted in {stage}"),
            Self::Rejected { .. } => write!(f, "rejected in {stage}"),
        }
    }
}
