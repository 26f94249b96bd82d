//! Reading: deployments from their events, and lists of them by pages.

use std::sync::{Arc, Mutex, PoisonError};

use lockgate_domain::{Deployment, Digest, Timestamp};
use lockgate_ledger::{ContentState, Entry, Query, Storage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::write::Recorded;
use super::{DeploymentSummary, Engine, EngineError, Write};
use crate::authority::{Actor, Right};
use crate::lifecycle::{By, Event, State};

/// How many entries are read at once.
const AT_ONCE: usize = 1000;

pub(super) fn deployment_stream(id: &str) -> String {
    format!("deployment/{id}")
}

/// A deployment as it stands.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) id: String,
    pub(super) state: State,
    /// The document that the state names.
    pub(super) document: Arc<Deployment>,
    /// From where on there may be more of its entries.
    pub(super) next: u64,
}

impl Loaded {
    pub(super) fn first(id: &str, state: State, document: Arc<Deployment>) -> Self {
        Self { id: id.to_owned(), state, document, next: 0 }
    }

    /// Whether it has the version that the write rests on.
    pub(super) fn matches(&self, write: &Write<'_>) -> Result<(), EngineError> {
        match write.if_match {
            Some(expected) if expected != self.state.version => {
                Err(EngineError::VersionDiffers { id: self.id.clone(), expected, actual: self.state.version })
            }
            _ => Ok(()),
        }
    }
}

/// Something that is made from the entries of one stream.
pub(super) trait Folded: Default + Clone {
    /// The stream.
    const STREAM: &'static str;

    /// Takes note of an entry.
    fn take(&mut self, entry: Entry) -> Result<(), EngineError>;
}

/// What was folded last, up to which version and place.
#[derive(Default)]
pub(super) struct Cached<T>(Mutex<(u64, u64, Arc<T>)>);

impl<T: Folded> Cached<T> {
    /// As it is now, and the version of its stream.
    pub(super) fn get(&self, storage: &dyn Storage) -> Result<(u64, Arc<T>), EngineError> {
        self.get_at(storage, storage.version(T::STREAM)?)
    }

    /// The same, if the version is known.
    pub(super) fn get_at(&self, storage: &dyn Storage, version: u64) -> Result<(u64, Arc<T>), EngineError> {
        let (known, from, folded) = {
            let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            (kept.0, kept.1, kept.2.clone())
        };
        if known == version {
            return Ok((version, folded));
        }
        let mut folded = T::clone(&folded);
        let (seen, next) = fold(storage, T::STREAM, from, |entry| folded.take(entry))?;
        let folded = Arc::new(folded);
        let version = seen.unwrap_or(known);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (version, next, folded.clone());
        Ok((version, folded))
    }
}

/// Takes the entries of a stream from a place in the log on, in order. Returns the version after the last one, if there
/// was one, and the place behind it.
pub(super) fn fold(
    storage: &dyn Storage,
    stream: &str,
    from: u64,
    mut take: impl FnMut(Entry) -> Result<(), EngineError>,
) -> Result<(Option<u64>, u64), EngineError> {
    let (mut version, mut next) = (None, from);
    loop {
        let query = Query { stream: Some(stream.to_owned()), from: next, limit: AT_ONCE, ..Query::default() };
        let entries = storage.entries(&query)?;
        let count = entries.len();
        for stored in entries {
            let entry = stored.read().map_err(EngineError::Damaged)?;
            (version, next) = (Some(entry.sequence), entry.index + 1);
            take(entry)?;
        }
        if count < AT_ONCE {
            return Ok((version, next));
        }
    }
}

/// The document, with everybody who was ever involved and whom it does not name any more.
pub(super) fn with_involved(mut document: Deployment, state: &State) -> Deployment {
    let named = document.everybody_involved();
    document.involved = state.involved.difference(&named).cloned().collect();
    document
}

