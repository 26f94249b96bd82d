//! Reads entries: one, its history, and lists of them.

use std::sync::Arc;

use lockgate_domain::{PersonId, RegisterEntry, RegisterKind, Right, TeamName, Teams};
use lockgate_ledger::{Entry, EntryQuery, LogSource as _, StoredEntry, TeamView};
use serde::Serialize;

use super::streams::{entry_id, entry_kind, entry_stream, samples_stream};
use super::{EntryHead, RecordedEntry};
use crate::authority::Actor;
use crate::read::{AT_ONCE, body};
use crate::{DeploymentService, Page, PageRequest, ServiceError};

/// The most teams whose entries with one id are considered.
const MOST_TEAMS: usize = 100;
/// The most ledger entries that are read for one page.
const MOST_LOOKED_AT: usize = 2_000;

/// An entry, as an actor names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RegisterRef<'a> {
    pub register: RegisterKind,
    pub id: &'a str,
    /// The team that it belongs to. None: any of the actor's teams, or all teams.
    pub team: Option<&'a TeamName>,
    /// Only an entry that all teams share.
    pub shared: bool,
}

/// Selects entries of a register. An entry must meet all conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntriesFilter {
    /// Only entries of this team.
    pub team: Option<TeamName>,
    /// Only entries that all teams share.
    pub shared: bool,
    /// Only entries that concern this product.
    pub product: Option<String>,
    /// Only entries that concern this environment.
    pub environment: Option<String>,
    /// Only entries that this person or service attested.
    pub attester: Option<PersonId>,
}

impl EntriesFilter {
    fn has(&self, entry: &RecordedEntry) -> bool {
        let named = |wanted: &Option<String>, found: &[String]| {
            wanted.as_ref().is_none_or(|wanted| found.iter().any(|found| found == wanted))
        };
        self.team.as_ref().is_none_or(|team| entry.team.as_ref() == Some(team))
            && (!self.shared || entry.team.is_none())
            && named(&self.product, &entry.concerns.products)
            // Where an instance is, its value says.
            && (entry.register == RegisterKind::Instances || named(&self.environment, &entry.concerns.environments))
            && self.attester.as_ref().is_none_or(|attester| entry.by.person == *attester)
    }

    /// Whether an instance is in the environment.
    fn is_where(&self, entry: &RegisterEntry) -> bool {
        let found = || entry.value.as_ref()?.get("environment")?.as_str();
        entry.register != RegisterKind::Instances
            || self.environment.as_deref().is_none_or(|wanted| found() == Some(wanted))
    }
}

impl DeploymentService {
    /// An entry, as it is now.
    ///
    /// # Errors
    /// If the actor sees no such entry, or it was withdrawn.
    pub fn entry(&self, actor: &Actor, at: &RegisterRef<'_>) -> Result<RegisterEntry, ServiceError> {
        actor.require(Right::Read)?;
        let head = self.find_entry(actor, at)?;
        match head.entry.value {
            Some(_) => self.shown_entry(&head),
            None => Err(missing(at)),
        }
    }

    /// The newest version of an entry that the actor may see, withdrawn or not.
    pub(super) fn find_entry(&self, actor: &Actor, at: &RegisterRef<'_>) -> Result<Arc<EntryHead>, ServiceError> {
        let RegisterRef { register, id, team, shared } = *at;
        let teams: Vec<TeamName> = match (team, &actor.teams) {
            _ if shared => Vec::new(),
            (Some(team), teams) if teams.include(team) => vec![team.clone()],
            (Some(_), _) => return Err(missing(at)),
            (None, Teams::Named(teams)) => teams.iter().cloned().collect(),
            (None, Teams::All) => self.teams_with_entry(register, id)?,
        };
        let mut streams: Vec<String> = teams.iter().map(|team| entry_stream(Some(team), register, id)).collect();
        if team.is_none() {
            streams.insert(0, entry_stream(None, register, id));
        }
        let names: Vec<&str> = streams.iter().map(String::as_str).collect();
        let versions = self.0.storage.versions(&names)?;
        let mut heads = Vec::new();
        for (stream, version) in streams.iter().zip(versions) {
            heads.extend(self.head_at(stream, version)?);
        }
        // An entry that was withdrawn is found if there is no other.
        let present: Vec<&Arc<EntryHead>> = heads.iter().filter(|head| head.entry.value.is_some()).collect();
        let found = if present.is_empty() { heads.iter().collect() } else { present };
        match found.as_slice() {
            [] => Err(missing(at)),
            // A shared entry takes precedence.
            [first, ..] if first.entry.team.is_none() => Ok(Arc::clone(first)),
            [only] => Ok(Arc::clone(only)),
            several => Err(ServiceError::SeveralTeams {
                id: id.to_owned(),
                teams: several.iter().filter_map(|head| head.entry.team.clone()).collect(),
            }),
        }
    }

