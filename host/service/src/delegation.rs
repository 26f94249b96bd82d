//! Delegation: one person lends a role to another for a while.
//!
//! A delegation lends the role and the teams that the lender has at that moment, and it never reaches further. It ends
//! at its time, or when the lender, the borrower or an administrator ends it. If the lender held API tokens in the
//! role, it also ends when the last of them stops being valid: a lender who has lost a role no longer lends it.

use lockgate_domain::{PersonId, Right, TeamName, Teams, Timestamp, fields};
use lockgate_ledger::{Append, ExpectedVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::granted::{Grant, end_stream};
use super::read::{LoadedDeployment, ReadMode};
use super::waiver::fresh_id;
use super::{DeploymentService, InputError, RuleRefusal, ServiceError, WriteAnswer, WriteContext};
use crate::authority::Actor;
use crate::lifecycle::EventActor;

/// The stream for delegations.
const DELEGATIONS: &str = "delegations";

/// A delegation to grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDelegation {
    /// The id of the person who receives the role.
    pub to: PersonId,
    /// The role that is delegated.
    #[serde(deserialize_with = "fields::name")]
    pub role: String,
    /// When the delegation ends (RFC 3339).
    pub expires: Timestamp,
    /// The reason for the delegation.
    #[serde(deserialize_with = "fields::text")]
    pub reason: String,
    /// The team whose deployments the delegation applies to. If absent, all teams that the lender sees now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
}

/// A granted delegation of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delegation {
    /// The id of the delegation; the server sets it.
    pub id: String,
    /// The id of the person whose role it is.
    pub from: PersonId,
    /// The delegation as it was requested.
    #[serde(flatten)]
    pub asked: NewDelegation,
    /// The teams whose deployments the delegation applies to: those of the lender when it was granted, or the named
    /// team.
    pub teams: Teams,
    /// The person who granted the delegation, and the credential.
    pub by: EventActor,
    /// When the delegation was granted (RFC 3339); the server sets it.
    pub granted: Timestamp,
    /// Whether the lender held a valid API token in the role when the delegation was granted. If so, the delegation
    /// ends with the lender's last such token.
    pub ends_with_tokens: bool,
}

/// A delegation and its present state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DelegationState {
    /// The delegation as it was granted.
    #[serde(flatten)]
    pub delegation: Delegation,
    /// When the delegation was ended early (RFC 3339). Absent if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// The API tokens that people hold. The engine itself knows people only by their credentials.
pub trait Credentials: Send + Sync {
    /// The API tokens of a person that were valid from one moment until another and that let their holder approve in a
    /// role for one of these teams. The id of the person is compared as it is written.
    ///
    /// # Errors
    /// If the tokens cannot be read.
    fn tokens_held(
        &self,
        person: &PersonId,
        role: &str,
        teams: &Teams,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<TokensHeld, lockgate_ledger::Error>;
}

/// The API tokens that a person held in a role over a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokensHeld {
    /// No token was valid at the beginning.
    None,
    /// At least one token was valid at each moment.
    Throughout,
    /// The last token stopped being valid at this moment.
    Until(Timestamp),
}

/// For a server that issues no API tokens.
#[derive(Clone, Copy, Debug)]
pub struct NoCredentials;

impl Credentials for NoCredentials {
    fn tokens_held(
        &self,
        _: &PersonId,
        _: &str,
        _: &Teams,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<TokensHeld, lockgate_ledger::Error> {
        Ok(TokensHeld::None)
    }
}

impl Grant for Delegation {
    const KIND: &'static str = "delegation";

    fn id(&self) -> &str {
        &self.id
    }

    fn team(&self) -> Option<&str> {
        self.teams.only().map(TeamName::as_str)
    }

    fn expires(&self) -> Timestamp {
        self.asked.expires
    }
}

impl DelegationState {
    /// The delegation as the actor may see it: people other than lender and borrower see only the teams that are
    /// theirs.
    fn shown_to(mut self, actor: &Actor) -> Self {
        if !self.delegation.is_of(&actor.person.id) {
            self.delegation.teams = self.delegation.teams.common(&actor.teams);
        }
        self
    }
}

impl Delegation {
    /// Whether the person is the lender or the borrower.
    fn is_of(&self, person: &PersonId) -> bool {
        self.from == *person || self.asked.to == *person
    }

