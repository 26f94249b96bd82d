//! Reads deployments from their events, and lists of them in pages.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use lockgate_domain::join::join;
use lockgate_domain::{Deployment, Digest, Right, Teams, Timestamp};
use lockgate_ledger::{ContentState, Entry, EntryQuery, ExpectedVersion, LEDGER_STREAM, Storage};
use quick_cache::sync::Cache;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::locate::deployment_stream;
use super::registers::{LedgerRegisters, is_observed};
use super::write::RecordedEvent;
use super::{DeploymentRef, DeploymentService, DeploymentSummary, IfMatch, ServiceError, WriteContext};
use crate::authority::Actor;
use crate::lifecycle::{DeploymentEvent, DeploymentState, EventActor};

/// How many entries are read at once.
pub(super) const AT_ONCE: usize = 1000;
/// The most entries that are read for one page.
const MOST_LOOKED_AT: usize = 1000;

/// A deployment, as its events and its document describe it.
#[derive(Clone, Debug)]
pub(super) struct LoadedDeployment {
    pub(super) id: String,
    pub(super) stream: String,
    pub(super) state: DeploymentState,
    /// The document that the state names.
    pub(super) document: Arc<Deployment>,
    /// The index in the log from which on further entries may follow.
    pub(super) next: u64,
    /// Whether the ledger has all events of the state. What is computed from a state that is not written may not be cached: the write
    /// can still be refused, and another one then gets the same version.
    pub(super) is_written: bool,
}

impl LoadedDeployment {
    /// A deployment whose request is not written yet.
    pub(super) fn first(id: &str, state: DeploymentState, document: Arc<Deployment>) -> Self {
        let stream = deployment_stream(&state.team, id);
        Self { id: id.to_owned(), stream, state, document, next: 0, is_written: false }
    }

    /// The deployment after events that are not written yet.
    pub(super) fn after<'a>(
        &self,
        events: impl IntoIterator<Item = &'a DeploymentEvent>,
        by: &EventActor,
        at: Timestamp,
    ) -> Self {
        let mut after = Self { is_written: false, ..self.clone() };
        for event in events {
            after.state.apply(event, by, at);
        }
        after
    }

    /// Checks that the deployment has the version that the write depends on.
    pub(super) fn matches(&self, write: &WriteContext<'_>) -> Result<(), ServiceError> {
        match write.if_match {
            Some(IfMatch::Version(expected)) if expected != self.state.version => {
                let (what, id, actual) = ("deployment", self.id.clone(), self.state.version);
                Err(ServiceError::VersionDiffers { what, id, expected, actual })
            }
            _ => Ok(()),
        }
    }
}

/// Reads the entries of a stream in order, from an index in the log on: those after a version, with none missing.
/// Returns the version of the last one, if there was one, and the index after it.
pub(super) fn fold(
    storage: &dyn Storage,
    stream: &str,
    from: u64,
    after: u64,
    mut take: impl FnMut(Entry) -> Result<(), ServiceError>,
) -> Result<(Option<u64>, u64), ServiceError> {
    let (mut version, mut next) = (None, from);
    let mut expected = after + 1;
    loop {
        let query = EntryQuery { stream: Some(stream.to_owned()), from: next, limit: AT_ONCE, ..EntryQuery::default() };
        let entries = storage.entries(&query)?;
        let count = entries.len();
        for stored in entries {
            let entry = stored.read().map_err(ServiceError::Damaged)?;
            if entry.sequence != expected {
                return Err(ServiceError::Damaged(format!(
                    "the stream `{stream}` has no entry {expected}: the next one that is there is its entry {}",
                    entry.sequence
                )));
            }
            (version, next, expected) = (Some(entry.sequence), entry.index + 1, expected + 1);
            take(entry)?;
        }
        if count < AT_ONCE {
            return Ok((version, next));
        }
    }
}

/// The content of a stream, up to a version.
#[derive(Clone, Debug, Default)]
pub(super) struct FollowedStream<T> {
    pub(super) version: u64,
    /// The index in the log after its last entry.
    next: u64,
    /// The value that the entries add up to.
    pub(super) says: T,
}

/// The content of streams, by name.
pub(super) type FollowedStreams<T> = Cache<String, Arc<FollowedStream<T>>>;

