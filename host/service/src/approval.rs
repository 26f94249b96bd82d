//! Approvals: people give them, each with their own credential, and each approval names what the person saw.

use lockgate_domain::{
    Approval, ApprovalAnswer, Digest, Gate, PersonId, Principal, Right, Timestamp, Verification, fields,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gate::laid_out;
use super::overrides::independent;
use super::read::LoadedDeployment;
use super::snapshot_cache::GateSnapshot;
use super::write::WriteChange;
use super::{
    ApprovalView, DeploymentRef, DeploymentService, InputError, RuleRefusal, ServiceError, WriteAnswer, WriteContext,
};
use crate::lifecycle::{DeploymentEvent, RecordedApproval, StagePosition};

/// An approval or rejection to record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApproval {
    /// The role in which the person answers: one of the person's roles.
    #[serde(deserialize_with = "fields::name")]
    pub role: String,
    /// The answer: approved or rejected.
    pub answer: ApprovalAnswer,
    /// The `subject` of the deployment that the person looked at.
    pub subject: Digest,
    /// From when on the answer no longer counts (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// The comment of the person who answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The id of the person in whose place the answer is given. That person must have delegated the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<PersonId>,
}

impl DeploymentService {
    /// Approves or rejects, in a role. A later answer in the same role replaces an earlier one.
    ///
    /// # Errors
    /// If the actor asked for the deployment or contributed to it, does not hold the role, names another subject than
    /// the present one, or the deployment cannot be approved in its present position.
    pub fn approve(
        &self,
        write: &WriteContext<'_>,
        at: DeploymentRef<'_>,
        new: &NewApproval,
    ) -> Result<WriteAnswer<ApprovalView>, ServiceError> {
        let Principal { id: person, roles, .. } = &write.actor.person;
        write.actor.require(Right::Approve)?;
        let permit = || {
            let loaded = self.load(write.actor, at)?;
            for who in [Some(person), new.on_behalf_of.as_ref()].into_iter().flatten() {
                independent(&loaded, who, "approve")?;
            }
            let lent = match &new.on_behalf_of {
                Some(principal) => self.lent(principal, person, &new.role, &loaded, write.now)?,
                None => None,
            };
            let holds = match &new.on_behalf_of {
                Some(_) => lent.is_some(),
                None => roles.contains(&new.role),
            };
            if !holds {
                let (person, role, principal) = (person.clone(), new.role.clone(), new.on_behalf_of.clone());
                return Err(RuleRefusal::RoleNotHeld { person, role, principal }.into());
            }
            Ok((loaded, lent))
        };
        self.once(write, &("approve", at, new, write.if_match), permit, |(loaded, lent), digest| {
            if new.expires.is_some_and(|expires| expires <= write.now) {
                return Err(ServiceError::Invalid(vec![InputError::new(
                    "/expires",
                    "it would be over before it counts",
                )]));
            }
            let position = loaded.state.position;
            let Some(gate) = position.gate().filter(|_| position.ended().is_none()) else {
                return Err(RuleRefusal::Over { what: "deployment", id: at.id.to_owned() }.into());
            };
            let (expect, lender) = lent.unzip();
            let gate_snapshot = self.gate_snapshot(&loaded, gate, write.now)?;
            let current = gate_snapshot.cached.subject;
            if new.answer == ApprovalAnswer::Approved {
                is_laid_out(&gate_snapshot)?;
            }
            if new.subject != current {
                let (named, current) = (new.subject.to_string(), current.to_string());
                return Err(RuleRefusal::SubjectDiffers { named, current }.into());
            }
            // A person has one answer in a role, and a borrower may give it: an answer that another account gave must
            // be revoked first.
            let principal = lender.as_ref().unwrap_or(person);
            let mut others = loaded.state.approvals.iter().zip(&gate_snapshot.cached.void).filter(|(known, void)| {
                // Another account with the same normal id cannot lift a rejection either, in any role.
                let rejected =
                    known.approval.answer == ApprovalAnswer::Rejected && !known.principal().is_written_like(principal);
                let answered = known.approval.role == new.role && !known.approval.person.id.is_written_like(person);
                void.is_none() && known.principal() == principal && (answered || rejected)
            });
            if let Some((known, _)) = others.next_back() {
                return Err(RuleRefusal::VoiceGiven {
                    principal: principal.clone(),
                    role: new.role.clone(),
                    by: known.approval.person.id.clone(),
                }
                .into());
            }
            let mut person = write.actor.as_person();
            if !person.roles.contains(&new.role) {
                person.roles.push(new.role.clone());
            }
            let approval = RecordedApproval {
                approval: Approval {
                    id: super::waiver::fresh_id("approval")?,
                    person,
                    role: new.role.clone(),
                    answer: new.answer,
                    at: write.now,
                    expires: new.expires,
                    subject: current,
                    // As the lender wrote it, because that account can revoke the approval.
                    on_behalf_of: lender.clone(),
                    credential: write.actor.credential.clone(),
                    signature: Verification::Absent,
                    comment: new.comment.clone(),
                    changed: Vec::new(),
                },
                parts: gate_snapshot.cached.parts.clone(),
                model: gate_snapshot.cached.model.digest(),
                revoked: None,
                superseded_by: None,
                replanned: None,
            };
            let planned = (Gate::PLAN_EXIT..=Gate::FULFILL_ENTRANCE).contains(&gate);
            let rollout = gate_snapshot.snapshot.deployment.rollout.clone().filter(|_| planned);
            let laid_out = laid_out(&loaded.state, rollout);
            let given = DeploymentEvent::ApprovalGiven { approval: approval.clone() };
            let change = WriteChange {
                expect: expect.into_iter().collect(),
                events: laid_out.into_iter().chain([given]).collect(),
                ..WriteChange::default()
            };
            self.record(write, digest, &loaded, change, |_| Ok(ApprovalView { approval, void: None }))
        })
    }