    /// The teams that have an entry with this id.
    fn teams_with_entry(&self, register: RegisterKind, id: &str) -> Result<Vec<TeamName>, ServiceError> {
        let (kind, id) = (Some(entry_kind(register, false)), Some(entry_id(register, id)));
        let query = EntryQuery { kind, id, newest_first: true, limit: AT_ONCE, ..EntryQuery::default() };
        let mut teams: Vec<TeamName> = Vec::new();
        for entry in self.0.storage.entries(&query)? {
            let Some(team) = entry.team.and_then(|team| team.parse().ok()) else { continue };
            if !teams.contains(&team) && teams.len() < MOST_TEAMS {
                teams.push(team);
            }
        }
        Ok(teams)
    }

    /// The versions of an entry, the newest first.
    ///
    /// # Errors
    /// If the actor sees no such entry, or the ledger cannot be read.
    pub fn entry_history(
        &self,
        actor: &Actor,
        at: &RegisterRef<'_>,
        page: PageRequest,
    ) -> Result<Page<RegisterEntry>, ServiceError> {
        actor.require(Right::Read)?;
        let head = self.find_entry(actor, at)?;
        let stream = entry_stream(head.entry.team.as_ref(), at.register, at.id);
        let limit = page.limit.clamp(1, AT_ONCE);
        let query = EntryQuery {
            stream: Some(stream),
            before: page.before,
            newest_first: true,
            limit,
            ..EntryQuery::default()
        };
        let (mut items, mut next) = (Vec::new(), None);
        for stored in self.0.storage.entries(&query)? {
            next = Some(stored.index);
            items.push(self.shown_entry(&head_of(&stored)?)?);
        }
        let is_last = items.len() < limit || items.last().is_some_and(|item: &RegisterEntry| item.version == 1);
        Ok(Page { items, next: next.filter(|_| !is_last) })
    }

    /// The entries of a register that the actor may see, the last attested first.
    ///
    /// # Errors
    /// If the actor may not read, or the ledger cannot be read.
    pub fn entries(
        &self,
        actor: &Actor,
        register: RegisterKind,
        filter: &EntriesFilter,
        page: PageRequest,
    ) -> Result<Page<RegisterEntry>, ServiceError> {
        actor.require(Right::Read)?;
        let (mut items, mut before, mut looked) = (Vec::new(), page.before, 0);
        loop {
            let query =
                EntryQuery { before, limit: page.limit.clamp(1, AT_ONCE), newest_first: true, ..EntryQuery::default() };
            let stored = self.entries_of_kinds(&actor.teams, register, filter.shared, &query)?;
            if stored.is_empty() {
                return Ok(Page { items, next: None });
            }
            for stored in stored {
                (before, looked) = (Some(stored.index), looked + 1);
                let head = head_of(&stored)?;
                let is_newest = head.entry.version == self.0.storage.version(&stored.stream)?;
                if is_newest && head.entry.value.is_some() && filter.has(&head.entry) {
                    items.extend(Some(self.shown_entry(&head)?).filter(|entry| filter.is_where(entry)));
                }
                if items.len() >= page.limit || looked >= MOST_LOOKED_AT {
                    return Ok(Page { items, next: before });
                }
            }
        }
    }

    /// The ledger's entries of a register that members of these teams may see, with those that all teams share.
    fn entries_of_kinds(
        &self,
        teams: &Teams,
        register: RegisterKind,
        shared: bool,
        query: &EntryQuery,
    ) -> Result<Vec<StoredEntry>, ServiceError> {
        let storage = &*self.0.storage;
        let of_kind = |shared| EntryQuery { kind: Some(entry_kind(register, shared)), ..query.clone() };
        let mut found = storage.entries(&of_kind(true))?;
        if !shared {
            found.extend(match teams {
                Teams::All => storage.entries(&of_kind(false))?,
                Teams::Named(teams) => TeamView::new(storage, teams).entries(&of_kind(false))?,
            });
        }
        found.sort_by_key(|entry| std::cmp::Reverse(entry.index));
        found.truncate(query.limit);
        Ok(found)
    }

    /// The entry as clients see it, with its value.
    fn shown_entry(&self, head: &EntryHead) -> Result<RegisterEntry, ServiceError> {
        let RecordedEntry { register, id, team, value: digest, .. } = &head.entry;
        let value = match digest {
            Some(digest) => self.shown_value(*register, *digest)?,
            None => None,
        };
        let mut value = value.map(Arc::unwrap_or_clone);
        if let Some(value) = value.as_mut().filter(|_| *register == RegisterKind::Kpis) {
            let stream = samples_stream(team.as_ref(), id);
            self.complete_kpi(value, &stream, self.0.storage.version(&stream)?)?;
        }
        Ok(head.entry.shown(head.recorded, value))
    }
}

fn missing(at: &RegisterRef<'_>) -> ServiceError {
    ServiceError::NotFound { what: "entry", id: format!("{}/{}", at.register, at.id) }
}

fn head_of(stored: &StoredEntry) -> Result<EntryHead, ServiceError> {
    let entry: Entry = stored.read().map_err(ServiceError::Damaged)?;
    Ok(EntryHead { entry: body(&entry)?, recorded: entry.at })
}