/// The content of a stream, up to at least this version. `take` adds the entries that were written since the last call.
pub(super) fn follow<T: Clone + Default>(
    storage: &dyn Storage,
    known: &FollowedStreams<T>,
    stream: &str,
    version: u64,
    mut take: impl FnMut(&mut T, Entry) -> Result<(), ServiceError>,
) -> Result<Arc<FollowedStream<T>>, ServiceError> {
    // A stream that was not followed yet has no content at version 0.
    let before = known.get(stream).unwrap_or_default();
    if before.version == version {
        return Ok(before);
    }
    let mut followed = FollowedStream::clone(&before);
    let (seen, next) = fold(storage, stream, before.next, before.version, |entry| take(&mut followed.says, entry))?;
    (followed.version, followed.next) = (seen.unwrap_or(before.version), next);
    let followed = Arc::new(followed);
    known.insert(stream.to_owned(), followed.clone());
    Ok(followed)
}

/// The document, with all people who were ever involved and whom it no longer names.
pub(super) fn with_involved(mut document: Deployment, state: &DeploymentState) -> Deployment {
    let named = document.everybody_involved();
    document.involved = state.involved.difference(&named).cloned().collect();
    document
}

/// Reads the body of an entry.
pub(super) fn body<T: serde::de::DeserializeOwned>(entry: &Entry) -> Result<T, ServiceError> {
    T::deserialize(&entry.body).map_err(|error| ServiceError::Damaged(format!("entry {}: {error}", entry.index)))
}

/// Selects a page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Only entries before this index in the log: the cursor of the previous page.
    pub before: Option<u64>,
    /// The most entries on the page.
    pub limit: usize,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// The items of the page, the newest first.
    pub items: Vec<T>,
    /// The cursor of the next page. Absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// An event of a deployment, as it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventRecord {
    /// The version of the deployment after the event.
    pub version: u64,
    /// The index of the event's entry in the audit log.
    pub index: u64,
    /// When the event happened (RFC 3339); the server sets it.
    pub at: Timestamp,
    /// The person who caused the event, and the credential.
    pub by: EventActor,
    /// The event itself.
    #[serde(flatten)]
    pub event: DeploymentEvent,
}

/// How current a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadMode {
    /// Current.
    Fresh,
    /// May lack what other processes wrote lately, for writes that the ledger accepts only if nothing has changed
    /// since.
    Stale,
}

impl ReadMode {
    /// The versions of streams.
    pub(super) fn versions(self, storage: &dyn Storage, streams: &[&str]) -> Result<Vec<u64>, ServiceError> {
        Ok(match self {
            Self::Fresh => storage.versions(streams)?,
            Self::Stale => storage.recent_versions(streams)?,
        })
    }
}

impl DeploymentService {
    /// The document of a deployment, joined with the registers.
    pub(super) fn joined(&self, loaded: &LoadedDeployment, now: Timestamp) -> Result<Deployment, ServiceError> {
        Ok(self.joined_with_versions(loaded, now)?.0)
    }

    /// As [`Self::joined`], with the versions of the registers that were read, but for samples, which come in all the time.
    pub(super) fn joined_with_versions(
        &self,
        loaded: &LoadedDeployment,
        now: Timestamp,
    ) -> Result<(Deployment, Vec<ExpectedVersion>), ServiceError> {
        let mut deployment = Deployment::clone(&loaded.document);
        let mut registers = LedgerRegisters::new(self, &loaded.state.team, ReadMode::Fresh, []);
        join(&mut deployment, &mut registers, now)?;
        let read = registers.into_read().into_iter().filter(|(stream, _)| !is_observed(stream));
        Ok((deployment, read.map(|(stream, version)| ExpectedVersion { stream, version }).collect()))
    }

