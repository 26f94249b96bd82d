//! Recording models in the ledger, whole: what a deployment was approved under can be looked at, and can decide again,
//! when the files are long gone.

use std::collections::BTreeSet;
use std::sync::Arc;

use lockgate_domain::{Digest, ModelName, PluginRef, Timestamp};
use lockgate_ledger::{
    Append, Conflict, ContentBlob, ContentState, Entry, EntryDraft, EntryQuery, Error, ExpectedVersion, Storage,
};
use lockgate_runtime::RecordedEngine;
use serde::{Deserialize, Serialize};

use super::set::{ListedModel, ModelSet};

/// The stream that models are recorded in.
pub const STREAM: &str = "models";
/// The kind of the entries, and of the texts.
pub const KIND: &str = "model";
/// The kind of the components.
const PLUGIN: &str = "plugin";
/// So many records are looked through at once.
pub(super) const PAGE: usize = 100;

/// What the ledger says of a model. It names a file and no path: nothing of the machine.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ModelRecord {
    #[serde(flatten)]
    pub(super) name: ModelName,
    pub(super) title: String,
    /// The content with the text.
    pub(super) source: Digest,
    pub(super) file: String,
    /// Their components are content under the same digests.
    pub(super) plugins: Vec<PluginRef>,
    /// What runs them from here on, in one line: whether a replay has to use the same fuel. A server that runs them on
    /// another engine records its models anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) engine: Option<String>,
}

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeepReport {
    /// The models that were recorded now.
    pub recorded: Vec<ModelName>,
    /// Those of them whose version had been another model's before.
    pub reused: Vec<ReusedVersion>,
}

/// A version that means something else than it did: raise it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReusedVersion {
    /// What it means now.
    pub model: ModelName,
    /// The digest of what the ledger last knew by that name.
    pub before: Digest,
}

/// Why a model is not recorded.
#[derive(Debug, thiserror::Error)]
#[error("the model `{model}` cannot be recorded: {error}")]
pub struct KeepError {
    /// The model.
    pub model: ModelName,
    /// What the ledger says.
    #[source]
    pub error: Box<Error>,
}

/// Records every model of the set that was not yet.
pub(super) fn keep(set: &ModelSet, storage: &dyn Storage, now: Timestamp) -> Result<KeepReport, KeepError> {
    let mut kept = KeepReport::default();
    let mut present = BTreeSet::new();
    for listed in &set.listed {
        let name = listed.model.name();
        match keep_one(listed, &name, storage, now, &mut present) {
            Ok(RecordedBefore::Already) => {}
            Ok(RecordedBefore::Now { before }) => {
                let reused = before.filter(|before| *before != name.digest);
                kept.reused.extend(reused.map(|before| ReusedVersion { model: name.clone(), before }));
                kept.recorded.push(name);
            }
            Err(error) => return Err(KeepError { model: name, error: Box::new(error) }),
        }
    }
    Ok(kept)
}

enum RecordedBefore {
    Already,
    /// What the newest record of that version said before, if there was one.
    Now {
        before: Option<Digest>,
    },
}

fn keep_one(
    listed: &ListedModel,
    name: &ModelName,
    storage: &dyn Storage,
    now: Timestamp,
    present: &mut BTreeSet<Digest>,
) -> Result<RecordedBefore, Error> {
    let mut unkept = listed.unkept.lock();
    let Some(components) = unkept.as_ref() else { return Ok(RecordedBefore::Already) };
    let mut components_are_there = false;
    let recorded = loop {
        // The version first: what others write from here on is a conflict.
        let version = storage.version(STREAM)?;
        let newest = newest(storage, name)?;
        if let Some((record, entry)) = &newest
            && record.name.digest == name.digest
            && record.engine.as_deref() == Some(RecordedEngine::line().as_str())
            && all_present(storage, &entry.references, present)?
        {
            break RecordedBefore::Already;
        }
        if !components_are_there {
            // One by one: all of them together may be more than the ledger takes at once.
            for bytes in components.values() {
                let content = vec![ContentBlob::new(PLUGIN, "application/wasm", Arc::new(bytes.to_vec()))];
                storage.append(Append { content, ..Append::default() })?;
            }
            components_are_there = true;
        }
        match storage.append(record(listed, name, now, version)?) {
            Ok(_) => break RecordedBefore::Now { before: newest.map(|(record, _)| record.name.digest) },
            Err(Error::Conflict(Conflict::Stream { .. })) => {}
            Err(error) => return Err(error),
        }
    };
    *unkept = None;
    Ok(recorded)
}

fn record(listed: &ListedModel, name: &ModelName, now: Timestamp, version: u64) -> Result<Append, Error> {
    let source = ContentBlob::new(KIND, "application/toml", Arc::new(listed.source.text.clone().into_bytes()));
    let record = ModelRecord {
        name: name.clone(),
        title: listed.model.model().title.clone(),
        source: source.digest(),
        file: listed.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        plugins: listed.model.plugins().into_iter().map(|(plugin, _)| plugin.clone()).collect(),
        engine: Some(RecordedEngine::line()),
    };
    let entry = EntryDraft::new(STREAM, KIND, now, &record)?.with_id(&name.to_string())?.referring_to(source.digest());
    let entry = record.plugins.iter().fold(entry, |entry, plugin| entry.referring_to(plugin.digest));
    let expect = vec![ExpectedVersion { stream: STREAM.to_owned(), version }];
    Ok(Append { entries: vec![entry], content: vec![source], expect, ..Append::default() })
}

/// The engines that models were recorded with, each with the place in the log from which on it decided; in order.
pub(crate) fn engines(storage: &dyn Storage) -> Result<Vec<(u64, Option<String>)>, Error> {
    let (mut engines, mut from) = (Vec::new(), 0);
    loop {
        let (stream, kind) = (Some(STREAM.to_owned()), Some(KIND.to_owned()));
        let page = storage.entries(&EntryQuery { stream, kind, from, limit: PAGE, ..EntryQuery::default() })?;
        let Some(last) = page.last() else { return Ok(engines) };
        from = last.index + 1;
        // Those that cannot be read are for an audit to find.
        let read = page.iter().filter_map(|stored| {
            let record: ModelRecord = serde_json::from_value(stored.read().ok()?.body).ok()?;
            Some((stored.index, record.engine))
        });
        engines.extend(read);
    }
}

/// The newest record of that version, if it can be read.
fn newest(storage: &dyn Storage, name: &ModelName) -> Result<Option<(ModelRecord, Entry)>, Error> {
    let found = storage.entries(&EntryQuery {
        stream: Some(STREAM.to_owned()),
        kind: Some(KIND.to_owned()),
        id: Some(name.to_string()),
        newest_first: true,
        limit: 1,
        ..EntryQuery::default()
    })?;
    // One that cannot be read is for an audit to find; here it is as if there were none.
    let entry = found.first().and_then(|stored| stored.read().ok());
    Ok(entry.and_then(|entry| Some((serde_json::from_value(entry.body.clone()).ok()?, entry))))
}

/// Whether retention has left all of it.
fn all_present(storage: &dyn Storage, content: &[Digest], present: &mut BTreeSet<Digest>) -> Result<bool, Error> {
    for digest in content {
        if !present.contains(digest) {
            match storage.content(digest)?.map(|content| content.state) {
                Some(ContentState::Present(_)) => present.insert(*digest),
                Some(ContentState::Deleted(_)) | None => return Ok(false),
            };
        }
    }
    Ok(true)
}
