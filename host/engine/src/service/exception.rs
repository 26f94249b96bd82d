//! Exceptions: waivers, granted in advance; and overrides, taken in an emergency and reviewed afterwards.

use std::collections::BTreeMap;

use lockgate_domain::{Deployment, Enforcement, Gate, Override, PersonId, Timestamp, Waiver, WaiverScope};
use lockgate_ledger::{Append, Entry, Expect, NewEntry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::read::{Folded, Loaded, Page, Paged, body};
use super::write::Change;
use super::{Engine, EngineError, Mistake, Refused, Write, Written};
use crate::authority::{Actor, Right, Teams};
use crate::lifecycle::{Event, OverrideState, ReviewFinding};

/// A waiver that is asked for. Whoever asks owns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWaiver {
    /// Why.
    pub reason: String,
    /// Where that was decided.
    pub ticket: String,
    /// What it is good for.
    pub scope: WaiverScope,
    /// Until when.
    pub expires: Timestamp,
}

/// A waiver, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaiverState {
    /// The waiver.
    #[serde(flatten)]
    pub waiver: Waiver,
    /// Whose deployments it is good for: those that its owner could see when it was granted.
    pub teams: Teams,
    /// Since when it is ended before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// All waivers.
#[derive(Clone, Debug, Default)]
pub(super) struct Waivers(BTreeMap<String, WaiverState>);

#[derive(Serialize, Deserialize)]
struct Ended {
    id: String,
    by: PersonId,
}

impl Folded for Waivers {
    const STREAM: &'static str = "waivers";

    fn take(&mut self, entry: Entry) -> Result<(), EngineError> {
        if entry.kind == "waiver-ended" {
            let Ended { id, .. } = body(&entry)?;
            if let Some(known) = self.0.get_mut(&id) {
                known.ended = Some(entry.at);
            }
        } else {
            let granted: WaiverState = body(&entry)?;
            self.0.insert(granted.waiver.id.clone(), granted);
        }
        Ok(())
    }
}

impl Waivers {
    /// Those that may be about a deployment, also those that do not count: a decision says why. An ended one is as if it
    /// had expired when it was ended.
    pub(super) fn about(&self, deployment: &Deployment, team: &str) -> Vec<Waiver> {
        let is = |border: &Option<String>, found: &str| border.as_deref().is_none_or(|border| border == found);
        let about = self.0.values().filter(|known| {
            let scope = &known.waiver.scope;
            known.teams.include(team)
                && is(&scope.deployment, &deployment.id)
                && is(&scope.product, &deployment.product.id)
                && is(&scope.environment, &deployment.environment.name)
        });
        let as_it_counts = |known: &WaiverState| Waiver {
            expires: known.ended.map_or(known.waiver.expires, |ended| ended.min(known.waiver.expires)),
            ..known.waiver.clone()
        };
        about.map(as_it_counts).collect()
    }
}

/// An override that is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOverride {
    /// The gate.
    pub gate: Gate,
    /// The binding or group whose answer is overridden, by id.
    pub binding: String,
    /// Why.
    pub reason: String,
}

/// How an override is looked at afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReview {
    /// The deployment, by id.
    pub deployment: String,
    /// What came of it.
    pub finding: ReviewFinding,
    /// What there is to say.
    pub comment: String,
}

/// An override in the review queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PendingOverride {
    /// The deployment, by id.
    pub deployment: String,
    /// The override, and how it was looked at.
    #[serde(flatten)]
    pub known: OverrideState,
}

impl Engine {
    /// Grants a waiver, and answers for it.
    ///
    /// # Errors
    /// If the actor may not, or it does not say all that a waiver has to say.
    pub fn waive(&self, write: &Write<'_>, new: &NewWaiver) -> Result<Written<WaiverState>, EngineError> {
        write.actor.require(Right::Waive)?;
        let NewWaiver { reason, ticket, scope, expires } = new.clone();
        let owner = write.actor.person.id.clone();
        let waiver = Waiver { id: fresh_id("waiver")?, owner, reason, ticket, scope, granted: write.now, expires };
        waiver.check().map_err(|wrong| EngineError::Invalid(vec![Mistake::new("", wrong.to_string())]))?;
        self.once(write, &("waive", new), |digest| {
            let value = WaiverState { waiver: waiver.clone(), teams: write.actor.teams.clone(), ended: None };
            let entry = NewEntry::new(Waivers::STREAM, "waiver", write.now, &value)?.with_id(&waiver.id)?;
            self.commit(write, digest, Append { entries: vec![entry], ..Append::default() }, 0, value)
        })
    }

