//! Exceptions: waivers, granted in advance; and overrides, taken in an emergency and reviewed afterwards.

use lockgate_domain::{
    Deployment, Enforcement, Gate, InvalidWaiver, Override, PersonId, TeamName, Timestamp, Waiver, WaiverScope, fields,
};
use lockgate_ledger::Append;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::granted::Granted;
use super::locate::team_step;
use super::read::{AsOf, Loaded, Page, Paged, body};
use super::write::Change;
use super::{DeploymentRef, Engine, EngineError, Mistake, Refused, Write, Written};
use crate::authority::{Actor, Right, Teams};
use crate::lifecycle::{By, Event, OverrideState, ReviewFinding};

/// A waiver that is asked for. Whoever asks owns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWaiver {
    /// Why.
    #[serde(deserialize_with = "fields::text")]
    pub reason: String,
    /// Where that was decided.
    #[serde(deserialize_with = "fields::text")]
    pub ticket: String,
    /// What it is good for. The team may be left out by who is in one team only, or names a deployment; without it, a waiver
    /// of who sees all teams is for all of them.
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
    /// Who granted it, with which credential.
    pub by: By,
    /// Since when it is ended before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// A waiver that was granted, and what to look at once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrantedWaiver {
    /// The waiver.
    #[serde(flatten)]
    pub state: WaiverState,
    /// Codes that none of its bindings gave lately, each in a sentence: they may be misspelt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The stream of the waivers for all teams.
pub(super) const EVERYBODYS_WAIVERS: &str = "waivers";

/// The stream of a team's waivers.
pub(super) fn team_waivers(team: &str) -> String {
    format!("waivers/{}", team_step(team))
}

impl Granted for WaiverState {
    const KIND: &'static str = "waiver";

    fn id(&self) -> &str {
        &self.waiver.id
    }

    fn team(&self) -> Option<&str> {
        self.waiver.scope.team.as_deref()
    }

    fn expires(&self) -> Timestamp {
        self.waiver.expires
    }
}

impl WaiverState {
    /// The waiver as a decision sees it: one that was ended is as if it had expired when it was ended.
    pub(super) fn until(&self, ended: Option<Timestamp>) -> Waiver {
        let expires = ended.map_or(self.waiver.expires, |ended| ended.min(self.waiver.expires));
        Waiver { expires, ..self.waiver.clone() }
    }
}

/// Whether a waiver of its team, or of all teams, may be about a deployment, also if it does not count: a decision says
/// why.
pub(super) fn about(known: &WaiverState, deployment: &Deployment) -> bool {
    let is = |border: &Option<String>, found: &str| border.as_deref().is_none_or(|border| border == found);
    let scope = &known.waiver.scope;
    is(&scope.deployment, &deployment.id)
        && is(&scope.product, &deployment.product.id)
        && is(&scope.environment, &deployment.environment.name)
}

/// An override that is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOverride {
    /// The gate.
    pub gate: Gate,
    /// The binding or group whose answer is overridden, by id.
    #[serde(deserialize_with = "fields::name")]
    pub binding: String,
    /// Why.
    #[serde(deserialize_with = "fields::text")]
    pub reason: String,
}

/// How an override is looked at afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReview {
    /// The deployment, by id.
    #[serde(deserialize_with = "fields::id")]
    pub deployment: String,
    /// The team that it belongs to; may be left out where only one of one's teams has a deployment of that id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// What came of it.
    pub finding: ReviewFinding,
    /// What there is to say.
    #[serde(deserialize_with = "fields::text")]
    pub comment: String,
}

/// An override in the review queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PendingOverride {
    /// The deployment, by id.
    pub deployment: String,
    /// The team that it belongs to.
    pub team: TeamName,
    /// The override, and how it was looked at.
    #[serde(flatten)]
    pub known: OverrideState,
}

