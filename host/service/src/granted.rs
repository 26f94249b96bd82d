//! What is granted for a while and may be ended before its time: waivers and delegations.
//!
//! What is granted stands in one stream for each border (a team's waivers, everybody's waivers, the delegations), so that
//! it can be found. That one was ended stands in a stream of its own: a decision names the streams of those that it used
//! as not ended, and so it does not conflict with others that are granted or ended at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::Timestamp;
use lockgate_ledger::{EntryDraft, EntryQuery, ExpectedVersion};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::read::{AT_ONCE, FollowedStream, FollowedStreams, ReadMode, body, follow};
use super::{DeploymentService, RuleRefusal, ServiceError};
use crate::lifecycle::EventActor;

/// Something that is granted.
pub(super) trait Grant: Clone + Serialize + DeserializeOwned + Send + Sync {
    /// What it is called: the kind of the entry that grants it.
    const KIND: &'static str;

    /// Its id, which is unique.
    fn id(&self) -> &str;

    /// Its team, if it belongs to one.
    fn team(&self) -> Option<&str>;

    /// From when on it does not count by itself.
    fn expires(&self) -> Timestamp;
}

/// All that was granted in a stream, by id.
pub(super) type GrantsById<T> = BTreeMap<String, T>;

/// That something granted was ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GrantEnd {
    /// Who ended it.
    pub(super) by: EventActor,
}

/// The stream in which it stands that something granted was ended.
pub(super) fn end_stream<T: Grant>(id: &str) -> String {
    format!("{}/{id}", T::KIND)
}

impl DeploymentService {
    /// All that was granted in a stream, up to that version at least.
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

    /// The entry that grants it.
    pub(super) fn granting<T: Grant>(stream: &str, granted: &T, now: Timestamp) -> Result<EntryDraft, ServiceError> {
        of_its_team(EntryDraft::new(stream, T::KIND, now, granted)?, granted)
    }

    /// All that was ever granted of a kind, whatever the stream: for who sees all teams.
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

    /// When each of them was ended before its time, if it was; in their order.
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

    /// When it was ended, by a stream that says that it was.
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

    /// The entry that ends it now, if it is not over.
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

/// An entry about something granted, with its id and, if it belongs to one, its team.
fn of_its_team<T: Grant>(entry: EntryDraft, granted: &T) -> Result<EntryDraft, ServiceError> {
    let entry = entry.with_id(granted.id())?;
    Ok(match granted.team() {
        Some(team) => entry.of_team(team)?,
        None => entry,
    })
}
