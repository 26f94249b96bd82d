//! Stops of the line: somebody stops deployments for a while, in the whole organization or a part of it.
//!
//! All stops stand in one stream. Each decision and each step of a rollout reads its version and expects it, so a stop holds on
//! every server from the moment in which it is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::rules::{Rule, stopped};
use lockgate_domain::{
    Deployment, Gate, Override, Right, Snapshot, Stop, StopScope, TeamName, Teams, Timestamp, Wait, fields,
};
use lockgate_engine::LoadedModel;
use lockgate_ledger::{Append, Entry, EntryDraft, ExpectedVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::overrides::override_taken;
use super::read::{FollowedStream, LoadedDeployment, body, follow};
use super::waiver::fresh_id;
use super::{DeploymentService, InputError, RuleRefusal, ServiceError, WriteAnswer, WriteContext};
use crate::authority::{Actor, Forbidden};
use crate::lifecycle::{DeploymentEvent, EventActor};

/// The stream of all stops.
pub(super) const STOPS: &str = "stops";
/// The kind of the entries that stop the line.
pub(super) const STOPPED: &str = "line-stopped";
/// The kind of the entries that lift a stop before its time.
const LIFTED: &str = "stop-lifted";
/// The kind of the entries that say that a stop has ended by itself.
pub(super) const EXPIRED: &str = "stop-expired";

/// A stop of the line to place. The person who places it answers for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStop {
    /// The reason for the stop.
    #[serde(deserialize_with = "fields::text")]
    pub reason: String,
    /// The deployments that it holds up. Without any member, or if absent, it is for everything. `team` may be absent if you are
    /// in one team only; then it is yours. Only somebody who sees all teams can stop more than one.
    #[serde(default)]
    pub scope: StopScope,
    /// From when on the line runs again by itself (RFC 3339).
    pub until: Timestamp,
}

/// The early end of a stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StopLift {
    /// The person who lifted the stop, and the credential.
    pub by: EventActor,
    /// When it was lifted (RFC 3339); the server sets it.
    pub at: Timestamp,
}

/// A stop of the line, and its present state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StopState {
    /// The stop as it was placed.
    #[serde(flatten)]
    pub stop: Stop,
    /// The person who placed it, and the credential.
    pub actor: EventActor,
    /// The early end of the stop. Absent if nobody lifted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<StopLift>,
    /// Whether it holds deployments up now.
    #[serde(default)]
    pub holds: bool,
}

/// The body of the entry that ends a stop.
#[derive(Serialize, Deserialize)]
struct StopEnd {
    id: String,
    by: EventActor,
}

/// All stops of the line, by id.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownStops {
    stops: BTreeMap<String, KnownStop>,
}

#[derive(Clone, Debug)]
pub(super) struct KnownStop {
    pub(super) stop: Stop,
    actor: EventActor,
    lifted: Option<StopLift>,
    /// Whether it was recorded that the stop has ended by itself.
    expired: bool,
}

/// The body of the entry that stops the line.
#[derive(Serialize, Deserialize)]
pub(super) struct PlacedStop {
    pub(super) stop: Stop,
    pub(super) by: EventActor,
}

impl KnownStop {
    fn holds_at(&self, now: Timestamp) -> bool {
        self.lifted.is_none() && self.stop.holds_at(now)
    }

    fn state(&self, now: Timestamp) -> StopState {
        let Self { stop, actor, lifted, .. } = self.clone();
        StopState { holds: self.holds_at(now), stop, actor, lifted }
    }
}

impl KnownStops {
    /// The stops in whose scope the deployment of a team is, and which are not over.
    pub(super) fn holding_up(&self, team: &TeamName, deployment: &Deployment, now: Timestamp) -> Vec<Stop> {
        let in_scope = |known: &&KnownStop| known.holds_at(now) && known.stop.scope.includes(team, deployment);
        self.stops.values().filter(in_scope).map(|known| known.stop.clone()).collect()
    }

    /// The stops whose end was not recorded.
    pub(super) fn open(&self) -> impl Iterator<Item = &KnownStop> {
        self.stops.values().filter(|known| known.lifted.is_none() && !known.expired)
    }