impl Engine {
    /// Grants a waiver, and answers for it. It is for one team, or, by who sees all teams, for all.
    ///
    /// # Errors
    /// If the actor may not, it does not say all that a waiver has to say, it is not clear for which team it is, or no model
    /// has what it names.
    pub fn waive(&self, write: &Write<'_>, new: &NewWaiver) -> Result<Written<GrantedWaiver>, EngineError> {
        write.actor.require(Right::Waive)?;
        let NewWaiver { reason, ticket, scope, expires } = new.clone();
        let owner = write.actor.person.id.clone();
        let mut waiver = Waiver { id: fresh_id("waiver")?, owner, reason, ticket, scope, granted: write.now, expires };
        let team = || self.team_of_waiver(write.actor, &new.scope);
        self.once(write, &("waive", new), team, |team, digest| {
            let mistake =
                |wrong: InvalidWaiver| EngineError::Invalid(vec![Mistake::new(wrong.pointer(), wrong.to_string())]);
            waiver.check().map_err(mistake)?;
            waiver.scope.team = team;
            self.check_scope(write.actor, &waiver.scope)?;
            let state = WaiverState { waiver: waiver.clone(), by: By::from(write.actor), ended: None };
            let stream = waiver.scope.team.as_deref().map_or_else(|| EVERYBODYS_WAIVERS.to_owned(), team_waivers);
            let entries = vec![Self::granting(&stream, &state, write.now)?];
            let value = GrantedWaiver { state, warnings: self.codes_never_given(write.actor, &waiver.scope)? };
            self.commit(write, digest, Append { entries, ..Append::default() }, None, value)
        })
    }

    /// For which team a waiver is: the one that it names, the only one of who grants it, or that of the deployment that it
    /// names.
    fn team_of_waiver(&self, actor: &Actor, scope: &WaiverScope) -> Result<Option<TeamName>, EngineError> {
        let wrong = |pointer: &str, message: String| Err(EngineError::Invalid(vec![Mistake::new(pointer, message)]));
        if let Some(team) = scope.team.as_ref().or_else(|| actor.teams.only()) {
            return match actor.teams.include(team) {
                true => Ok(Some(team.clone())),
                false => {
                    wrong("/scope/team", format!("`{}` is not in team `{team}`: name one of theirs", actor.person.id))
                }
            };
        }
        if let Some(id) = &scope.deployment {
            return match self.load(actor, id.into()) {
                Ok(loaded) => Ok(Some(loaded.state.team.clone())),
                Err(EngineError::NotFound { .. }) => {
                    let message = format!("there is no deployment `{id}` yet: name its team in `scope.team`");
                    wrong("/scope/team", message)
                }
                Err(EngineError::SeveralTeams { teams, .. }) => {
                    let teams = teams.join("`, `");
                    wrong("/scope/team", format!("several teams have a deployment `{id}`: name one of `{teams}`"))
                }
                Err(other) => Err(other),
            };
        }
        match actor.teams {
            Teams::All => Ok(None),
            Teams::Named(_) => wrong("/scope/team", "say for which of your teams the waiver is".to_owned()),
        }
    }

    /// Ends a waiver before its time. One for all teams is ended by who sees all teams.
    ///
    /// # Errors
    /// If the actor may not waive, there is none of that id for them, or it is over.
    pub fn end_waiver(&self, write: &Write<'_>, id: &str) -> Result<Written<WaiverState>, EngineError> {
        write.actor.require(Right::Waive)?;
        let permit = || {
            let missing = || EngineError::NotFound { what: "waiver", id: id.to_owned() };
            let all = self.waivers_of(&write.actor.teams)?;
            let known = all.into_iter().find(|known| known.waiver.id == id).ok_or_else(missing)?;
            if known.waiver.scope.team.is_none() && write.actor.teams != Teams::All {
                return Err(Refused::OfAllTeams { what: "waiver", id: id.to_owned() }.into());
            }
            Ok(known)
        };
        self.once(write, &("end-waiver", id), permit, |known, digest| {
            let (entry, expect) = self.ending(&known, By::from(write.actor), write.now)?;
            let append = Append { entries: vec![entry], expect: vec![expect], ..Append::default() };
            self.commit(write, digest, append, None, WaiverState { ended: Some(write.now), ..known })
        })
    }

    /// The waivers of the actor's teams and those for all teams, also those that are over.
    ///
    /// # Errors
    /// If the actor may not read, or the ledger cannot be read.
    pub fn waivers(&self, actor: &Actor) -> Result<Vec<WaiverState>, EngineError> {
        actor.require(Right::Read)?;
        self.waivers_of(&actor.teams)
    }