    /// Ends a waiver before its time.
    ///
    /// # Errors
    /// If the actor may not waive, there is none of that id, or it is over.
    pub fn end_waiver(&self, write: &Write<'_>, id: &str) -> Result<Written<WaiverState>, EngineError> {
        write.actor.require(Right::Waive)?;
        self.once(write, &("end-waiver", id), |digest| {
            let (version, known) = self.0.waivers.get(&*self.0.storage)?;
            let missing = || EngineError::NotFound { what: "waiver", id: id.to_owned() };
            let theirs = |known: &&WaiverState| known.teams.meet(&write.actor.teams);
            let known = known.0.get(id).filter(theirs).ok_or_else(missing)?;
            if known.ended.is_some() || known.waiver.expires <= write.now {
                return Err(Refused::Over { what: "waiver", id: id.to_owned() }.into());
            }
            let ended = Ended { id: id.to_owned(), by: write.actor.person.id.clone() };
            let entry = NewEntry::new(Waivers::STREAM, "waiver-ended", write.now, &ended)?.with_id(id)?;
            let expect = vec![Expect { stream: Waivers::STREAM.to_owned(), version }];
            let append = Append { entries: vec![entry], expect, ..Append::default() };
            self.commit(write, digest, append, 0, WaiverState { ended: Some(write.now), ..known.clone() })
        })
    }

    /// All waivers, also those that are over.
    ///
    /// # Errors
    /// If the actor may not read, or the ledger cannot be read.
    pub fn waivers(&self, actor: &Actor) -> Result<Vec<WaiverState>, EngineError> {
        actor.require(Right::Read)?;
        let (_, known) = self.0.waivers.get(&*self.0.storage)?;
        Ok(known.0.values().filter(|known| known.teams.meet(&actor.teams)).cloned().collect())
    }

    /// Breaks the glass: overrides what is soft-mandatory, for this deployment as it is now.
    ///
    /// # Errors
    /// If the actor may not, asked for the deployment or contributed to it, or there is nothing of that id that can be
    /// overridden.
    pub fn take_override(
        &self,
        write: &Write<'_>,
        id: &str,
        new: &NewOverride,
    ) -> Result<Written<OverrideState>, EngineError> {
        write.actor.require(Right::Override)?;
        if new.reason.trim().is_empty() {
            return Err(EngineError::Invalid(vec![Mistake::new("/reason", "say why")]));
        }
        self.once(write, &("override", id, new, write.if_match), |digest| {
            let loaded = self.load(write.actor, id)?;
            let person = &write.actor.person.id;
            if loaded.state.position.ended().is_some() {
                return Err(Refused::Over { what: "deployment", id: id.to_owned() }.into());
            }
            independent(&loaded, person, "override")?;
            let picture = self.picture(&loaded, new.gate, write.now)?;
            overridable(picture.still.model.model(), new)?;
            let taken = Override {
                id: fresh_id("override")?,
                gate: new.gate,
                binding: new.binding.clone(),
                subject: picture.snapshot.subject,
                by: person.clone(),
                reason: new.reason.clone(),
                at: write.now,
                confirmed_by: None,
            };
            let change = Change::of(Event::OverrideTaken { taken: taken.clone() });
            self.record(write, digest, &loaded, change, |_| Ok(OverrideState { taken, review: None }))
        })
    }

