//! The state of a deployment, built from its events.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_domain::{
    ApprovedPlan, BeforeRollout, DetachedSignature, Digest, Evidence, Exposure, Gate, GatePassage, HandOver, Override,
    PersonId, Phase, Progress, Reason, Rollout, Stage, StepEnd, StepStatus, TeamName, Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::due::{DueKind, DueMark};

use super::{ActivityReport, DeploymentEvent, EventActor, RecordedApproval, ReviewFinding, StagePosition};

/// The activity that an accepted hand-over proves.
const HAND_OVER: &str = "hand-over";

/// The review of an override after it was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Review {
    /// The id of the person who reviewed the override.
    pub by: PersonId,
    /// When the override was reviewed (RFC 3339); the server sets it.
    pub at: Timestamp,
    /// The finding of the review.
    pub finding: ReviewFinding,
    /// The comment of the reviewer.
    pub comment: String,
}

/// An override, with its review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverrideState {
    /// The override that was used.
    #[serde(flatten)]
    pub taken: Override,
    /// When its review is due (RFC 3339).
    pub review_due: Timestamp,
    /// From when on a missing review stops deployments of the product (RFC 3339). Absent: it never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks_from: Option<Timestamp>,
    /// The review. Absent while the override is in the review queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
}

/// The state of a deployment after its events.
#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentState {
    /// The number of events: the version of the stream.
    pub version: u64,
    /// The team that owns the deployment.
    pub team: TeamName,
    pub position: StagePosition,
    /// The digest of the document that was handed in last. The ledger holds it as content.
    pub document: Digest,
    /// The actor who requested the deployment.
    pub requested_by: EventActor,
    /// When it was requested.
    pub requested: Timestamp,
    /// When the last event happened.
    pub changed: Timestamp,
    /// Everybody who was ever involved: who wrote a part of the document, and whom it named as requester or
    /// contributor, now or earlier. Separation of duties excludes all of them.
    pub involved: BTreeSet<PersonId>,
    /// The evidence, by name, without its bytes.
    pub evidence: BTreeMap<String, Evidence>,
    /// The signatures that were attached with evidence, by its name.
    pub signatures: BTreeMap<String, DetachedSignature>,
    /// The answers of people, in order.
    pub approvals: Vec<RecordedApproval>,
    /// The approved plan.
    pub approved: Option<ApprovedPlan>,
    /// The reported activities, by stage and id.
    pub activities: BTreeMap<Stage, BTreeMap<String, ActivityReport>>,
    /// The rollout as it was laid out last.
    pub rollout: Option<Rollout>,
    /// The deployment and the environment before the rollout, from the entrance of fulfill on.
    pub before: Option<Box<BeforeRollout>>,
    /// When the way back began, if something may have been changed before.
    pub turned_back: Option<Timestamp>,
    /// When the deployment last told the instances that exist.
    pub told_instances: Option<Timestamp>,
    /// Why the rollout is paused.
    pub paused: Option<Reason>,
    /// The progress of the rollout, from the entrance of fulfill on.
    pub progress: Option<Progress>,
    /// The overrides, in order.
    pub overrides: Vec<OverrideState>,
    /// The decisions that allowed the gates passed, by id, in order. After a replan, only the events have the decisions
    /// of gates that must be passed again.
    pub passed: Vec<GatePassage>,
    /// What fell due and was recorded.
    pub fell_due: BTreeSet<DueMark>,
    /// The hand-over to those who operate what was deployed. The way back ends it.
    pub hand_over: Option<HandOver>,
    /// The exposure that the deployment opened.
    pub exposure: Option<Exposure>,
}

impl DeploymentState {
    /// The state after the first event. None if that is not [`DeploymentEvent::Requested`].
    pub fn begin(event: &DeploymentEvent, by: &EventActor, at: Timestamp) -> Option<Self> {
        let DeploymentEvent::Requested { team, document, people, .. } = event else { return None };
        Some(Self {
            version: 1,
            team: team.clone(),
            position: StagePosition::START,
            document: *document,
            requested_by: by.clone(),
            requested: at,
            changed: at,
            involved: people.iter().chain([&by.person]).cloned().collect(),
            evidence: BTreeMap::new(),
            signatures: BTreeMap::new(),
            approvals: Vec::new(),
            approved: None,
            activities: BTreeMap::new(),
            rollout: None,
            before: None,
            turned_back: None,
            told_instances: None,
            paused: None,
            progress: None,
            overrides: Vec::new(),
            passed: Vec::new(),
            fell_due: BTreeSet::new(),
            hand_over: None,
            exposure: None,
        })
    }

