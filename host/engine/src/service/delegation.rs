//! Delegation: somebody lends a role to somebody else, for a while.

use std::collections::BTreeMap;

use lockgate_domain::{PersonId, Timestamp};
use lockgate_ledger::{Append, Entry, Expect, NewEntry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exception::fresh_id;
use super::read::{Folded, Loaded, body};
use super::{Engine, EngineError, Mistake, Refused, Write, Written};
use crate::authority::{Actor, Right};

/// A delegation that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDelegation {
    /// To whom, by person id.
    pub to: PersonId,
    /// Which role.
    pub role: String,
    /// Until when.
    pub expires: Timestamp,
    /// Why.
    pub reason: String,
    /// For the deployments of one team only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

/// A delegation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delegation {
    /// Unique.
    pub id: String,
    /// Whose role it is, by person id.
    pub from: PersonId,
    /// What was asked for.
    #[serde(flatten)]
    pub asked: NewDelegation,
    /// Since when.
    pub granted: Timestamp,
    /// Since when it is ended before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// All delegations.
#[derive(Clone, Debug, Default)]
pub(super) struct Delegations(BTreeMap<String, Delegation>);

#[derive(Serialize, Deserialize)]
struct Ended {
    id: String,
    by: PersonId,
}

impl Folded for Delegations {
    const STREAM: &'static str = "delegations";

    fn take(&mut self, entry: Entry) -> Result<(), EngineError> {
        if entry.kind == "delegation-ended" {
            let Ended { id, .. } = body(&entry)?;
            if let Some(known) = self.0.get_mut(&id) {
                known.ended = Some(entry.at);
            }
        } else {
            let delegation: Delegation = body(&entry)?;
            self.0.insert(delegation.id.clone(), delegation);
        }
        Ok(())
    }
}

impl Delegation {
    /// Whether the person lent it or was lent it, under the id as it is written.
    fn is_of(&self, person: &PersonId) -> bool {
        self.from.is_written_like(person) || self.asked.to.is_written_like(person)
    }

    fn counts_at(&self, now: Timestamp) -> bool {
        self.ended.is_none() && self.granted <= now && now < self.asked.expires
    }
}

impl Engine {
    /// Lends a role of one's own to somebody else.
    ///
    /// # Errors
    /// If the actor does not hold the role, or it would be over before it begins.
    pub fn delegate(&self, write: &Write<'_>, new: &NewDelegation) -> Result<Written<Delegation>, EngineError> {
        let person = &write.actor.person;
        write.actor.require(Right::Approve)?;
        let mut mistakes = Vec::new();
        if new.expires <= write.now {
            mistakes.push(Mistake::new("/expires", "it would be over before it counts"));
        }
        if new.to == person.id {
            mistakes.push(Mistake::new("/to", "a role is lent to somebody else: say to whom"));
        }
        if new.reason.trim().is_empty() {
            mistakes.push(Mistake::new("/reason", "say why"));
        }
        if !mistakes.is_empty() {
            return Err(EngineError::Invalid(mistakes));
        }
        if !person.roles.contains(&new.role) {
            let (person, role) = (person.id.clone(), new.role.clone());
            return Err(Refused::RoleNotHeld { person, role, principal: None }.into());
        }
        self.once(write, &("delegate", new), |digest| {
            let delegation = Delegation {
                id: fresh_id("delegation")?,
                from: person.id.clone(),
                asked: new.clone(),
                granted: write.now,
                ended: None,
            };
            let entry = NewEntry::new(Delegations::STREAM, "delegation", write.now, &delegation)?;
            let entries = vec![entry.with_id(&delegation.id)?];
            self.commit(write, digest, Append { entries, ..Append::default() }, 0, delegation)
        })
    }

    /// Ends a delegation before its time: whoever lent the role, whoever was lent it, or an administrator.
    ///
    /// # Errors
    /// If there is none of that id for the actor, or it is over.
    pub fn end_delegation(&self, write: &Write<'_>, id: &str) -> Result<Written<Delegation>, EngineError> {
        self.once(write, &("end-delegation", id), |digest| {
            let (version, known) = self.0.delegations.get(&*self.0.storage)?;
            let me = &write.actor.person.id;
            let theirs = |known: &&Delegation| known.is_of(me) || write.actor.may(Right::Administer);
            let missing = || EngineError::NotFound { what: "delegation", id: id.to_owned() };
            let known = known.0.get(id).filter(theirs).ok_or_else(missing)?;
            if !known.counts_at(write.now) {
                return Err(Refused::Over { what: "delegation", id: id.to_owned() }.into());
            }
            let ended = Ended { id: id.to_owned(), by: me.clone() };
            let entry = NewEntry::new(Delegations::STREAM, "delegation-ended", write.now, &ended)?.with_id(id)?;
            let expect = vec![Expect { stream: Delegations::STREAM.to_owned(), version }];
            let append = Append { entries: vec![entry], expect, ..Append::default() };
            self.commit(write, digest, append, 0, Delegation { ended: Some(write.now), ..known.clone() })
        })
    }

    /// The delegations that the actor lent, was lent, or looks after.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn delegations(&self, actor: &Actor) -> Result<Vec<Delegation>, EngineError> {
        let (_, known) = self.0.delegations.get(&*self.0.storage)?;
        let me = &actor.person.id;
        let all = actor.may(Right::Administer) || actor.may(Right::Audit);
        let seen = known.0.values().filter(|known| all || known.is_of(me));
        Ok(seen.cloned().collect())
    }

    pub(super) fn has_delegated(
        &self,
        from: &PersonId,
        to: &PersonId,
        role: &str,
        loaded: &Loaded,
        now: Timestamp,
    ) -> Result<bool, EngineError> {
        let (_, known) = self.0.delegations.get(&*self.0.storage)?;
        Ok(known.0.values().any(|known| {
            known.counts_at(now)
                && known.from == *from
                && known.asked.to == *to
                && known.asked.role == role
                && known.asked.team.as_ref().is_none_or(|team| *team == loaded.state.team)
        }))
    }
}
