//! What is granted for a while and may be ended before its time: waivers and delegations.
//!
//! What is granted stands in one stream for each border (a team's waivers, everybody's waivers, the delegations), so that
//! it can be found. That one was ended stands in a stream of its own: a decision names the streams of those that it used
//! as not ended, and so it does not conflict with others that are granted or ended at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::Timestamp;
use lockgate_ledger::{Entry, Expect, NewEntry, Query};
use quick_cache::sync::Cache;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::read::{AT_ONCE, AsOf, body, fold};
use super::{Engine, EngineError, Refused};
use crate::lifecycle::By;

/// Something that is granted.
pub(super) trait Granted: Clone + DeserializeOwned + Send + Sync {
    /// What it is called: the kind of the entry that grants it.
    const KIND: &'static str;

    /// Its id, which is unique.
    fn id(&self) -> &str;

    /// Its team, if it belongs to one.
    fn team(&self) -> Option<&str>;

    /// From when on it does not count by itself.
    fn expires(&self) -> Timestamp;
}

/// All that was granted in a stream.
#[derive(Clone, Debug)]
pub(super) struct Grants<T> {
    /// The version of the stream.
    pub(super) version: u64,
    next: u64,
    /// By id.
    pub(super) all: BTreeMap<String, T>,
}

impl<T> Default for Grants<T> {
    fn default() -> Self {
        Self { version: 0, next: 0, all: BTreeMap::new() }
    }
}

/// What was granted, by stream.
pub(super) type GrantCache<T> = Cache<String, Arc<Grants<T>>>;

/// That something granted was ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    /// Who ended it.
    pub(super) by: By,
}

/// The stream in which it stands that something granted was ended.
pub(super) fn end_stream<T: Granted>(id: &str) -> String {
    format!("{}/{id}", T::KIND)
}

impl Engine {
    /// All that was granted in a stream, up to that version at least.
    pub(super) fn grants<T: Granted>(
        &self,
        cache: &GrantCache<T>,
        stream: &str,
        version: u64,
    ) -> Result<Arc<Grants<T>>, EngineError> {
        let known = cache.get(stream).unwrap_or_default();
        if known.version == version {
            return Ok(known);
        }
        let mut grants = Grants::clone(&known);
        let take = |entry: Entry| {
            let granted: T = body(&entry)?;
            grants.all.insert(granted.id().to_owned(), granted);
            Ok(())
        };
        let (seen, next) = fold(&*self.0.storage, stream, grants.next, take)?;
        (grants.version, grants.next) = (seen.unwrap_or(known.version), next);
        let grants = Arc::new(grants);
        cache.insert(stream.to_owned(), grants.clone());
        Ok(grants)
    }

    /// All that was ever granted of a kind, whatever the stream: for who sees all teams.
    pub(super) fn every_grant<T: Granted>(&self) -> Result<Vec<T>, EngineError> {
        let (mut all, mut from) = (Vec::new(), 0);
        loop {
            let query = Query { kind: Some(T::KIND.to_owned()), from, limit: AT_ONCE, ..Query::default() };
            let entries = self.0.storage.entries(&query)?;
            let count = entries.len();
            for stored in entries {
                from = stored.index + 1;
                all.push(body(&stored.read().map_err(EngineError::Damaged)?)?);
            }
            if count < AT_ONCE {
                return Ok(all);
            }
        }
    }

    /// When each of them was ended before its time, if it was; in their order.
    pub(super) fn ends<T: Granted>(&self, as_of: AsOf, ids: &[&str]) -> Result<Vec<Option<Timestamp>>, EngineError> {
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
    fn end(&self, stream: &str) -> Result<Timestamp, EngineError> {
        if let Some(at) = self.0.ends.get(stream) {
            return Ok(at);
        }
        let query = Query { stream: Some(stream.to_owned()), limit: 1, ..Query::default() };
        let missing = || EngineError::Damaged(format!("`{stream}` has a version and no entry"));
        let at = self.0.storage.entries(&query)?.first().ok_or_else(missing)?.at;
        self.0.ends.insert(stream.to_owned(), at);
        Ok(at)
    }

    /// The entry that ends it now, if it is not over.
    pub(super) fn ending<T: Granted>(
        &self,
        granted: &T,
        by: By,
        now: Timestamp,
    ) -> Result<(NewEntry, Expect), EngineError> {
        let id = granted.id();
        let ended = self.ends::<T>(AsOf::Now, &[id])?.into_iter().flatten().next();
        if ended.is_some() || granted.expires() <= now {
            return Err(Refused::Over { what: T::KIND, id: id.to_owned() }.into());
        }
        let stream = end_stream::<T>(id);
        let mut entry = NewEntry::new(&stream, &format!("{}-ended", T::KIND), now, &Ended { by })?.with_id(id)?;
        if let Some(team) = granted.team() {
            entry = entry.of_team(team)?;
        }
        Ok((entry, Expect { stream, version: 0 }))
    }
}
