//! Which deployment is meant, and which entries somebody sees: the one rule for what belongs to a team.
//!
//! The id of a deployment is unique within its team. People look for an id within their own teams, so another team's
//! deployment of the same id is not there for them: they do not see it, and they can use its id. Lists are read team by team
//! from an index of the ledger, so what they cost does not grow with what others wrote.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_domain::{TeamName, Teams};
use lockgate_ledger::{EntryQuery, Error, LogSource as _, Storage, StoredEntry, TeamView};
use serde::Serialize;

use super::read::{LoadedDeployment, ReadMode};
use super::{DeploymentService, ServiceError};
use crate::authority::Actor;

/// For how long it is known which teams have a deployment of an id, where a decision may rest on what was known lately.
const KNOWN_FOR: Duration = Duration::from_secs(1);
/// How many teams' deployments of one id are looked at.
const MOST_TEAMS: usize = 100;

/// A deployment, as somebody names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DeploymentRef<'a> {
    /// Its id.
    pub id: &'a str,
    /// The team that it belongs to. None: one of the teams of the person who names it.
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

/// Which teams have a deployment of an id, and since when that is known.
#[derive(Clone, Debug)]
pub(super) struct KnownTeams {
    teams: BTreeSet<TeamName>,
    looked: Instant,
}

/// A team as a step of the name of a stream, without `/`: no two teams share a stream, whatever they are called.
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

/// The teams that have a deployment of that id: at most so many of them.
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

    /// The teams that have a deployment of that id: for who sees all teams.
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

    /// What the actor sees of the entries that a query names, the newest first: at most as many as it asks for.
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
