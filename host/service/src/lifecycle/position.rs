//! The position of a deployment in its lifecycle.

use std::fmt;

use lockgate_domain::{DeploymentResult, Gate, Phase, Stage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum StagePosition {
    /// Before the entrance gate of a stage.
    AwaitingEntrance {
        /// The stage.
        stage: Stage,
    },
    /// In a stage: its entrance is passed, its exit is not.
    InProgress {
        /// The stage.
        stage: Stage,
    },
    /// On the way back to what was there before.
    RollingBack {
        /// The stage from which it went back.
        stage: Stage,
    },
    /// Handed over to operations.
    Operational,
    /// Taken back.
    RolledBack {
        /// The stage from which it went back.
        stage: Stage,
    },
    /// Broken: neither forward nor back.
    Failed {
        /// The stage in which it broke.
        stage: Stage,
    },
    /// Given up before anything was changed.
    Aborted {
        /// The stage in which it was given up.
        stage: Stage,
    },
    /// Refused by people.
    Rejected {
        /// The stage in which it was refused.
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
