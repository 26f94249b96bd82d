//! Reading: deployments from their events, and lists of them by pages.

use std::sync::Arc;

use lockgate_domain::{Deployment, Digest, Right, Teams, Timestamp};
use lockgate_ledger::{ContentState, Entry, EntryQuery, Storage};
use quick_cache::sync::Cache;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::locate::deployment_stream;
use super::write::RecordedEvent;
use super::{DeploymentRef, DeploymentService, DeploymentSummary, ServiceError, WriteContext};
use crate::authority::Actor;
use crate::lifecycle::{DeploymentEvent, DeploymentState, EventActor};

/// How many entries are read at once.
pub(super) const AT_ONCE: usize = 1000;
/// How many entries are looked at for one page.
const MOST_LOOKED_AT: usize = 1000;

/// A deployment as it stands.
#[derive(Clone, Debug)]
pub(super) struct LoadedDeployment {
    pub(super) id: String,
    pub(super) stream: String,
    pub(super) state: DeploymentState,
    /// The document that the state names.
    pub(super) document: Arc<Deployment>,
    /// From where on there may be more of its entries.
    pub(super) next: u64,
}

impl LoadedDeployment {
    pub(super) fn first(id: &str, state: DeploymentState, document: Arc<Deployment>) -> Self {
        Self { id: id.to_owned(), stream: deployment_stream(&state.team, id), state, document, next: 0 }
    }

    /// Whether it has the version that the write rests on.
    pub(super) fn matches(&self, write: &WriteContext<'_>) -> Result<(), ServiceError> {
        match write.if_match {
            Some(expected) if expected != self.state.version => {
                Err(ServiceError::VersionDiffers { id: self.id.clone(), expected, actual: self.state.version })
            }
            _ => Ok(()),
        }
    }
}

/// Takes the entries of a stream from a place in the log on, in order: they are those after that version, and none is missing.
/// Returns the version after the last one, if there was one, and the place behind it.
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

/// What the entries of a stream say, up to a version.
#[derive(Clone, Debug, Default)]
pub(super) struct FollowedStream<T> {
    /// The version of the stream.
    pub(super) version: u64,
    /// The place in the log behind its last entry.
    next: u64,
    /// What they say.
    pub(super) says: T,
}

/// What streams say, by their names.
pub(super) type FollowedStreams<T> = Cache<String, Arc<FollowedStream<T>>>;

/// What a stream says, up to that version at least: `take` adds the entries that came since it was last followed.
pub(super) fn follow<T: Clone + Default>(
    storage: &dyn Storage,
    known: &FollowedStreams<T>,
    stream: &str,
    version: u64,
    mut take: impl FnMut(&mut T, Entry) -> Result<(), ServiceError>,
) -> Result<Arc<FollowedStream<T>>, ServiceError> {
    // A stream that was not followed yet says nothing at version 0.
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

/// The document, with everybody who was ever involved and whom it does not name any more.
pub(super) fn with_involved(mut document: Deployment, state: &DeploymentState) -> Deployment {
    let named = document.everybody_involved();
    document.involved = state.involved.difference(&named).cloned().collect();
    document
}

/// The body of an entry.
pub(super) fn body<T: serde::de::DeserializeOwned>(entry: &Entry) -> Result<T, ServiceError> {
    T::deserialize(&entry.body).map_err(|error| ServiceError::Damaged(format!("entry {}: {error}", entry.index)))
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Those before that place in the log: the cursor of the page before.
    pub before: Option<u64>,
    /// At most that many.
    pub limit: usize,
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// The newest first.
    pub items: Vec<T>,
    /// Where the next page begins, if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// Something that happened to a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventRecord {
    /// The version of the deployment since.
    pub version: u64,
    /// The place in the audit log.
    pub index: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: EventActor,
    /// What.
    #[serde(flatten)]
    pub event: DeploymentEvent,
}

/// As of when something is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadMode {
    /// Now.
    Fresh,
    /// Perhaps without what other processes wrote lately: for what is written only if nothing has changed since.
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
    /// The deployment of a stream that has that version.
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
        let loaded = Arc::new(LoadedDeployment { id: id.to_owned(), stream: stream.to_owned(), state, document, next });
        self.0.deployments.insert(stream.to_owned(), loaded.clone());
        Ok(loaded)
    }

    fn document(&self, digest: Digest) -> Result<Deployment, ServiceError> {
        let bytes = self.content(digest)?;
        serde_json::from_slice(&bytes).map_err(|error| ServiceError::Damaged(format!("content `{digest}`: {error}")))
    }

    /// Content of the ledger.
    pub(super) fn content(&self, digest: Digest) -> Result<Arc<Vec<u8>>, ServiceError> {
        if let Some(bytes) = self.0.contents.get(&digest) {
            return Ok(bytes);
        }
        let missing = || ServiceError::NotFound { what: "content", id: digest.to_string() };
        match self.0.storage.content(&digest)?.ok_or_else(missing)?.state {
            ContentState::Present(bytes) if Digest::of(&bytes) != digest => {
                Err(ServiceError::Damaged(format!("the content `{digest}` is not what its digest says")))
            }
            ContentState::Present(bytes) => {
                let bytes = Arc::new(bytes);
                self.0.contents.insert(digest, bytes.clone());
                Ok(bytes)
            }
            ContentState::Deleted(at) => {
                Err(ServiceError::NotFound { what: "content", id: format!("{digest} (deleted by retention at {at})") })
            }
        }
    }

    /// The deployments that the actor may see, the newest first.
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

    /// A page of what entries of a kind are about that somebody of these teams sees, the newest first; of one stream, or of
    /// all. A page that looked at many entries and found few ends early: `next` says where to go on.
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

    /// What happened to a deployment after a version, in order, at most `limit`.
    ///
    /// # Errors
    /// If there is no such deployment for the actor, or the ledger cannot be read.
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

    /// The version of a deployment: how many events there were. For whoever waits for the next.
    ///
    /// # Errors
    /// If there is no such deployment for the actor, or the ledger cannot be read.
    pub fn version(&self, actor: &Actor, at: DeploymentRef<'_>) -> Result<u64, ServiceError> {
        actor.require(Right::Read)?;
        Ok(self.load(actor, at)?.state.version)
    }

    /// The stream of a deployment in the ledger: for whoever waits for its next entry.
    ///
    /// # Errors
    /// If there is no such deployment for the actor, or the ledger cannot be read.
    pub fn stream_of(&self, actor: &Actor, at: DeploymentRef<'_>) -> Result<String, ServiceError> {
        Ok(self.load(actor, at)?.stream.clone())
    }
}
