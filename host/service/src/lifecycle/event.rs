//! The events of a deployment: the entries of its stream in the ledger.

use std::collections::BTreeSet;

use lockgate_domain::{
    ApprovedPlan, CredentialKind, Digest, Evidence, Gate, Override, PersonId, Rollout, StepStatus, TeamName,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActivityReport, RecordedApproval};
use crate::authority::Actor;

/// What came of looking at an override afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewFinding {
    /// It was right to take it.
    Justified,
    /// It was not.
    Unjustified,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventActor {
    /// The person, by id.
    pub person: PersonId,
    /// The credential that they used.
    pub credential: String,
    /// Who or what uses that credential.
    pub kind: CredentialKind,
}

impl From<&Actor> for EventActor {
    fn from(actor: &Actor) -> Self {
        Self { person: actor.person.id.clone(), credential: actor.credential.clone(), kind: actor.kind }
    }
}

/// Something that happened to a deployment. The name of the variant is the kind of the entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DeploymentEvent {
    /// It was asked for.
    Requested {
        /// The team that it belongs to.
        team: TeamName,
        /// The product, by id.
        product: String,
        /// The environment, by name.
        environment: String,
        /// The release, by id.
        release: String,
        /// The deployment as it was handed in: content of the ledger.
        document: Digest,
        /// The people whom the document names as requester and contributors, by id.
        people: BTreeSet<PersonId>,
    },
    /// Its document was changed.
    Revised {
        /// The deployment as it is now: content of the ledger.
        document: Digest,
        /// The members that differ, by name.
        changed: Vec<String>,
        /// The people whom the document names as requester and contributors, by id.
        people: BTreeSet<PersonId>,
    },
    /// Evidence was handed in.
    EvidenceAttached {
        /// Under which name.
        name: String,
        /// What it is; its bytes are content of the ledger.
        evidence: Evidence,
    },
    /// Somebody answered.
    ApprovalGiven {
        /// What they answered, and to what.
        approval: RecordedApproval,
    },
    /// An answer was taken back.
    ApprovalRevoked {
        /// Which, by id.
        approval: String,
        /// Why.
        reason: String,
    },
    /// A gate was passed.
    GatePassed {
        /// Which.
        gate: Gate,
        /// The decision that allowed it, by id.
        decision: String,
        /// What is approved from here on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approved: Option<ApprovedPlan>,
        /// The activities that nobody reported, and that may be skipped.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        skipped: Vec<String>,
    },
    /// Something was done in the stage that it is in.
    ActivityReported {
        /// What.
        #[serde(flatten)]
        report: ActivityReport,
    },
    /// The strategy laid out the way.
    RolloutLaidOut {
        /// The way.
        rollout: Rollout,
    },
    /// A step began.
    StepBegan {
        /// Which, by id.
        step: String,
    },
    /// A step ended.
    StepEnded {
        /// Which, by id.
        step: String,
        /// How.
        status: StepStatus,
        /// What there is to say of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// A person said to go on with a step.
    StepResumed {
        /// Which, by id.
        step: String,
        /// What there is to say of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// The glass was broken.
    OverrideTaken {
        /// For what.
        taken: Override,
    },
    /// A second person confirmed an override.
    OverrideConfirmed {
        /// Which, by id.
        id: String,
    },
    /// An override was looked at afterwards.
    OverrideReviewed {
        /// Which, by id.
        id: String,
        /// What came of it.
        finding: ReviewFinding,
        /// What there is to say.
        comment: String,
    },
    /// It goes back to planning: what was approved no longer is.
    Replanned {
        /// Why.
        reason: String,
    },
    /// People refused it.
    Rejected {
        /// Why.
        reason: String,
    },
    /// It was given up before anything was changed.
    Aborted {
        /// Why.
        reason: String,
    },
    /// It can go neither forward nor back.
    Failed {
        /// Why.
        reason: String,
    },
    /// The way back was begun.
    RollbackBegan {
        /// Why.
        reason: String,
    },
    /// The way back was taken.
    RolledBack {
        /// What there is to say of it.
        reason: String,
    },
}

impl DeploymentEvent {
    /// The kind of the ledger entry.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "requested",
            Self::Revised { .. } => "revised",
            Self::EvidenceAttached { .. } => "evidence-attached",
            Self::ApprovalGiven { .. } => "approval-given",
            Self::ApprovalRevoked { .. } => "approval-revoked",
            Self::GatePassed { .. } => "gate-passed",
            Self::ActivityReported { .. } => "activity-reported",
            Self::RolloutLaidOut { .. } => "rollout-laid-out",
            Self::StepBegan { .. } => "step-began",
            Self::StepEnded { .. } => "step-ended",
            Self::StepResumed { .. } => "step-resumed",
            Self::OverrideTaken { .. } => "override-taken",
            Self::OverrideConfirmed { .. } => "override-confirmed",
            Self::OverrideReviewed { .. } => "override-reviewed",
            Self::Replanned { .. } => "replanned",
            Self::Rejected { .. } => "rejected",
            Self::Aborted { .. } => "aborted",
            Self::Failed { .. } => "failed",
            Self::RollbackBegan { .. } => "rollback-began",
            Self::RolledBack { .. } => "rolled-back",
        }
    }

    /// The ledger content that the event refers to.
    pub fn reference(&self) -> Option<Digest> {
        match self {
            Self::Requested { document, .. } | Self::Revised { document, .. } => Some(*document),
            Self::EvidenceAttached { evidence, .. } => Some(evidence.digest),
            _ => None,
        }
    }
}
