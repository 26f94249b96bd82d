//! Overrides: exceptions that a person takes in an emergency, and that another person reviews afterwards.

use lockgate_domain::{Enforcement, Gate, Override, PersonId, Right, TeamName, Timestamp, fields};
use lockgate_engine::model::{Model, OverrideReviews};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::read::{LoadedDeployment, Page, PageRequest, body};
use super::waiver::fresh_id;
use super::write::{RecordedEvent, WriteChange};
use super::{DeploymentRef, DeploymentService, InputError, RuleRefusal, ServiceError, WriteAnswer, WriteContext};
use crate::authority::Actor;
use crate::lifecycle::{DeploymentEvent, OverrideState, ReviewFinding};

/// An override to use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOverride {
    /// The gate at which the answer is overridden.
    pub gate: Gate,
    /// The id of the binding or group whose answer is overridden.
    #[serde(deserialize_with = "fields::name")]
    pub binding: String,
    /// The reason for the override.
    #[serde(deserialize_with = "fields::text")]
    pub reason: String,
}

/// The review of an override after it was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReview {
    /// The id of the deployment.
    #[serde(deserialize_with = "fields::id")]
    pub deployment: String,
    /// The team that owns the deployment. Required if several of your teams have a deployment with this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// The finding of the review.
    pub finding: ReviewFinding,
    /// The comment of the reviewer.
    #[serde(deserialize_with = "fields::text")]
    pub comment: String,
}

/// An override in the review queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PendingOverride {
    /// The id of the deployment.
    pub deployment: String,
    /// The team that owns the deployment.
    pub team: TeamName,
    /// The override and its review.
    #[serde(flatten)]
    pub known: OverrideState,
}

impl DeploymentService {
    /// Takes an override: overrides a soft-mandatory binding or group, for this deployment in its present version.
    ///
    /// # Errors
    /// If the actor may not override, asked for the deployment or contributed to it, or nothing with this id can be
    /// overridden.
    pub fn take_override(
        &self,
        write: &WriteContext<'_>,
        at: DeploymentRef<'_>,
        new: &NewOverride,
    ) -> Result<WriteAnswer<OverrideState>, ServiceError> {
        write.actor.require(Right::Override)?;
        if new.reason.trim().is_empty() {
            return Err(ServiceError::Invalid(vec![InputError::new("/reason", "say why")]));
        }
        let person = &write.actor.person.id;
        let permit = || {
            let loaded = self.load(write.actor, at)?;
            independent(&loaded, person, "override")?;
            Ok(loaded)
        };
        self.once(write, &("override", at, new, write.if_match), permit, |loaded, digest| {
            if loaded.state.position.ended().is_some() {
                return Err(RuleRefusal::Over { what: "deployment", id: at.id.to_owned() }.into());
            }
            let gate_snapshot = self.gate_snapshot(&loaded, new.gate, write.now)?;
            overridable(gate_snapshot.cached.model.model(), new)?;
            let taken = Override {
                id: fresh_id("override")?,
                gate: new.gate,
                binding: new.binding.clone(),
                subject: gate_snapshot.snapshot.subject,
                by: person.clone(),
                reason: new.reason.clone(),
                at: write.now,
                confirmed_by: None,
                stop: None,
            };
            let event = override_taken(taken.clone(), gate_snapshot.cached.model.model().override_reviews);
            self.record(write, digest, &loaded, WriteChange::of(event), |after| {
                Ok(of_id(&after.state.overrides, &taken.id)?.clone())
            })
        })
    }

    /// Confirms an override as the second person.
    ///
    /// # Errors
    /// If the actor took it, asked for the deployment or contributed to it, or there is no override with this id.
    pub fn confirm_override(
        &self,
        write: &WriteContext<'_>,
        at: DeploymentRef<'_>,
        taken: &str,
    ) -> Result<WriteAnswer<OverrideState>, ServiceError> {
        write.actor.require(Right::Override)?;
        let permit = || {
            let loaded = self.load(write.actor, at)?;
            let person = &write.actor.person.id;
            let known = of_id(&loaded.state.overrides, taken)?;
            if known.taken.by == *person {
                return Err(RuleRefusal::SecondPerson { person: person.clone(), what: "confirm it" }.into());
            }
            independent(&loaded, person, "confirm an override")?;
            Ok(loaded)
        };
        self.once(write, &("confirm-override", at, taken, write.if_match), permit, |loaded, digest| {
            let known = of_id(&loaded.state.overrides, taken)?;
            if known.taken.confirmed_by.is_some() || loaded.state.position.ended().is_some() {
                return Err(RuleRefusal::Over { what: "override", id: taken.to_owned() }.into());
            }
            let change = WriteChange::of(DeploymentEvent::OverrideConfirmed { id: taken.to_owned() });
            self.record(write, digest, &loaded, change, |after| Ok(of_id(&after.state.overrides, taken)?.clone()))
        })
    }