    fn waivers_of(&self, teams: &Teams) -> Result<Vec<WaiverState>, EngineError> {
        let all: Vec<WaiverState> = match teams {
            Teams::All => self.every_grant()?,
            Teams::Named(teams) => {
                let own = teams.iter().map(|team| team_waivers(team));
                let streams: Vec<String> = [EVERYBODYS_WAIVERS.to_owned()].into_iter().chain(own).collect();
                let names: Vec<&str> = streams.iter().map(String::as_str).collect();
                let versions = self.0.storage.versions(&names)?;
                let read = |(stream, version): (&String, u64)| self.grants(&self.0.waivers, stream, version);
                let grants = streams.iter().zip(versions).map(read).collect::<Result<Vec<_>, _>>()?;
                grants.iter().flat_map(|grants| grants.says.values().cloned()).collect()
            }
        };
        let ids: Vec<&str> = all.iter().map(|known| known.waiver.id.as_str()).collect();
        let ends = self.ends::<WaiverState>(AsOf::Now, &ids)?;
        Ok(all.into_iter().zip(ends).map(|(known, ended)| WaiverState { ended, ..known }).collect())
    }

    /// Breaks the glass: overrides what is soft-mandatory, for this deployment as it is now.
    ///
    /// # Errors
    /// If the actor may not, asked for the deployment or contributed to it, or there is nothing of that id that can be
    /// overridden.
    pub fn take_override(
        &self,
        write: &Write<'_>,
        at: DeploymentRef<'_>,
        new: &NewOverride,
    ) -> Result<Written<OverrideState>, EngineError> {
        write.actor.require(Right::Override)?;
        if new.reason.trim().is_empty() {
            return Err(EngineError::Invalid(vec![Mistake::new("/reason", "say why")]));
        }
        let person = &write.actor.person.id;
        let permit = || {
            let loaded = self.load(write.actor, at)?;
            independent(&loaded, person, "override")?;
            Ok(loaded)
        };
        self.once(write, &("override", at, new, write.if_match), permit, |loaded, digest| {
            if loaded.state.position.ended().is_some() {
                return Err(Refused::Over { what: "deployment", id: at.id.to_owned() }.into());
            }
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
        at: DeploymentRef<'_>,
        taken: &str,
    ) -> Result<Written<OverrideState>, EngineError> {
        write.actor.require(Right::Override)?;
        let permit = || {
            let loaded = self.load(write.actor, at)?;
            let person = &write.actor.person.id;
            let known = of_id(&loaded.state.overrides, taken)?;
            if known.taken.by == *person {
                return Err(Refused::SecondPerson { person: person.clone(), what: "confirm it" }.into());
            }
            independent(&loaded, person, "confirm an override")?;
            Ok(loaded)
        };
        self.once(write, &("confirm-override", at, taken, write.if_match), permit, |loaded, digest| {
            let known = of_id(&loaded.state.overrides, taken)?;
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
        let permit = || {
            let at = DeploymentRef { id: &new.deployment, team: new.team.as_ref() };
            let loaded = self.load(write.actor, at)?;
            let person = &write.actor.person.id;
            let known = of_id(&loaded.state.overrides, taken)?;
            if known.taken.by == *person || known.taken.confirmed_by.as_ref() == Some(person) {
                return Err(Refused::SecondPerson { person: person.clone(), what: "review it" }.into());
            }
            independent(&loaded, person, "review an override of it")?;
            Ok(loaded)
        };
        self.once(write, &("review-override", taken, new, write.if_match), permit, |loaded, digest| {
            let known = of_id(&loaded.state.overrides, taken)?;
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
        self.paged(&actor.teams, None, "override-taken", page, |entry| {
            let super::write::Recorded { event, .. } = body(entry)?;
            let Event::OverrideTaken { taken } = event else { return Ok(None) };
            let loaded = self.of_entry(entry)?;
            let known = of_id(&loaded.state.overrides, &taken.id)?.clone();
            let wanted = reviewed.is_none_or(|reviewed| reviewed == known.review.is_some());
            let (deployment, team) = (loaded.id.clone(), loaded.state.team.clone());
            Ok(wanted.then_some(PendingOverride { deployment, team, known }))
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
