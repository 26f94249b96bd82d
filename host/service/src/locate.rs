//! Finds the deployment that an actor means, and the entries that an actor may see: the one rule for what belongs to a
//! team.
//!
//! The id of a deployment is unique within its team. An actor looks for an id within their own teams, so another team's
//! deployment with the same id does not exist for them: they do not see it, and they can use its id. Lists are read
//! team by team from an index of the ledger, so their cost does not grow with the entries of other teams.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_domain::{TeamName, Teams};
use lockgate_ledger::{EntryQuery, Error, LogSource as _, Storage, StoredEntry, TeamView};
use serde::Serialize;

use super::read::{LoadedDeployment, ReadMode};
use super::{DeploymentService, ServiceError};
use crate::authority::Actor;

/// How long a lookup of the teams with an id may be reused, for reads that may be slightly out of date.
const KNOWN_FOR: Duration = Duration::from_secs(1);
/// The most teams whose deployments with one id are considered.
const MOST_TEAMS: usize = 100;

/// A deployment, as an actor names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DeploymentRef<'a> {
    pub id: &'a str,
    /// The team that owns it. None: one of the actor's teams.
    pub team: Option<&'a TeamName>,
}

impl<'a> From<&'a str> for DeploymentRef<'a> {
    fn from(id: &'a str) -> Self {
        Self { id, team: None }
    }
}

impl<'a> From<&'a String> for DeploymentRef<'a> {
    fn from(id: &'a String) -> Self {
        Self { id, team: None }
    }
}

/// The teams that have a deployment with an id, and the time of that lookup.
#[derive(Clone, Debug)]
pub(super) struct KnownTeams {
    teams: BTreeSet<TeamName>,
    looked: Instant,
}

/// A team as a part of a stream name, without `/`: no two teams share a stream, whatever their names are.
pub(super) fn team_step(team: &str) -> String {
    team.replace('%', "%25").replace('/', "%2F")
}

/// The stream of a deployment.
pub(super) fn deployment_stream(team: &str, id: &str) -> String {
    format!("deployment/{}/{id}", team_step(team))
}

/// The stream of the decisions about a deployment.
pub(crate) fn decision_stream(team: &str, id: &str) -> String {
    format!("decisions/{}/{id}", team_step(team))
}

/// The teams that have a deployment with this id, at most `most` of them.
pub(crate) fn teams_with(storage: &dyn Storage, id: &str, most: usize) -> Result<BTreeSet<TeamName>, Error> {
    let (kind, id) = (Some("requested".to_owned()), Some(id.to_owned()));
    let requested = EntryQuery { kind, id, limit: most, ..EntryQuery::default() };
    Ok(storage.entries(&requested)?.into_iter().filter_map(|entry| entry.team?.parse().ok()).collect())
}

impl DeploymentService {
    /// The deployment, if the actor may see it.
    pub(super) fn load(&self, actor: &Actor, at: DeploymentRef<'_>) -> Result<Arc<LoadedDeployment>, ServiceError> {
        self.load_as_of(ReadMode::Fresh, actor, at)
    }

    pub(super) fn load_as_of(
        &self,
        as_of: ReadMode,
        actor: &Actor,
        at: DeploymentRef<'_>,
    ) -> Result<Arc<LoadedDeployment>, ServiceError> {
        let DeploymentRef { id, team } = at;
        let teams = match (team, &actor.teams) {
            (Some(team), teams) if teams.include(team) => BTreeSet::from([team.clone()]),
            (Some(_), _) => BTreeSet::new(),
            (None, Teams::Named(teams)) => teams.clone(),
            (None, Teams::All) => self.teams_with(as_of, id)?,
        };
        let streams: Vec<String> = teams.iter().map(|team| deployment_stream(team, id)).collect();
        let names: Vec<&str> = streams.iter().map(String::as_str).collect();
        let versions = if names.is_empty() { Vec::new() } else { as_of.versions(&*self.0.storage, &names)? };
        let mut found = streams.iter().zip(&teams).zip(versions).filter(|(_, version)| *version > 0);
        let missing = || ServiceError::NotFound { what: "deployment", id: id.to_owned() };
        let ((stream, first), version) = found.next().ok_or_else(missing)?;
        let others: Vec<TeamName> = found.map(|((_, team), _)| team.clone()).collect();
        if !others.is_empty() {
            let teams = [first.clone()].into_iter().chain(others).collect();
            return Err(ServiceError::SeveralTeams { id: id.to_owned(), teams });
        }
        self.read_deployment(stream, id, version)
    }

    /// The teams that have a deployment with this id, for an actor who sees all teams.
    fn teams_with(&self, as_of: ReadMode, id: &str) -> Result<BTreeSet<TeamName>, ServiceError> {
        let known = self.0.teams.get(id).filter(|_| as_of == ReadMode::Stale);
        if let Some(known) = known.filter(|known| known.looked.elapsed() < KNOWN_FOR) {
            return Ok(known.teams);
        }
        let looked = Instant::now();
        let teams = teams_with(&*self.0.storage, id, MOST_TEAMS)?;
        if !teams.is_empty() {
            self.0.teams.insert(id.to_owned(), KnownTeams { teams: teams.clone(), looked });
        }
        Ok(teams)
    }

    /// The visible entries of a query, newest first, at most as many as it asks for.
    pub(super) fn visible(&self, teams: &Teams, query: &EntryQuery) -> Result<Vec<StoredEntry>, ServiceError> {
        let newest = EntryQuery { newest_first: true, ..query.clone() };
        let Teams::Named(teams) = teams else { return Ok(self.0.storage.entries(&newest)?) };
        if query.stream.is_some() {
            // The stream was found by its team.
            let mut found = self.0.storage.entries(&newest)?;
            found.retain(|entry| entry.team.as_ref().is_some_and(|team| teams.contains(team.as_str())));
            return Ok(found);
        }
        Ok(TeamView::new(&*self.0.storage, teams).entries(&newest)?)
    }
}