    /// Whether the person may end it: the account that lent the role, or the borrower, whose id the lender wrote.
    fn is_ended_by(&self, person: &PersonId) -> bool {
        self.from.is_written_like(person) || self.asked.to == *person
    }
}

impl DeploymentService {
    /// Lends a role of the actor to another person.
    ///
    /// # Errors
    /// If the actor does not hold the role or see the team, or the delegation would end before it begins or last too
    /// long.
    pub fn delegate(
        &self,
        write: &WriteContext<'_>,
        new: &NewDelegation,
    ) -> Result<WriteAnswer<DelegationState>, ServiceError> {
        let person = &write.actor.person;
        write.actor.require(Right::Approve)?;
        let teams = match &new.team {
            Some(team) => Teams::Named([team.clone()].into()),
            None => write.actor.teams.clone(),
        };
        let permit = || {
            let mistakes: Vec<InputError> = not_in_team(write.actor, new).into_iter().collect();
            if !mistakes.is_empty() {
                return Err(ServiceError::Invalid(mistakes));
            }
            if !person.roles.contains(&new.role) {
                let (person, role) = (person.id.clone(), new.role.clone());
                return Err(RuleRefusal::RoleNotHeld { person, role, principal: None }.into());
            }
            Ok(())
        };
        self.once(write, &("delegate", new), permit, |(), digest| {
            let mistakes = self.mistakes_of(write, new);
            if !mistakes.is_empty() {
                return Err(ServiceError::Invalid(mistakes));
            }
            let held = self.0.credentials.tokens_held(&person.id, &new.role, &teams, write.now, write.now)?;
            let delegation = Delegation {
                id: fresh_id("delegation")?,
                from: person.id.clone(),
                asked: new.clone(),
                teams: teams.clone(),
                by: EventActor::from(write.actor),
                granted: write.now,
                ends_with_tokens: held != TokensHeld::None,
            };
            let entries = vec![Self::granting(DELEGATIONS, &delegation, write.now)?];
            let append = Append { entries, ..Append::default() };
            self.commit(write, digest, append, None, DelegationState { delegation, ended: None })
        })
    }

    fn mistakes_of(&self, write: &WriteContext<'_>, new: &NewDelegation) -> Vec<InputError> {
        let person = &write.actor.person;
        let mut mistakes = Vec::new();
        let latest = write.now.saturating_add(self.0.longest_delegation);
        if new.expires <= write.now {
            mistakes.push(InputError::new("/expires", "it would be over before it counts"));
        } else if new.expires > latest {
            let longest = self.0.longest_delegation;
            let message = format!("a role is lent for at most {longest}: name a moment until {latest}");
            mistakes.push(InputError::new("/expires", message));
        }
        if new.to == person.id {
            mistakes.push(InputError::new("/to", "a role is lent to somebody else: say to whom"));
        }
        if new.reason.trim().is_empty() {
            mistakes.push(InputError::new("/reason", "say why"));
        }
        mistakes
    }

    /// Ends a delegation before its time, for the lender, the borrower, or an administrator.
    ///
    /// # Errors
    /// If the actor sees no delegation with this id, or it is over.
    pub fn end_delegation(
        &self,
        write: &WriteContext<'_>,
        id: &str,
    ) -> Result<WriteAnswer<DelegationState>, ServiceError> {
        if !write.actor.may(Right::Administer) {
            write.actor.require(Right::Approve)?;
        }
        let permit = || {
            let missing = || ServiceError::NotFound { what: "delegation", id: id.to_owned() };
            let administers = write.actor.may(Right::Administer);
            let seen = self.seen_by(write.actor, administers)?;
            let known = seen.into_iter().find(|known| known.id == id).ok_or_else(missing)?;
            let me = &write.actor.person.id;
            if !known.is_ended_by(me) {
                if !administers {
                    return Err(RuleRefusal::OtherAccount { account: me.clone(), by: known.from }.into());
                }
                if !write.actor.teams.cover(&known.teams) {
                    return Err(RuleRefusal::OfMoreTeams { what: "delegation", id: known.id }.into());
                }
            }
            Ok(known)
        };
        self.once(write, &("end-delegation", id), permit, |known, digest| {
            let (entry, expect) = self.ending(&known, EventActor::from(write.actor), write.now)?;
            let append = Append { entries: vec![entry], expect: vec![expect], ..Append::default() };
            let ended = DelegationState { delegation: known, ended: Some(write.now) };
            self.commit(write, digest, append, None, ended)
        })
    }

    /// Ends all present delegations of a lender in one write. An administrator uses it for a person who has lost their
    /// roles when this server cannot know that. A delegation that reaches teams which the administrator does not see
    /// goes on; the answer has no end for it.
    ///
    /// # Errors
    /// If the actor may not administer, or the ledger does not accept the write.
    pub fn end_delegations_of(
        &self,
        write: &WriteContext<'_>,
        from: &PersonId,
    ) -> Result<WriteAnswer<Vec<DelegationState>>, ServiceError> {
        write.actor.require(Right::Administer)?;
        let seen = || self.seen_by(write.actor, true);
        self.once(write, &("end-delegations", from), seen, |seen, digest| {
            let known = self.states(seen, write.now)?;
            let counting = known.into_iter().filter(|known| {
                let Delegation { from: lender, asked, .. } = &known.delegation;
                *lender == *from && known.ended.is_none() && write.now < asked.expires
            });
            let (mut append, mut ended) = (Append::default(), Vec::new());
            for known in counting {
                if !write.actor.teams.cover(&known.delegation.teams) {
                    ended.push(known.shown_to(write.actor));
                    continue;
                }
                let (entry, expect) = self.ending(&known.delegation, EventActor::from(write.actor), write.now)?;
                append.entries.push(entry);
                append.expect.push(expect);
                ended.push(DelegationState { ended: Some(write.now), ..known });
            }
            if append.entries.is_empty() {
                return Ok(WriteAnswer { value: ended, version: 0, repeated: false, stream: None });
            }
            self.commit(write, digest, append, None, ended)
        })
    }