/// The body of an entry.
pub(super) fn body<T: serde::de::DeserializeOwned>(entry: &Entry) -> Result<T, EngineError> {
    T::deserialize(&entry.body).map_err(|error| EngineError::Damaged(format!("entry {}: {error}", entry.index)))
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Those before that place in the log: the cursor of the page before.
    pub before: Option<u64>,
    /// At most that many.
    pub limit: usize,
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Paged<T> {
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
    pub by: By,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// As of when something is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AsOf {
    /// Now.
    Now,
    /// Perhaps without what other processes wrote lately: for what is written only if nothing has changed since.
    Lately,
}

impl AsOf {
    /// The versions of streams.
    pub(super) fn versions(self, storage: &dyn Storage, streams: &[&str]) -> Result<Vec<u64>, EngineError> {
        Ok(match self {
            Self::Now => storage.versions(streams)?,
            Self::Lately => storage.recent_versions(streams)?,
        })
    }
}

impl Engine {
    /// The deployment, if the actor may see it.
    pub(super) fn load(&self, actor: &Actor, id: &str) -> Result<Arc<Loaded>, EngineError> {
        self.load_as_of(AsOf::Now, actor, id)
    }

    pub(super) fn load_as_of(&self, as_of: AsOf, actor: &Actor, id: &str) -> Result<Arc<Loaded>, EngineError> {
        let missing = || EngineError::NotFound { what: "deployment", id: id.to_owned() };
        let loaded = self.read_deployment_as_of(as_of, id)?.ok_or_else(missing)?;
        if actor.teams.include(&loaded.state.team) { Ok(loaded) } else { Err(missing()) }
    }

    /// The deployment, if there is one.
    pub(super) fn read_deployment(&self, id: &str) -> Result<Option<Arc<Loaded>>, EngineError> {
        self.read_deployment_as_of(AsOf::Now, id)
    }

    fn read_deployment_as_of(&self, as_of: AsOf, id: &str) -> Result<Option<Arc<Loaded>>, EngineError> {
        let stream = deployment_stream(id);
        let version = as_of.versions(&*self.0.storage, &[&stream])?.first().copied().unwrap_or(0);
        if version == 0 {
            return Ok(None);
        }
        let known = self.0.deployments.get(id);
        if let Some(known) = known.as_ref().filter(|known| known.state.version == version) {
            return Ok(Some(known.clone()));
        }
        let mut state = known.as_ref().map(|known| known.state.clone());
        let from = known.as_ref().map_or(0, |known| known.next);
        let (_, next) = fold(&*self.0.storage, &stream, from, |entry| {
            let Recorded { by, event } = body(&entry)?;
            match &mut state {
                Some(state) => state.apply(&event, &by, entry.at),
                None => state = State::begin(&event, &by, entry.at),
            }
            Ok(())
        })?;
        let state = state.ok_or_else(|| EngineError::Damaged(format!("`{stream}` does not begin with a request")))?;
        let is_same = |known: &Arc<Loaded>| {
            known.state.document == state.document && known.state.involved == state.involved
        };
        let document = match known.filter(is_same) {
            Some(known) => known.document.clone(),
            None => Arc::new(with_involved(self.document(state.document)?, &state)),
        };
        let loaded = Arc::new(Loaded { id: id.to_owned(), state, document, next });
        self.0.deployments.insert(id.to_owned(), loaded.clone());
        Ok(Some(loaded))
    }

    fn document(&self, digest: Digest) -> Result<Deployment, EngineError> {
        let bytes = self.content(digest)?;
        serde_json::from_slice(&bytes).map_err(|error| EngineError::Damaged(format!("content `{digest}`: {error}")))
    }

    /// Content of the ledger.
    pub(super) fn content(&self, digest: Digest) -> Result<Arc<Vec<u8>>, EngineError> {
        if let Some(bytes) = self.0.contents.get(&digest) {
            return Ok(bytes);
        }
        let missing = || EngineError::NotFound { what: "content", id: digest.to_string() };
        match self.0.storage.content(&digest)?.ok_or_else(missing)?.state {
            ContentState::Present(bytes) if Digest::of(&bytes) != digest => {
                Err(EngineError::Damaged(format!("the content `{digest}` is not what its digest says")))
            }
            ContentState::Present(bytes) => {
                let bytes = Arc::new(bytes);
                self.0.contents.insert(digest, bytes.clone());
                Ok(bytes)
            }
            ContentState::Deleted(at) => {
                Err(EngineError::NotFound { what: "content", id: format!("{digest} (deleted by retention at {at})") })
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
        page: Page,
        wanted: &dyn Fn(&DeploymentSummary) -> bool,
    ) -> Result<Paged<DeploymentSummary>, EngineError> {
        actor.require(Right::Read)?;
        self.paged("requested", page, |entry| {
            let id = entry.id.clone().unwrap_or_default();
            let Some(loaded) = self.read_deployment(&id)? else { return Ok(None) };
            if !actor.teams.include(&loaded.state.team) {
                return Ok(None);
            }
            Ok(Some(loaded.summary()).filter(|summary| wanted(summary)))
        })
    }

    /// A page of what entries of a kind are about, the newest first.
    pub(super) fn paged<T>(
        &self,
        kind: &str,
        page: Page,
        item: impl FnMut(&Entry) -> Result<Option<T>, EngineError>,
    ) -> Result<Paged<T>, EngineError> {
        self.paged_of(None, kind, page, item)
    }

    /// The same, of one stream.
    pub(super) fn paged_of<T>(
        &self,
        stream: Option<String>,
        kind: &str,
        page: Page,
        mut item: impl FnMut(&Entry) -> Result<Option<T>, EngineError>,
    ) -> Result<Paged<T>, EngineError> {
        let (mut items, mut before) = (Vec::new(), page.before);
        loop {
            let query = Query {
                stream: stream.clone(),
                kind: Some(kind.to_owned()),
                before,
                newest_first: true,
                limit: page.limit.clamp(1, AT_ONCE),
                ..Query::default()
            };
            let entries = self.0.storage.entries(&query)?;
            if entries.is_empty() {
                return Ok(Paged { items, next: None });
            }
            for stored in entries {
                let entry = stored.read().map_err(EngineError::Damaged)?;
                before = Some(entry.index);
                items.extend(item(&entry)?);
                if items.len() >= page.limit {
                    return Ok(Paged { items, next: before });
                }
            }
        }
    }

    /// What happened to a deployment after a version, in order, at most `limit`.
    ///
    /// # Errors
    /// If there is no such deployment for the actor, or the ledger cannot be read.
    pub fn events(&self, actor: &Actor, id: &str, after: u64, limit: usize) -> Result<Vec<EventRecord>, EngineError> {
        actor.require(Right::Read)?;
        self.load(actor, id)?;
        let mut events = Vec::new();
        let mut from = 0;
        while events.len() < limit {
            let query = Query { stream: Some(deployment_stream(id)), from, limit: AT_ONCE, ..Query::default() };
            let entries = self.0.storage.entries(&query)?;
            let count = entries.len();
            for stored in entries {
                from = stored.index + 1;
                if stored.sequence <= after || events.len() >= limit {
                    continue;
                }
                let entry = stored.read().map_err(EngineError::Damaged)?;
                let Recorded { by, event } = body(&entry)?;
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
    pub fn version(&self, actor: &Actor, id: &str) -> Result<u64, EngineError> {
        Ok(self.load(actor, id)?.state.version)
    }
}