    /// Revokes an approval. Only the person who gave it, or the person in whose place it was given, may do so.
    ///
    /// # Errors
    /// If the actor may not approve, the approval is not theirs, or the deployment has ended.
    pub fn revoke_approval(
        &self,
        write: &WriteContext<'_>,
        at: DeploymentRef<'_>,
        approval: &str,
        reason: &str,
    ) -> Result<WriteAnswer<ApprovalView>, ServiceError> {
        write.actor.require(Right::Approve)?;
        let permit = || {
            let loaded = self.load(write.actor, at)?;
            may_revoke(&loaded, &write.actor.person.id, approval)?;
            Ok(loaded)
        };
        self.once(write, &("revoke-approval", at, approval, reason, write.if_match), permit, |loaded, digest| {
            let known = of_id(&loaded, approval)?;
            let over = loaded.state.position.ended().is_some()
                || matches!(loaded.state.position, StagePosition::RollingBack { .. });
            if known.revoked.is_some() || over {
                return Err(RuleRefusal::Over { what: "approval", id: approval.to_owned() }.into());
            }
            let (approval, reason) = (approval.to_owned(), reason.to_owned());
            let change = WriteChange::of(DeploymentEvent::ApprovalRevoked { approval: approval.clone(), reason });
            self.record(write, digest, &loaded, change, |after| {
                let approval = of_id(after, &approval)?.clone();
                Ok(ApprovalView { approval, void: Some(crate::lifecycle::ApprovalInvalid::Revoked) })
            })
        })
    }
}

/// Checks that there is a rollout to approve, if the model names a strategy.
fn is_laid_out(GateSnapshot { cached, snapshot, .. }: &GateSnapshot) -> Result<(), RuleRefusal> {
    if cached.model.strategy().is_none() {
        return Ok(());
    }
    if snapshot.gate < Gate::PLAN_EXIT {
        let why = "the strategy lays the rollout out when the entrance of plan-and-approve is passed, and it is approved with the plan";
        return Err(RuleRefusal::RolloutNotLaidOut { why: why.to_owned() });
    }
    cached.model.check_rollout(snapshot).map_err(|error| RuleRefusal::RolloutNotLaidOut { why: error.to_string() })
}

fn of_id<'a>(loaded: &'a LoadedDeployment, approval: &str) -> Result<&'a RecordedApproval, ServiceError> {
    let known = loaded.state.approvals.iter().find(|known| known.approval.id == approval);
    known.ok_or_else(|| ServiceError::NotFound { what: "approval", id: approval.to_owned() })
}

/// Checks that the person may revoke an approval: it is theirs, or was given in their place.
fn may_revoke(loaded: &LoadedDeployment, me: &PersonId, approval: &str) -> Result<(), ServiceError> {
    let known = of_id(loaded, approval)?;
    let voices = [&known.approval.person.id, known.principal()];
    if voices.iter().any(|id| id.is_written_like(me)) {
        return Ok(());
    }
    if let Some(other) = voices.into_iter().find(|id| *id == me) {
        return Err(RuleRefusal::OtherAccount { account: me.clone(), by: other.clone() }.into());
    }
    let (role, principal) = (known.approval.role.clone(), Some(known.principal().clone()));
    Err(RuleRefusal::RoleNotHeld { person: me.clone(), role, principal }.into())
}
