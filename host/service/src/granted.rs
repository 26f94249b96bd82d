//! Grants that last for a while and may end early: waivers and delegations.
//!
//! Each group of grants has one stream (a team's waivers, the waivers for everybody, the delegations), so that its
//! grants can be found. The early end of a grant is written to a stream of its own: a decision names the end streams of
//! the grants that it used, at version 0, and so it does not conflict with other grants that are made or ended at the
//! same time.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::Timestamp;
use lockgate_ledger::{EntryDraft, EntryQuery, ExpectedVersion};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::read::{AT_ONCE, FollowedStream, FollowedStreams, ReadMode, body, follow};
use super::{DeploymentService, RuleRefusal, ServiceError};
use crate::lifecycle::EventActor;

/// A grant that is recorded in the ledger.
pub(super) trait Grant: Clone + Serialize + DeserializeOwned + Send + Sync {
    /// The kind of the entry that makes the grant, and the word for it.
    const KIND: &'static str;

    /// Its id, which is unique.
    fn id(&self) -> &str;

    /// The team that owns it, if a team does.
    fn team(&self) -> Option<&str>;

    /// When the grant expires by itself.
    fn expires(&self) -> Timestamp;
}

/// All grants of a stream, by id.
pub(super) type GrantsById<T> = BTreeMap<String, T>;

/// The early end of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GrantEnd {
    /// The actor who ended it.
    pub(super) by: EventActor,
}

/// The stream that records the early end of a grant.
pub(super) fn end_stream<T: Grant>(id: &str) -> String {
    format!("{}/{id}", T::KIND)
}

impl DeploymentService {
    /// All grants of a stream, up to at least this version.
    pub(super) fn grants<T: Grant>(
        &self,
        known: &FollowedStreams<GrantsById<T>>,
        stream: &str,
        version: u64,
    ) -> Result<Arc<FollowedStream<GrantsById<T>>>, ServiceError> {
        follow(&*self.0.storage, known, stream, version, |grants, entry| {
            let granted: T = body(&entry)?;
            grants.insert(granted.id().to_owned(), granted);
            Ok(())
        })
    }

    /// The entry that makes the grant.
    pub(super) fn granting<T: Grant>(stream: &str, granted: &T, now: Timestamp) -> Result<EntryDraft, ServiceError> {
        of_its_team(EntryDraft::new(stream, T::KIND, now, granted)?, granted)
    }

    /// All grants of a kind in all streams, for an actor who sees all teams.
    pub(super) fn every_grant<T: Grant>(&self) -> Result<Vec<T>, ServiceError> {
        let (mut all, mut from) = (Vec::new(), 0);
        loop {
            let query = EntryQuery { kind: Some(T::KIND.to_owned()), from, limit: AT_ONCE, ..EntryQuery::default() };
            let entries = self.0.storage.entries(&query)?;
            let count = entries.len();
            for stored in entries {
                from = stored.index + 1;
                all.push(body(&stored.read().map_err(ServiceError::Damaged)?)?);
            }
            if count < AT_ONCE {
                return Ok(all);
            }
        }
    }

    /// When each of these grants ended early, in the same order. None for a grant that did not.
    pub(super) fn ends<T: Grant>(&self, as_of: ReadMode, ids: &[&str]) -> Result<Vec<Option<Timestamp>>, ServiceError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let streams: Vec<String> = ids.iter().map(|id| end_stream::<T>(id)).collect();
        let names: Vec<&str> = streams.iter().map(String::as_str).collect();
        let versions = as_of.versions(&*self.0.storage, &names)?;
        let end = |(stream, version): (&String, u64)| match version {
            0 => Ok(None),
            _ => self.end(stream).map(Some),
        };
        streams.iter().zip(versions).map(end).collect()
    }

    /// When the grant ended, according to its end stream.
    fn end(&self, stream: &str) -> Result<Timestamp, ServiceError> {
        if let Some(at) = self.0.ends.get(stream) {
            return Ok(at);
        }
        let query = EntryQuery { stream: Some(stream.to_owned()), limit: 1, ..EntryQuery::default() };
        let missing = || ServiceError::Damaged(format!("`{stream}` has a version and no entry"));
        let at = self.0.storage.entries(&query)?.first().ok_or_else(missing)?.read().map_err(ServiceError::Damaged)?.at;
        self.0.ends.insert(stream.to_owned(), at);
        Ok(at)
    }

    /// The entry that ends the grant now, if it is not over.
    pub(super) fn ending<T: Grant>(
        &self,
        granted: &T,
        by: EventActor,
        now: Timestamp,
    ) -> Result<(EntryDraft, ExpectedVersion), ServiceError> {
        let id = granted.id();
        let ended = self.ends::<T>(ReadMode::Fresh, &[id])?.into_iter().flatten().next();
        if ended.is_some() || granted.expires() <= now {
            return Err(RuleRefusal::Over { what: T::KIND, id: id.to_owned() }.into());
        }
        let stream = end_stream::<T>(id);
        let entry = EntryDraft::new(&stream, &format!("{}-ended", T::KIND), now, &GrantEnd { by })?;
        Ok((of_its_team(entry, granted)?, ExpectedVersion { stream, version: 0 }))
    }
}

/// An entry about a grant, with the grant's id and its team, if it has one.
fn of_its_team<T: Grant>(entry: EntryDraft, granted: &T) -> Result<EntryDraft, ServiceError> {
    let entry = entry.with_id(granted.id())?;
    Ok(match granted.team() {
        Some(team) => entry.of_team(team)?,
        None => entry,
    })
}