    /// Confirms an override as the second person.
    ///
    /// # Errors
    /// If the actor took it, asked for the deployment or contributed to it, or there is none of that id.
    pub fn confirm_override(
        &self,
        write: &Write<'_>,
        id: &str,
        taken: &str,
    ) -> Result<Written<OverrideState>, EngineError> {
        write.actor.require(Right::Override)?;
        self.once(write, &("confirm-override", id, taken, write.if_match), |digest| {
            let loaded = self.load(write.actor, id)?;
            let person = &write.actor.person.id;
            let known = of_id(&loaded.state.overrides, taken)?;
            if known.taken.by == *person {
                return Err(Refused::SecondPerson { person: person.clone(), what: "confirm it" }.into());
            }
            independent(&loaded, person, "confirm an override")?;
            if known.taken.confirmed_by.is_some() || loaded.state.position.ended().is_some() {
                return Err(Refused::Over { what: "override", id: taken.to_owned() }.into());
            }
            let change = Change::of(Event::OverrideConfirmed { id: taken.to_owned() });
            self.record(write, digest, &loaded, change, |after| Ok(of_id(&after.state.overrides, taken)?.clone()))
        })
    }

    /// Looks at an override afterwards.
    ///
    /// # Errors
    /// If the actor may not, took or confirmed it, is involved in the deployment, or there is none of that id.
    pub fn review_override(
        &self,
        write: &Write<'_>,
        taken: &str,
        new: &NewReview,
    ) -> Result<Written<OverrideState>, EngineError> {
        write.actor.require(Right::Review)?;
        self.once(write, &("review-override", taken, new, write.if_match), |digest| {
            let loaded = self.load(write.actor, &new.deployment)?;
            let person = &write.actor.person.id;
            let known = of_id(&loaded.state.overrides, taken)?;
            if known.taken.by == *person || known.taken.confirmed_by.as_ref() == Some(person) {
                return Err(Refused::SecondPerson { person: person.clone(), what: "review it" }.into());
            }
            independent(&loaded, person, "review an override of it")?;
            if known.review.is_some() {
                return Err(Refused::Over { what: "review of the override", id: taken.to_owned() }.into());
            }
            let change = Change::of(Event::OverrideReviewed {
                id: taken.to_owned(),
                finding: new.finding,
                comment: new.comment.clone(),
            });
            self.record(write, digest, &loaded, change, |after| Ok(of_id(&after.state.overrides, taken)?.clone()))
        })
    }

    /// Overrides, the newest first; only those still to be reviewed, or all.
    ///
    /// # Errors
    /// If the actor may not read, or the ledger cannot be read.
    pub fn overrides(
        &self,
        actor: &Actor,
        reviewed: Option<bool>,
        page: Page,
    ) -> Result<Paged<PendingOverride>, EngineError> {
        actor.require(Right::Read)?;
        self.paged("override-taken", page, |entry| {
            let deployment = entry.id.clone().unwrap_or_default();
            let super::write::Recorded { event, .. } = body(entry)?;
            let (Event::OverrideTaken { taken }, Some(loaded)) = (event, self.read_deployment(&deployment)?) else {
                return Ok(None);
            };
            if !actor.teams.include(&loaded.state.team) {
                return Ok(None);
            }
            let known = of_id(&loaded.state.overrides, &taken.id)?.clone();
            let wanted = reviewed.is_none_or(|reviewed| reviewed == known.review.is_some());
            Ok(wanted.then_some(PendingOverride { deployment, known }))
        })
    }
}

/// Separation of duties: refuses what somebody wants to do who is involved in the deployment.
pub(super) fn independent(loaded: &Loaded, person: &PersonId, what: &'static str) -> Result<(), Refused> {
    match loaded.document.involves(person) {
        true => Err(Refused::SeparationOfDuties { person: person.clone(), what }),
        false => Ok(()),
    }
}

fn of_id<'a>(overrides: &'a [OverrideState], id: &str) -> Result<&'a OverrideState, EngineError> {
    let found = overrides.iter().find(|known| known.taken.id == id);
    found.ok_or_else(|| EngineError::NotFound { what: "override", id: id.to_owned() })
}

/// Whether there is something of that id at the gate that can be overridden.
fn overridable(model: &crate::model::Model, new: &NewOverride) -> Result<(), EngineError> {
    let refuse = |why: String| {
        let (binding, gate) = (new.binding.clone(), new.gate);
        Err(EngineError::from(Refused::NotOverridable { binding, gate, why }))
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

/// A new id that nobody can guess.
pub(super) fn fresh_id(what: &str) -> Result<String, EngineError> {
    let mut bytes = [0_u8; 10];
    getrandom::fill(&mut bytes)
        .map_err(|error| EngineError::Damaged(format!("the system has no randomness: {error}")))?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{what}-{hex}"))
}