    fn take(&mut self, entry: &Entry) -> Result<(), ServiceError> {
        if entry.kind == STOPPED {
            let PlacedStop { stop, by } = body(entry)?;
            self.stops.insert(stop.id.clone(), KnownStop { stop, actor: by, lifted: None, expired: false });
            return Ok(());
        }
        let StopEnd { id, by } = body(entry)?;
        if let Some(known) = self.stops.get_mut(&id) {
            match entry.kind == LIFTED {
                true => known.lifted = Some(StopLift { by, at: entry.at }),
                false => known.expired = true,
            }
        }
        Ok(())
    }
}

/// The entry that ends a stop.
pub(super) fn end_of_stop(stop: &Stop, kind: &str, by: EventActor, now: Timestamp) -> Result<EntryDraft, ServiceError> {
    about(stop, EntryDraft::new(STOPS, kind, now, &StopEnd { id: stop.id.clone(), by })?)
}

/// An entry about a stop, with its id and its team, if it has one.
fn about(stop: &Stop, entry: EntryDraft) -> Result<EntryDraft, ServiceError> {
    let entry = entry.with_id(&stop.id)?;
    Ok(match &stop.scope.team {
        Some(team) => entry.of_team(team)?,
        None => entry,
    })
}

impl DeploymentService {
    /// All stops, up to at least this version of their stream.
    pub(super) fn stops_at(&self, version: u64) -> Result<Arc<FollowedStream<KnownStops>>, ServiceError> {
        follow(&*self.0.storage, &self.0.stops, STOPS, version, |stops, entry| stops.take(&entry))
    }

    /// Checks that the actor may stop the line: in a role that the configuration names.
    fn may_stop(&self, actor: &Actor) -> Result<(), Forbidden> {
        actor.require(Right::Stop)?;
        if actor.person.roles.iter().any(|role| self.0.stop_roles.contains(role)) {
            return Ok(());
        }
        let (person, roles) = (actor.person.id.clone(), self.0.stop_roles.iter().cloned().collect());
        Err(Forbidden::StopLine { person, roles })
    }

    /// Stops the line.
    ///
    /// # Errors
    /// If the actor may not stop it there, says no reason, or the stop would end before it begins.
    pub fn stop(&self, write: &WriteContext<'_>, new: &NewStop) -> Result<WriteAnswer<StopState>, ServiceError> {
        self.may_stop(write.actor)?;
        let permit = || team_of_stop(write.actor, &new.scope);
        let id = fresh_id("stop")?;
        self.once(write, &("stop", new), permit, |team, digest| {
            let mut mistakes = Vec::new();
            if new.reason.trim().is_empty() {
                mistakes.push(InputError::new("/reason", "say why the line is stopped"));
            }
            if new.until <= write.now {
                let message = format!("the stop would end ({}) before it begins ({})", new.until, write.now);
                mistakes.push(InputError::new("/until", message));
            }
            if !mistakes.is_empty() {
                return Err(ServiceError::Invalid(mistakes));
            }
            let stop = Stop {
                id: id.clone(),
                by: write.actor.person.id.clone(),
                reason: new.reason.clone(),
                scope: StopScope { team, ..new.scope.clone() },
                placed: write.now,
                until: new.until,
            };
            let by = EventActor::from(write.actor);
            let placed = PlacedStop { stop, by };
            let entry = about(&placed.stop, EntryDraft::new(STOPS, STOPPED, write.now, &placed)?)?;
            let PlacedStop { stop, by } = placed;
            let value = StopState { stop, actor: by, lifted: None, holds: true };
            self.commit(write, digest, Append { entries: vec![entry], ..Append::default() }, None, value)
        })
    }

    /// Lifts a stop before its time. Only an actor who sees all teams can lift one for all teams.
    ///
    /// # Errors
    /// If the actor may not stop the line, sees no stop with this id, or it is over.
    pub fn lift_stop(&self, write: &WriteContext<'_>, id: &str) -> Result<WriteAnswer<StopState>, ServiceError> {
        self.may_stop(write.actor)?;
        let permit = || {
            let known = self.stops_at(self.0.storage.version(STOPS)?)?;
            let missing = || ServiceError::NotFound { what: "stop", id: id.to_owned() };
            let found = known.says.stops.get(id).filter(|known| is_seen(&write.actor.teams, &known.stop));
            let found = found.ok_or_else(missing)?.clone();
            if found.stop.scope.team.is_none() && write.actor.teams != Teams::All {
                return Err(RuleRefusal::OfAllTeams { what: "stop", id: id.to_owned() }.into());
            }
            Ok((known.version, found))
        };
        self.once(write, &("lift-stop", id), permit, |(version, known), digest| {
            if !known.holds_at(write.now) {
                return Err(RuleRefusal::Over { what: "stop", id: id.to_owned() }.into());
            }
            let by = EventActor::from(write.actor);
            let entry = end_of_stop(&known.stop, LIFTED, by.clone(), write.now)?;
            let expect = vec![ExpectedVersion { stream: STOPS.to_owned(), version }];
            let append = Append { entries: vec![entry], expect, ..Append::default() };
            let lifted = Some(StopLift { by, at: write.now });
            let value = KnownStop { lifted, ..known }.state(write.now);
            self.commit(write, digest, append, None, value)
        })
    }