    /// The deployment of a stream at this version.
    pub(super) fn read_deployment(
        &self,
        stream: &str,
        id: &str,
        version: u64,
    ) -> Result<Arc<LoadedDeployment>, ServiceError> {
        let known = self.0.deployments.get(stream);
        if let Some(known) = known.as_ref().filter(|known| known.state.version == version) {
            return Ok(known.clone());
        }
        let mut state = known.as_ref().map(|known| known.state.clone());
        let (from, after) = known.as_ref().map_or((0, 0), |known| (known.next, known.state.version));
        let (_, next) = fold(&*self.0.storage, stream, from, after, |entry| {
            let RecordedEvent { by, event } = body(&entry)?;
            match &mut state {
                Some(state) => state.apply(&event, &by, entry.at),
                None => state = DeploymentState::begin(&event, &by, entry.at),
            }
            Ok(())
        })?;
        let state = state.ok_or_else(|| ServiceError::Damaged(format!("`{stream}` does not begin with a request")))?;
        let is_same = |known: &Arc<LoadedDeployment>| {
            known.state.document == state.document && known.state.involved == state.involved
        };
        let document = match known.filter(is_same) {
            Some(known) => known.document.clone(),
            None => Arc::new(with_involved(self.document(state.document)?, &state)),
        };
        let (id, stream_name) = (id.to_owned(), stream.to_owned());
        let loaded = Arc::new(LoadedDeployment { id, stream: stream_name, state, document, next, is_written: true });
        self.0.deployments.insert(stream.to_owned(), loaded.clone());
        Ok(loaded)
    }

    fn document(&self, digest: Digest) -> Result<Deployment, ServiceError> {
        let bytes = self.content(digest)?;
        serde_json::from_slice(&bytes).map_err(|error| ServiceError::Damaged(format!("content `{digest}`: {error}")))
    }

    /// Drops everything in memory that was made of content, if the ledger's own stream has a newer version than when that was done
    /// last: its entries say what was deleted, by whichever process. Everything is read again from what is left.
    pub(super) fn drop_deleted(&self, version: u64) {
        if self.0.deletions.fetch_max(version, Ordering::SeqCst) >= version {
            return;
        }
        self.0.contents.clear();
        self.0.deployments.clear();
        self.0.snapshots.clear();
        self.0.registers.drop_values();
        self.0.stored.forget();
    }

    /// Keeps something in memory that was made of content, unless content was deleted since `deletions` was read. `insert` may run
    /// beside [`Self::drop_deleted`], so it is undone if that has begun meanwhile.
    pub(super) fn keep_unless_deleted(&self, deletions: u64, insert: impl FnOnce(), undo: impl FnOnce()) {
        insert();
        if self.0.deletions.load(Ordering::SeqCst) != deletions {
            undo();
        }
    }

    /// Content of the ledger, by digest. None if retention deleted it.
    pub(super) fn content_if_kept(&self, digest: Digest) -> Result<Option<Arc<Vec<u8>>>, ServiceError> {
        Ok(self.content_or_deletion(digest)?.ok())
    }

    /// Content of the ledger, by digest.
    pub(super) fn content(&self, digest: Digest) -> Result<Arc<Vec<u8>>, ServiceError> {
        self.content_or_deletion(digest)?.map_err(|at| ServiceError::NotFound {
            what: "content",
            id: format!("{digest} (deleted by retention at {at})"),
        })
    }

    /// Content of the ledger, by digest, or the time of its deletion.
    fn content_or_deletion(&self, digest: Digest) -> Result<Result<Arc<Vec<u8>>, Timestamp>, ServiceError> {
        self.drop_deleted(self.0.storage.version(LEDGER_STREAM)?);
        if let Some(bytes) = self.0.contents.get(&digest) {
            return Ok(Ok(bytes));
        }
        let deletions = self.0.deletions.load(Ordering::SeqCst);
        let missing = || ServiceError::NotFound { what: "content", id: digest.to_string() };
        match self.0.storage.content(&digest)?.ok_or_else(missing)?.state {
            ContentState::Present(bytes) if Digest::of(&bytes) != digest => {
                Err(ServiceError::Damaged(format!("the content `{digest}` is not what its digest says")))
            }
            ContentState::Present(bytes) => {
                let bytes = Arc::new(bytes);
                let contents = &self.0.contents;
                let insert = || contents.insert(digest, bytes.clone());
                self.keep_unless_deleted(deletions, insert, || drop(contents.remove(&digest)));
                Ok(Ok(bytes))
            }
            ContentState::Deleted(at) => Ok(Err(at)),
        }
    }