    /// The last report of an activity.
    pub fn activity(&self, stage: Stage, id: &str) -> Option<&ActivityReport> {
        self.activities.get(&stage)?.get(id)
    }

    /// Whether it was recorded that the review of an override is late.
    pub(crate) fn review_is_late(&self, id: &str) -> bool {
        self.fell_due.iter().any(|mark| mark.what == DueKind::OverrideReviewLate && mark.about == id)
    }

    /// Ends the hand-over: nobody operates what is taken back.
    fn end_hand_over(&mut self) {
        self.hand_over = None;
        if let Some(activities) = self.activities.get_mut(&Stage::Observe) {
            activities.remove(HAND_OVER);
        }
    }

    /// Applies an event.
    pub fn apply(&mut self, event: &DeploymentEvent, by: &EventActor, at: Timestamp) {
        self.version += 1;
        self.changed = at;
        let stage = self.position.stage();
        match event {
            DeploymentEvent::Requested { .. } => {}
            DeploymentEvent::Revised { document, people, changed } => {
                if changed.iter().any(|member| member == "actual_instances") {
                    self.told_instances = Some(at);
                }
                self.document = *document;
                self.involved.extend(people.iter().chain([&by.person]).cloned());
            }
            DeploymentEvent::EvidenceAttached { name, evidence, signature } => {
                self.evidence.insert(name.clone(), evidence.clone());
                self.signatures.remove(name);
                self.signatures.extend(signature.clone().map(|signature| (name.clone(), signature)));
            }
            DeploymentEvent::ApprovalGiven { approval } => {
                let id = &approval.approval.id;
                // An answer replaces only an earlier one of the same account for the same person, not one of an account
                // with the same normal id.
                let takes_its_place = |earlier: &RecordedApproval| {
                    earlier.approval.role == approval.approval.role
                        && earlier.approval.person.id.is_written_like(&approval.approval.person.id)
                        && earlier.principal().is_written_like(approval.principal())
                };
                for earlier in &mut self.approvals {
                    if takes_its_place(earlier) {
                        earlier.superseded_by.get_or_insert_with(|| id.clone());
                    }
                }
                self.approvals.push(approval.clone());
            }
            DeploymentEvent::ApprovalRevoked { approval, .. } => {
                if let Some(found) = self.approvals.iter_mut().find(|found| &found.approval.id == approval) {
                    found.revoked = Some(at);
                }
            }
            DeploymentEvent::GatePassed { gate, decision, approved, skipped, before } => {
                if before.is_some() {
                    self.before.clone_from(before);
                }
                for id in skipped {
                    let report = ActivityReport {
                        activity: id.clone(),
                        outcome: super::ActivityOutcome::Skipped,
                        note: None,
                        at: Some(at),
                    };
                    self.activities.entry(gate.stage).or_default().insert(id.clone(), report);
                }
                if approved.is_some() {
                    self.approved.clone_from(approved);
                }
                let Gate { stage, phase } = *gate;
                self.passed.push(GatePassage { stage, phase, at, decision: decision.clone() });
                self.position = StagePosition::behind(*gate);
                if *gate == Gate::FULFILL_ENTRANCE {
                    // What was laid out is carried out only if it was approved.
                    let signed = self.approved.as_ref().and_then(|approved| approved.rollout);
                    let is_signed =
                        |rollout: &Rollout| signed.is_some() && Digest::of_canonical(rollout).ok() == signed;
                    self.rollout = self.rollout.take().filter(is_signed);
                    self.progress = self.rollout.clone().map(Progress::new);
                }
            }
            DeploymentEvent::ActivityReported { report } => {
                let report = ActivityReport { at: report.at.or(Some(at)), ..report.clone() };
                self.activities.entry(stage).or_default().insert(report.activity.clone(), report);
            }
            DeploymentEvent::RolloutLaidOut { rollout } => self.rollout = Some(rollout.clone()),
            DeploymentEvent::RolloutPaused { reason, .. } => self.paused = Some(reason.clone()),
            DeploymentEvent::StepBegan { step, .. } => {
                self.paused = None;
                if let Some(progress) = &mut self.progress {
                    progress.settle(at);
                    progress.begin(step, at);
                }
            }
            DeploymentEvent::StepEnded { step, status, why, checks, .. } => {
                if let Some(progress) = &mut self.progress {
                    let end = StepEnd { checks: checks.clone(), ..StepEnd::new(*status, why.clone()) };
                    progress.end(step, end, at);
                }
            }
            DeploymentEvent::StepSkipped { step, reason, .. } => {
                if let Some(progress) = &mut self.progress {
                    let end = StepEnd::new(StepStatus::Skipped, None);
                    progress.end(step, StepEnd { reason: Some(reason.clone()), ..end }, at);
                }
            }
            DeploymentEvent::StepResumed { step, .. } => {
                self.paused = None;
                if let Some(progress) = &mut self.progress {
                    progress.resume(step, by.person.normal());
                }
            }
            DeploymentEvent::OverrideTaken { taken, review_due, blocks_from } => {
                self.overrides.push(OverrideState {
                    taken: taken.clone(),
                    review_due: *review_due,
                    blocks_from: *blocks_from,
                    review: None,
                });
            }
            DeploymentEvent::OverrideConfirmed { id } => {
                if let Some(found) = self.overrides.iter_mut().find(|found| &found.taken.id == id) {
                    found.taken.confirmed_by = Some(by.person.clone());
                }
            }
            DeploymentEvent::OverrideReviewed { id, finding, comment } => {
                if let Some(found) = self.overrides.iter_mut().find(|found| &found.taken.id == id) {
                    found.review =
                        Some(Review { by: by.person.clone(), at, finding: *finding, comment: comment.clone() });
                }
            }
            DeploymentEvent::HandOverProposed { hand_over } => self.hand_over = Some(hand_over.clone()),
            DeploymentEvent::HandOverAccepted => {
                if let Some(hand_over) = &mut self.hand_over {
                    (hand_over.accepted_by, hand_over.accepted) = (Some(by.person.clone()), Some(at));
                }
                // The acceptance proves the activity, so nobody has to report it.
                let report = ActivityReport {
                    activity: HAND_OVER.to_owned(),
                    outcome: super::ActivityOutcome::Done,
                    note: None,
                    at: Some(at),
                };
                self.activities.entry(Stage::Observe).or_default().insert(HAND_OVER.to_owned(), report);
            }
            DeploymentEvent::ExposureOpened { .. } => {
                self.exposure = Some(Exposure { opened_by: by.person.clone(), opened: at });
            }
            DeploymentEvent::Replanned { voids, .. } => {
                for known in self.approvals.iter_mut().filter(|known| voids.contains(&known.approval.id)) {
                    known.replanned = Some(at);
                }
                self.approved = None;
                self.rollout = None;
                self.before = None;
                self.progress = None;
                self.position = StagePosition::InProgress { stage: Stage::PlanAndApprove };
                // All gates after the one before its new position have to be passed again.
                let still = Gate { stage: Stage::PlanAndApprove, phase: Phase::Entrance };
                self.passed.retain(|passage| passage.gate() == still);
            }
            DeploymentEvent::Rejected { .. } => self.position = StagePosition::Rejected { stage },
            DeploymentEvent::Aborted { .. } => self.position = StagePosition::Aborted { stage },
            DeploymentEvent::Failed { .. } => self.position = StagePosition::Failed { stage },
            DeploymentEvent::RollbackBegan { .. } => {
                self.position = StagePosition::RollingBack { stage };
                self.paused = None;
                let changed = |progress: &Progress| progress.steps.iter().any(|step| step.attempts > 0);
                self.turned_back = self.progress.as_ref().is_none_or(changed).then_some(at);
                self.end_hand_over();
                if let Some(progress) = &mut self.progress {
                    progress.turn_back(at);
                }
            }
            DeploymentEvent::RolledBack { .. } => self.position = StagePosition::RolledBack { stage },
            DeploymentEvent::FellDue { mark } => {
                if let Some(progress) = self.progress.as_mut().filter(|_| mark.what == DueKind::HoldEnded) {
                    progress.settle(at);
                }
                self.fell_due.insert(mark.clone());
            }
        }
    }
}
