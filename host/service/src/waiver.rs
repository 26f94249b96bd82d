//! Waivers: exceptions that a person grants in advance, for a time.

use lockgate_domain::{Deployment, InvalidWaiver, Right, TeamName, Teams, Timestamp, Waiver, WaiverScope, fields};
use lockgate_ledger::Append;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::granted::Grant;
use super::locate::team_step;
use super::read::ReadMode;
use super::{DeploymentService, InputError, RuleRefusal, ServiceError, WriteAnswer, WriteContext};
use crate::authority::Actor;
use crate::lifecycle::EventActor;

/// A waiver to grant. The person who grants it is its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWaiver {
    /// The reason for the waiver.
    #[serde(deserialize_with = "fields::text")]
    pub reason: String,
    /// A reference to the decision about the waiver, for example a ticket number or a URL.
    #[serde(deserialize_with = "fields::text")]
    pub ticket: String,
    /// The scope of the waiver. `team` may be absent if you are in one team only, or if the scope names a deployment.
    /// Otherwise, a waiver without `team` that is granted by somebody who sees all teams applies to all of them.
    pub scope: WaiverScope,
    /// When the waiver ends (RFC 3339).
    pub expires: Timestamp,
}

/// A waiver and its present state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaiverState {
    /// The waiver as it was granted.
    #[serde(flatten)]
    pub waiver: Waiver,
    /// The person who granted the waiver, and the credential.
    pub by: EventActor,
    /// When the waiver was ended early (RFC 3339). Absent if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// A granted waiver, with warnings about its scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrantedWaiver {
    /// The waiver and its present state.
    #[serde(flatten)]
    pub state: WaiverState,
    /// Warnings about codes that none of the waiver's bindings gave lately, one sentence each. The codes may be
    /// misspelt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The stream of the waivers for all teams.
pub(super) const EVERYBODYS_WAIVERS: &str = "waivers";

/// The stream of a team's waivers.
pub(super) fn team_waivers(team: &str) -> String {
    format!("waivers/{}", team_step(team))
}

impl Grant for WaiverState {
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
    /// The waiver as a decision sees it: if it was ended early, it expires at that moment.
    pub(super) fn until(&self, ended: Option<Timestamp>) -> Waiver {
        let expires = ended.map_or(self.waiver.expires, |ended| ended.min(self.waiver.expires));
        Waiver { expires, ..self.waiver.clone() }
    }
}

/// Whether a waiver of the deployment's team, or of all teams, may apply to it. This includes waivers that do not
/// count, because a decision says why.
pub(super) fn about(known: &WaiverState, deployment: &Deployment) -> bool {
    let is = |border: &Option<String>, found: &str| border.as_deref().is_none_or(|border| border == found);
    let scope = &known.waiver.scope;
    is(&scope.deployment, &deployment.id)
        && is(&scope.product, &deployment.product.id)
        && is(&scope.environment, &deployment.environment.name)
}

impl DeploymentService {
    /// Grants a waiver, for which the actor answers. It is for one team, or, if the actor sees all teams, for all.
    ///
    /// # Errors
    /// If the actor may not waive, a required field is missing, the team is not clear, or no model has what the scope
    /// names.
    pub fn waive(&self, write: &WriteContext<'_>, new: &NewWaiver) -> Result<WriteAnswer<GrantedWaiver>, ServiceError> {
        write.actor.require(Right::Waive)?;
        let NewWaiver { reason, ticket, scope, expires } = new.clone();
        let owner = write.actor.person.id.clone();
        let mut waiver = Waiver { id: fresh_id("waiver")?, owner, reason, ticket, scope, granted: write.now, expires };
        let team = || self.team_of_waiver(write.actor, &new.scope);
        self.once(write, &("waive", new), team, |team, digest| {
            let mistake =
                |wrong: InvalidWaiver| ServiceError::Invalid(vec![InputError::new(wrong.pointer(), wrong.to_string())]);
            waiver.check().map_err(mistake)?;
            waiver.scope.team = team;
            self.check_scope(write.actor, &waiver.scope)?;
            let state = WaiverState { waiver: waiver.clone(), by: EventActor::from(write.actor), ended: None };
            let stream = waiver.scope.team.as_deref().map_or_else(|| EVERYBODYS_WAIVERS.to_owned(), team_waivers);
            let entries = vec![Self::granting(&stream, &state, write.now)?];
            let value = GrantedWaiver { state, warnings: self.codes_never_given(write.actor, &waiver.scope)? };
            self.commit(write, digest, Append { entries, ..Append::default() }, None, value)
        })
    }

    /// The team of a waiver: the one that its scope names, the actor's only team, or the team of the deployment that
    /// its scope names.
    fn team_of_waiver(&self, actor: &Actor, scope: &WaiverScope) -> Result<Option<TeamName>, ServiceError> {
        let wrong =
            |pointer: &str, message: String| Err(ServiceError::Invalid(vec![InputError::new(pointer, message)]));
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
                Err(ServiceError::NotFound { .. }) => {
                    let message = format!("there is no deployment `{id}` yet: name its team in `scope.team`");
                    wrong("/scope/team", message)
                }
                Err(ServiceError::SeveralTeams { teams, .. }) => {
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

    /// Ends a waiver before its time. Only an actor who sees all teams can end one for all teams.
    ///
    /// # Errors
    /// If the actor may not waive, sees no waiver with this id, or it is over.
    pub fn end_waiver(&self, write: &WriteContext<'_>, id: &str) -> Result<WriteAnswer<WaiverState>, ServiceError> {
        write.actor.require(Right::Waive)?;
        let permit = || {
            let missing = || ServiceError::NotFound { what: "waiver", id: id.to_owned() };
            let all = self.waivers_of(&write.actor.teams)?;
            let known = all.into_iter().find(|known| known.waiver.id == id).ok_or_else(missing)?;
            if known.waiver.scope.team.is_none() && write.actor.teams != Teams::All {
                return Err(RuleRefusal::OfAllTeams { what: "waiver", id: id.to_owned() }.into());
            }
            Ok(known)
        };
        self.once(write, &("end-waiver", id), permit, |known, digest| {
            let (entry, expect) = self.ending(&known, EventActor::from(write.actor), write.now)?;
            let append = Append { entries: vec![entry], expect: vec![expect], ..Append::default() };
            self.commit(write, digest, append, None, WaiverState { ended: Some(write.now), ..known })
        })
    }

    /// The waivers of the actor's teams and those for all teams, including past ones.
    ///
    /// # Errors
    /// If the actor may not read, or the ledger cannot be read.
    pub fn waivers(&self, actor: &Actor) -> Result<Vec<WaiverState>, ServiceError> {
        actor.require(Right::Read)?;
        self.waivers_of(&actor.teams)
    }

    fn waivers_of(&self, teams: &Teams) -> Result<Vec<WaiverState>, ServiceError> {
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
        let ends = self.ends::<WaiverState>(ReadMode::Fresh, &ids)?;
        let state = |(known, ended): (WaiverState, Option<Timestamp>)| WaiverState {
            ended: ended.filter(|ended| *ended < known.waiver.expires),
            ..known
        };
        Ok(all.into_iter().zip(ends).map(state).collect())
    }
}

/// A new id that nobody can guess.
pub(super) fn fresh_id(what: &str) -> Result<String, ServiceError> {
    let mut bytes = [0_u8; 10];
    getrandom::fill(&mut bytes)
        .map_err(|error| ServiceError::Damaged(format!("the system has no randomness: {error}")))?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{what}-{hex}"))
}