    /// The delegations that the actor lent or borrowed, including past ones. Administrators and auditors get all that
    /// reach into their teams.
    ///
    /// # Errors
    /// If the actor may not read, or the ledger cannot be read.
    pub fn delegations(&self, actor: &Actor, now: Timestamp) -> Result<Vec<DelegationState>, ServiceError> {
        actor.require(Right::Read)?;
        let all = actor.may(Right::Administer) || actor.may(Right::Audit);
        let known = self.states(self.seen_by(actor, all)?, now)?;
        Ok(known.into_iter().map(|known| known.shown_to(actor)).collect())
    }

    fn seen_by(&self, actor: &Actor, all: bool) -> Result<Vec<Delegation>, ServiceError> {
        let version = self.0.storage.version(DELEGATIONS)?;
        let known = self.grants(&self.0.delegations, DELEGATIONS, version)?;
        let sees = |known: &&Delegation| known.is_of(&actor.person.id) || all && known.teams.meet(&actor.teams);
        Ok(known.says.values().filter(sees).cloned().collect())
    }

    /// The states of delegations at this moment.
    fn states(&self, known: Vec<Delegation>, now: Timestamp) -> Result<Vec<DelegationState>, ServiceError> {
        let ids: Vec<&str> = known.iter().map(|known| known.id.as_str()).collect();
        let ends = self.ends::<Delegation>(ReadMode::Fresh, &ids)?;
        let state = |(delegation, end): (Delegation, Option<Timestamp>)| {
            let lost = self.tokens_lost(&delegation, &delegation.teams, now)?;
            let ended = [end, lost].into_iter().flatten().min().filter(|ended| *ended < delegation.asked.expires);
            Ok(DelegationState { delegation, ended })
        };
        known.into_iter().zip(ends).map(state).collect()
    }

    /// When the last API token of the lender in the role stopped being valid, if that ends the delegation.
    fn tokens_lost(
        &self,
        known: &Delegation,
        teams: &Teams,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, ServiceError> {
        if !known.ends_with_tokens {
            return Ok(None);
        }
        Ok(match self.0.credentials.tokens_held(&known.from, &known.asked.role, teams, known.granted, now)? {
            TokensHeld::Throughout => None,
            TokensHeld::Until(at) => Some(at),
            TokensHeld::None => Some(known.granted),
        })
    }

    /// Finds a delegation that lends the person a role for a deployment. Returns the versions that it depends on, and
    /// the lender's id as the delegation writes it.
    pub(super) fn lent(
        &self,
        from: &PersonId,
        to: &PersonId,
        role: &str,
        loaded: &LoadedDeployment,
        now: Timestamp,
    ) -> Result<Option<(ExpectedVersion, PersonId)>, ServiceError> {
        let version = self.0.storage.version(DELEGATIONS)?;
        let known = self.grants(&self.0.delegations, DELEGATIONS, version)?;
        let fits = known.says.values().filter(|known| {
            known.from == *from
                && known.asked.to == *to
                && known.asked.role == role
                && known.teams.include(&loaded.state.team)
                && (known.granted..known.asked.expires).contains(&now)
        });
        let team = Teams::Named([loaded.state.team.clone()].into());
        let fits: Vec<&Delegation> = fits.collect();
        let ids: Vec<&str> = fits.iter().map(|known| known.id.as_str()).collect();
        let ends = self.ends::<Delegation>(ReadMode::Fresh, &ids)?;
        for (delegation, end) in fits.into_iter().zip(ends) {
            if end.is_none() && self.tokens_lost(delegation, &team, now)?.is_none() {
                let stream = end_stream::<Delegation>(&delegation.id);
                return Ok(Some((ExpectedVersion { stream, version: 0 }, delegation.from.clone())));
            }
        }
        Ok(None)
    }
}

/// The error in a delegation for a team that the lender does not see.
fn not_in_team(actor: &Actor, new: &NewDelegation) -> Option<InputError> {
    let team = new.team.as_ref().filter(|team| !actor.teams.include(team))?;
    let message = format!("`{}` is not in team `{team}`: lend for one of your own teams", actor.person.id);
    Some(InputError::new("/team", message))
}
