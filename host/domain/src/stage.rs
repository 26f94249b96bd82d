//! The gates of the Deploy value stream.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The four stages of a deployment, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The release is assessed, scheduled, and its deployment plan signed off.
    PlanAndApprove,
    /// The release is installed into its target environment.
    Fulfill,
    /// The actual instance is compared with the desired one.
    Validate,
    /// The instance is watched until it is stable and can be handed over to operations.
    Observe,
}

impl Stage {
    /// All four stages, in order.
    pub const ALL: [Self; 4] = [Self::PlanAndApprove, Self::Fulfill, Self::Validate, Self::Observe];

    /// The name that files, the contract and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PlanAndApprove => "plan-and-approve",
            Self::Fulfill => "fulfill",
            Self::Validate => "validate",
            Self::Observe => "observe",
        }
    }
}

/// The two gates of a stage: its entrance and its exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The gate before the stage: may it begin?
    Entrance,
    /// The gate after the stage: is it done?
    Exit,
}

impl Phase {
    /// Both phases, in order.
    pub const ALL: [Self; 2] = [Self::Entrance, Self::Exit];

    /// The name that files, the contract and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entrance => "entrance",
            Self::Exit => "exit",
        }
    }
}

/// One of the eight gates: a stage and a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The stage of the gate.
    pub stage: Stage,
    /// The phase: the entrance or the exit of the stage.
    pub phase: Phase,
}

impl Gate {
    /// The gate at which fulfillment begins.
    pub const FULFILL_ENTRANCE: Self = Self { stage: Stage::Fulfill, phase: Phase::Entrance };
    /// The gate at which the plan, with its rollout, is approved.
    pub const PLAN_EXIT: Self = Self { stage: Stage::PlanAndApprove, phase: Phase::Exit };
    /// The gate before which the rollout is carried out.
    pub const FULFILL_EXIT: Self = Self { stage: Stage::Fulfill, phase: Phase::Exit };

    /// All eight gates, in the order in which a deployment meets them.
    pub fn all() -> impl Iterator<Item = Self> {
        Stage::ALL.into_iter().flat_map(|stage| Phase::ALL.into_iter().map(move |phase| Self { stage, phase }))
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.stage.as_str(), self.phase.as_str())
    }
}

/// The scenario of a deployment. It decides which of the [rules](crate::rules) apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// The first deployment: no live instance exists yet. It is rolled back by removal.
    FirstRelease,
    /// An update of existing instances. It is rolled back to the last known good release.
    NewVersion,
    /// The removal of instances, of all or some.
    Removal,
}

impl Scenario {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstRelease => "first-release",
            Self::NewVersion => "new-version",
            Self::Removal => "removal",
        }
    }
}

/// The passage of a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatePassage {
    /// The stage of the gate.
    pub stage: Stage,
    /// Whether it is the entrance or the exit of the stage.
    pub phase: Phase,
    /// When the gate was passed (RFC 3339).
    pub at: Timestamp,
    /// The id of the decision that allowed it.
    pub decision: String,
}

impl GatePassage {
    /// When planning began: when the entrance of plan-and-approve was passed. None if it was not.
    pub fn planning_began(passed: &[Self]) -> Option<Timestamp> {
        let entrance = Gate { stage: Stage::PlanAndApprove, phase: Phase::Entrance };
        passed.iter().find(|passage| passage.gate() == entrance).map(|passage| passage.at)
    }

    /// When fulfillment began: when the entrance of fulfill was passed. None if it was not.
    pub fn fulfillment_began(passed: &[Self]) -> Option<Timestamp> {
        passed.iter().find(|passage| passage.gate() == Gate::FULFILL_ENTRANCE).map(|passage| passage.at)
    }

    /// When the release was deployed: when the exit of fulfill was passed. None if it was not.
    pub fn deployed(passed: &[Self]) -> Option<Timestamp> {
        passed.iter().find(|passage| passage.gate() == Gate::FULFILL_EXIT).map(|passage| passage.at)
    }

    /// The gate that was passed.
    pub fn gate(&self) -> Gate {
        Gate { stage: self.stage, phase: self.phase }
    }
}
