//! The events of a deployment: the entries of its stream in the ledger.

use std::collections::BTreeSet;

use lockgate_domain::{
    ApprovedPlan, BeforeRollout, CheckState, CredentialKind, DetachedSignature, Digest, Evidence, Gate, HandOver,
    Override, PersonId, Reason, Rollout, StepStatus, TeamName, Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActivityReport, RecordedApproval};
use crate::authority::Actor;
use crate::due::DueMark;

/// The finding of an override's review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewFinding {
    /// The override was justified.
    Justified,
    /// The override was not justified.
    Unjustified,
}

/// The person who caused an event, with the credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventActor {
    /// The id of the person.
    pub person: PersonId,
    /// The name of the credential. It is not secret.
    pub credential: String,
    /// The kind of the credential: who or what uses it.
    pub kind: CredentialKind,
}

impl EventActor {
    /// The host itself, as the author of what falls due.
    pub(crate) fn host() -> Self {
        #[expect(clippy::expect_used, reason = "the name is a constant that is a valid id")]
        let person = PersonId::new("lockgate").expect("a valid id");
        Self { person, credential: "host".to_owned(), kind: CredentialKind::Service }
    }
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
    /// The deployment was requested.
    Requested {
        /// The team that owns the deployment.
        team: TeamName,
        /// The id of the product.
        product: String,
        /// The name of the environment.
        environment: String,
        /// The id of the release.
        release: String,
        /// The digest of the requested document, which the ledger holds as content.
        document: Digest,
        /// The ids of the people whom the document names as requester and contributors.
        people: BTreeSet<PersonId>,
    },
    /// The document of the deployment was changed.
    Revised {
        /// The digest of the new document, which the ledger holds as content.
        document: Digest,
        /// The names of the members that changed.
        changed: Vec<String>,
        /// The ids of the people whom the document names as requester and contributors.
        people: BTreeSet<PersonId>,
    },
    /// Evidence was attached.
    EvidenceAttached {
        /// The name of the evidence.
        name: String,
        /// The evidence without its bytes, which the ledger holds as content. Its signature was verified when it was
        /// attached, and is verified again at each gate.
        evidence: Evidence,
        /// The signature that was attached with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<DetachedSignature>,
    },
    /// A person approved or rejected.
    ApprovalGiven {
        /// The recorded answer and what it is bound to.
        approval: RecordedApproval,
    },
    /// An approval or rejection was revoked.
    ApprovalRevoked {
        /// The id of the approval.
        approval: String,
        /// The reason for the revocation.
        reason: String,
    },
    /// The deployment passed a gate.
    GatePassed {
        /// The gate that was passed.
        gate: Gate,
        /// The id of the decision that allowed it.
        decision: String,
        /// The approved plan. Present only at the exit of plan-and-approve.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approved: Option<ApprovedPlan>,
        /// The deployment and the environment before the rollout, by which a rollback is judged. Present only at the entrance of
        /// fulfill.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Box<BeforeRollout>>,
        /// The ids of the optional activities that nobody reported.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        skipped: Vec<String>,
    },
    /// An activity of the present stage was reported.
    ActivityReported {
        /// The report about the activity.
        #[serde(flatten)]
        report: ActivityReport,
    },
    /// The strategy laid the rollout out, for the first time or anew. Approvals of an earlier one are void.
    RolloutLaidOut {
        /// All steps, forward and back.
        rollout: Rollout,
    },
    /// A step of the rollout began.
    StepBegan {
        /// The id of the step.
        step: String,
        /// The id of the decision within the rollout that says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decision: Option<String>,
    },
    /// A step of the rollout ended.
    StepEnded {
        /// The id of the step.
        step: String,
        /// The status in which the step ended.
        status: StepStatus,
        /// The explanation that was reported with the step.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// The outcomes of the checks, if the step was an analysis.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        checks: Vec<CheckState>,
        /// The id of the decision within the rollout, if the step was an analysis.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decision: Option<String>,
    },
    /// The strategy left out a step of the rollout.
    StepSkipped {
        /// The id of the step.
        step: String,
        /// The reason of the strategy.
        reason: Reason,
        /// The id of the decision within the rollout that says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decision: Option<String>,
    },
    /// The strategy, or a rule of the host, pauses the rollout until people decide.
    RolloutPaused {
        /// The reason for the pause.
        reason: Reason,
        /// The id of the decision within the rollout that says so.
        decision: String,
    },
    /// A person resumed a step.
    StepResumed {
        /// The id of the step.
        step: String,
        /// The explanation of the person who resumed the step.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// The id of the decision within the rollout that pauses for the step. Absent for a hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decision: Option<String>,
    },
    /// An override was used.
    OverrideTaken {
        /// The override that was used.
        taken: Override,
        /// When its review is due (RFC 3339).
        review_due: Timestamp,
        /// From when on a missing review stops deployments of the product (RFC 3339). Absent: it never does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blocks_from: Option<Timestamp>,
    },
    /// A second person confirmed an override.
    OverrideConfirmed {
        /// The id of the override.
        id: String,
    },
    /// An override was reviewed.
    OverrideReviewed {
        /// The id of the override.
        id: String,
        /// The finding of the review.
        finding: ReviewFinding,
        /// The comment of the reviewer.
        comment: String,
    },
    /// Somebody proposed to hand the deployment over to those who operate it. A new proposal replaces the earlier one.
    HandOverProposed {
        /// The hand-over, which nobody has accepted yet.
        hand_over: HandOver,
    },
    /// Those who operate the deployment accepted the hand-over.
    HandOverAccepted,
    /// What was deployed to a live environment can be released to its users. Whether it is, is decided in the Release stream.
    ExposureOpened {
        /// The id of the product.
        product: String,
        /// The id of the release.
        release: String,
        /// The name of the environment.
        environment: String,
    },
    /// The deployment went back to planning.
    Replanned {
        /// The reason for the new planning.
        reason: String,
        /// The ids of the approvals and rejections that no longer count because of it.
        #[serde(default)]
        voids: Vec<String>,
    },
    /// People rejected the deployment.
    Rejected {
        /// The reason for the rejection.
        reason: String,
    },
    /// The deployment was given up before anything was changed.
    Aborted {
        /// The reason for giving it up.
        reason: String,
    },
    /// The deployment failed: it can go neither forward nor back.
    Failed {
        /// The reason for the failure.
        reason: String,
    },
    /// The rollback began.
    RollbackBegan {
        /// The reason for the rollback.
        reason: String,
        /// The id of the decision within the rollout that says so. Absent if somebody began the rollback.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decision: Option<String>,
    },
    /// The rollback ended.
    RolledBack {
        /// The note on the end of the rollback.
        reason: String,
    },
    /// Something fell due. The host writes it by itself, once on any number of servers.
    FellDue {
        /// What fell due.
        #[serde(flatten)]
        mark: DueMark,
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
            Self::StepSkipped { .. } => "step-skipped",
            Self::RolloutPaused { .. } => "rollout-paused",
            Self::StepResumed { .. } => "step-resumed",
            Self::OverrideTaken { .. } => "override-taken",
            Self::OverrideConfirmed { .. } => "override-confirmed",
            Self::OverrideReviewed { .. } => "override-reviewed",
            Self::HandOverProposed { .. } => "hand-over-proposed",
            Self::HandOverAccepted => "hand-over-accepted",
            Self::ExposureOpened { .. } => "exposure-opened",
            Self::Replanned { .. } => "replanned",
            Self::Rejected { .. } => "rejected",
            Self::Aborted { .. } => "aborted",
            Self::Failed { .. } => "failed",
            Self::RollbackBegan { .. } => "rollback-began",
            Self::RolledBack { .. } => "rolled-back",
            Self::FellDue { .. } => "fell-due",
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