    /// The deployments that the actor may see, newest first.
    ///
    /// # Errors
    /// If the actor may not read, or the ledger cannot be read.
    pub fn deployments(
        &self,
        actor: &Actor,
        page: PageRequest,
        wanted: &dyn Fn(&DeploymentSummary) -> bool,
    ) -> Result<Page<DeploymentSummary>, ServiceError> {
        actor.require(Right::Read)?;
        self.paged(&actor.teams, None, "requested", page, |entry| {
            let loaded = self.of_entry(entry)?;
            Ok(Some(loaded.summary()).filter(|summary| wanted(summary)))
        })
    }

    /// The deployment that an entry of its stream is about.
    pub(super) fn of_entry(&self, entry: &Entry) -> Result<Arc<LoadedDeployment>, ServiceError> {
        let nameless = || ServiceError::Damaged(format!("entry {} names no deployment", entry.index));
        let id = entry.id.as_deref().ok_or_else(nameless)?;
        let version = self.0.storage.version(&entry.stream)?;
        self.read_deployment(&entry.stream, id, version)
    }

    /// A page made from entries of a kind that members of these teams may see, newest first, from one stream or all. A
    /// page that read many entries and found few ends early: `next` says where to continue.
    pub(super) fn paged<T>(
        &self,
        teams: &Teams,
        stream: Option<String>,
        kind: &str,
        page: PageRequest,
        mut item: impl FnMut(&Entry) -> Result<Option<T>, ServiceError>,
    ) -> Result<Page<T>, ServiceError> {
        let (mut items, mut before, mut looked) = (Vec::new(), page.before, 0);
        loop {
            let query = EntryQuery {
                stream: stream.clone(),
                kind: Some(kind.to_owned()),
                before,
                limit: page.limit.clamp(1, AT_ONCE),
                ..EntryQuery::default()
            };
            let entries = self.visible(teams, &query)?;
            if entries.is_empty() {
                return Ok(Page { items, next: None });
            }
            for stored in entries {
                let entry = stored.read().map_err(ServiceError::Damaged)?;
                (before, looked) = (Some(entry.index), looked + 1);
                items.extend(item(&entry)?);
                if items.len() >= page.limit || looked >= MOST_LOOKED_AT {
                    return Ok(Page { items, next: before });
                }
            }
        }
    }

    /// The events of a deployment after a version, in order, at most `limit`.
    ///
    /// # Errors
    /// If the actor sees no such deployment, or the ledger cannot be read.
    pub fn events(
        &self,
        actor: &Actor,
        at: DeploymentRef<'_>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, ServiceError> {
        actor.require(Right::Read)?;
        let stream = self.load(actor, at)?.stream.clone();
        let mut events = Vec::new();
        let mut from = 0;
        while events.len() < limit {
            let query = EntryQuery { stream: Some(stream.clone()), from, limit: AT_ONCE, ..EntryQuery::default() };
            let entries = self.0.storage.entries(&query)?;
            let count = entries.len();
            for stored in entries {
                from = stored.index + 1;
                if stored.sequence <= after || events.len() >= limit {
                    continue;
                }
                let entry = stored.read().map_err(ServiceError::Damaged)?;
                let RecordedEvent { by, event } = body(&entry)?;
                events.push(EventRecord { version: entry.sequence, index: entry.index, at: entry.at, by, event });
            }
            if count < AT_ONCE {
                break;
            }
        }
        Ok(events)
    }

    /// The version of a deployment: the number of its events. Requests that wait for the next event use it.
    ///
    /// # Errors
    /// If the actor sees no such deployment, or the ledger cannot be read.
    pub fn version(&self, actor: &Actor, at: DeploymentRef<'_>) -> Result<u64, ServiceError> {
        actor.require(Right::Read)?;
        Ok(self.load(actor, at)?.state.version)
    }

    /// The ledger stream of a deployment. Requests that wait for its next entry use it.
    ///
    /// # Errors
    /// If the actor sees no such deployment, or the ledger cannot be read.
    pub fn stream_of(&self, actor: &Actor, at: DeploymentRef<'_>) -> Result<String, ServiceError> {
        Ok(self.load(actor, at)?.stream.clone())
    }
}