    /// Records the review of an override.
    ///
    /// # Errors
    /// If the actor may not review, took or confirmed it, is involved in the deployment, or there is no override with
    /// this id.
    pub fn review_override(
        &self,
        write: &WriteContext<'_>,
        taken: &str,
        new: &NewReview,
    ) -> Result<WriteAnswer<OverrideState>, ServiceError> {
        write.actor.require(Right::Review)?;
        let permit = || {
            let at = DeploymentRef { id: &new.deployment, team: new.team.as_ref() };
            let loaded = self.load(write.actor, at)?;
            let person = &write.actor.person.id;
            let known = of_id(&loaded.state.overrides, taken)?;
            if known.taken.by == *person || known.taken.confirmed_by.as_ref() == Some(person) {
                return Err(RuleRefusal::SecondPerson { person: person.clone(), what: "review it" }.into());
            }
            independent(&loaded, person, "review an override of it")?;
            Ok(loaded)
        };
        self.once(write, &("review-override", taken, new, write.if_match), permit, |loaded, digest| {
            let known = of_id(&loaded.state.overrides, taken)?;
            if known.review.is_some() {
                return Err(RuleRefusal::Over { what: "review of the override", id: taken.to_owned() }.into());
            }
            let (finding, comment) = (new.finding, new.comment.clone());
            let event = DeploymentEvent::OverrideReviewed { id: taken.to_owned(), finding, comment };
            // A late review no longer warns or stops deployments of the product.
            let entries = match loaded.state.review_is_late(taken) {
                true => vec![Self::review_made(&loaded, taken, write.now)?],
                false => Vec::new(),
            };
            let change = WriteChange { entries, ..WriteChange::of(event) };
            self.record(write, digest, &loaded, change, |after| Ok(of_id(&after.state.overrides, taken)?.clone()))
        })
    }

    /// The overrides, newest first: all, or only those that still need a review.
    ///
    /// # Errors
    /// If the actor may not read, or the ledger cannot be read.
    pub fn overrides(
        &self,
        actor: &Actor,
        reviewed: Option<bool>,
        page: PageRequest,
    ) -> Result<Page<PendingOverride>, ServiceError> {
        actor.require(Right::Read)?;
        self.paged(&actor.teams, None, "override-taken", page, |entry| {
            let RecordedEvent { event, .. } = body(entry)?;
            let DeploymentEvent::OverrideTaken { taken, .. } = event else { return Ok(None) };
            let loaded = self.of_entry(entry)?;
            let known = of_id(&loaded.state.overrides, &taken.id)?.clone();
            let wanted = reviewed.is_none_or(|reviewed| reviewed == known.review.is_some());
            let (deployment, team) = (loaded.id.clone(), loaded.state.team.clone());
            Ok(wanted.then_some(PendingOverride { deployment, team, known }))
        })
    }
}

/// The event that an override was taken, with the times at which its review is due and at which a missing one stops deployments.
pub(super) fn override_taken(taken: Override, reviews: OverrideReviews) -> DeploymentEvent {
    let after = |time: lockgate_domain::Duration| -> Timestamp { taken.at.saturating_add(time) };
    DeploymentEvent::OverrideTaken {
        review_due: after(reviews.within),
        blocks_from: reviews.block_after.map(after),
        taken,
    }
}

/// Enforces separation of duties: refuses a person who is involved in the deployment.
pub(super) fn independent(loaded: &LoadedDeployment, person: &PersonId, what: &'static str) -> Result<(), RuleRefusal> {
    match loaded.document.involves(person) {
        true => Err(RuleRefusal::SeparationOfDuties { person: person.clone(), what }),
        false => Ok(()),
    }
}

fn of_id<'a>(overrides: &'a [OverrideState], id: &str) -> Result<&'a OverrideState, ServiceError> {
    let found = overrides.iter().find(|known| known.taken.id == id);
    found.ok_or_else(|| ServiceError::NotFound { what: "override", id: id.to_owned() })
}

/// Checks that the gate has a binding or group with this id that can be overridden.
fn overridable(model: &Model, new: &NewOverride) -> Result<(), ServiceError> {
    let refuse = |why: String| {
        let (binding, gate) = (new.binding.clone(), new.gate);
        Err(ServiceError::from(RuleRefusal::NotOverridable { binding, gate, why }))
    };
    let guarded = model.gate(new.gate);
    let binding = guarded.and_then(|gate| gate.bindings.iter().find(|binding| binding.id == new.binding));
    let group = guarded.and_then(|gate| gate.groups.iter().find(|group| group.id == new.binding));
    let enforcement = match (binding, group) {
        (Some(binding), _) => match &binding.group {
            Some(group) => return refuse(format!("it is a member of group `{group}`: override the group")),
            None => binding.enforcement,
        },
        (None, Some(group)) => group.enforcement,
        (None, None) => return refuse("the model has no binding or group of that id there".to_owned()),
    };
    match enforcement {
        Enforcement::SoftMandatory => Ok(()),
        Enforcement::Advisory => refuse("it is advisory, and stops nothing".to_owned()),
        Enforcement::HardMandatory => {
            refuse("it is hard-mandatory: only a waiver helps, if the model allows".to_owned())
        }
    }
}