    /// The stops that concern the actor's teams, the newest first, including past ones.
    ///
    /// # Errors
    /// If the actor may not read, or the ledger cannot be read.
    pub fn stops(&self, actor: &Actor, now: Timestamp) -> Result<Vec<StopState>, ServiceError> {
        actor.require(Right::Read)?;
        let known = self.stops_at(self.0.storage.version(STOPS)?)?;
        let seen = known.says.stops.values().filter(|known| is_seen(&actor.teams, &known.stop));
        let mut stops: Vec<StopState> = seen.map(|known| known.state(now)).collect();
        stops.sort_by(|one, other| (other.stop.placed, &other.stop.id).cmp(&(one.stop.placed, &one.stop.id)));
        Ok(stops)
    }
}

/// Whether somebody in these teams sees a stop: one of theirs, or one for all teams.
pub(super) fn is_seen(teams: &Teams, stop: &Stop) -> bool {
    stop.scope.team.as_ref().is_none_or(|team| teams.include(team))
}

/// The team of a stop: the one that its scope names, or the actor's only team.
fn team_of_stop(actor: &Actor, scope: &StopScope) -> Result<Option<TeamName>, ServiceError> {
    let wrong = |message: String| Err(ServiceError::Invalid(vec![InputError::new("/scope/team", message)]));
    match scope.team.as_ref().or_else(|| actor.teams.only()) {
        Some(team) if actor.teams.include(team) => Ok(Some(team.clone())),
        Some(team) => wrong(format!("`{}` is not in team `{team}`: name one of theirs", actor.person.id)),
        None if actor.teams == Teams::All => Ok(None),
        None => wrong("say for which of your teams the stop is".to_owned()),
    }
}

/// Why a rollout waits at the snapshot's time, although its strategy would go on: the line is stopped, and the model has no open
/// hotfix lane for the deployment.
pub(super) fn wait_for_stop(model: &LoadedModel, snapshot: &Snapshot) -> Option<Wait> {
    if model.model().passes_stops(&snapshot.deployment) {
        return None;
    }
    let breach = stopped(snapshot).into_iter().next()?;
    let holding = snapshot.deployment.stops.iter().filter(|stop| stop.holds_at(snapshot.now));
    let reason = lockgate_domain::Reason::new(breach.code, breach.message);
    Some(Wait { until: holding.map(|stop| stop.until).max(), role: None, reason })
}

/// The overrides that a deployment takes when it goes on under stops by the open hotfix lane of its model: one for each stop,
/// once, so that each is reviewed afterwards.
pub(super) fn passed_stops(
    loaded: &LoadedDeployment,
    model: &LoadedModel,
    snapshot: &Snapshot,
    (gate, actor): (Gate, &Actor),
) -> Result<Vec<DeploymentEvent>, ServiceError> {
    if !model.model().passes_stops(&snapshot.deployment) {
        return Ok(Vec::new());
    }
    let is_new = |stop: &&Stop| !loaded.state.overrides.iter().any(|known| known.taken.stop.as_ref() == Some(&stop.id));
    let holding = snapshot.deployment.stops.iter().filter(|stop| stop.holds_at(snapshot.now));
    let taken = holding.filter(is_new).map(|stop| {
        let reason = format!(
            "the hotfix lane of the model `{}` is open for emergency changes, and the line was stopped for {}: {}",
            model.model().id,
            stop.scope.in_words(),
            stop.reason
        );
        let taken = Override {
            id: fresh_id("override")?,
            gate,
            binding: Rule::LineStopped.code().to_owned(),
            subject: snapshot.subject,
            by: actor.person.id.clone(),
            reason,
            at: snapshot.now,
            confirmed_by: None,
            stop: Some(stop.id.clone()),
        };
        Ok(override_taken(taken, model.model().override_reviews))
    });
    taken.collect()
}
