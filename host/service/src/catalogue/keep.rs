//! Records whole models in the ledger. So the model under which a deployment was approved can still be read, and can
//! decide again, long after its files are gone.

use std::collections::BTreeSet;
use std::sync::Arc;

use lockgate_domain::{Digest, ModelName, PluginRef, Timestamp};
use lockgate_ledger::{
    Append, Conflict, ContentBlob, ContentState, Entry, EntryDraft, EntryQuery, Error, ExpectedVersion, Storage,
    WriteAttempts,
};
use lockgate_runtime::RecordedEngine;
use serde::{Deserialize, Serialize};

use super::set::{ListedModel, ModelSet};

/// The stream for models.
pub const STREAM: &str = "models";
/// The kind of the entries, and of the content with the texts.
pub const KIND: &str = "model";
/// The kind of the content with the components.
const PLUGIN: &str = "plugin";
/// How many records are read at once.
pub(super) const PAGE: usize = 100;

/// The record of a model in the ledger. It names a file but no path, and so nothing of the machine.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ModelRecord {
    #[serde(flatten)]
    pub(super) name: ModelName,
    pub(super) title: String,
    /// The digest of the content with the text.
    pub(super) source: Digest,
    pub(super) file: String,
    /// The plugins. The ledger keeps their components as content with the same digests.
    pub(super) plugins: Vec<PluginRef>,
    /// The engine that runs the plugins from this record on, in one line, so that a replay knows whether it must use
    /// the same fuel. A server with another engine records its models again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) engine: Option<String>,
}

/// The result of recording models.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeepReport {
    /// The models that were recorded now.
    pub recorded: Vec<ModelName>,
    /// The recorded models whose version had meant another model before.
    pub reused: Vec<ReusedVersion>,
}

/// A version that means another model than before. Its author should raise it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReusedVersion {
    /// The model that has the version now.
    pub model: ModelName,
    /// The digest that the ledger last had for this name and version.
    pub before: Digest,
}

/// Why a model was not recorded.
#[derive(Debug, thiserror::Error)]
#[error("the model `{model}` cannot be recorded: {error}")]
pub struct KeepError {
    pub model: ModelName,
    #[source]
    pub error: Box<Error>,
}

/// Records every model of the set that was not recorded yet.
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
    /// The model is recorded now. `before` is the digest in the newest record of that version, if there was one.
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
    let mut attempts = WriteAttempts::begin();
    let recorded = loop {
        // The version first: an entry that another process writes from here on is a conflict.
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
            // One by one: all of them together may be larger than one append may be.
            for bytes in components.values() {
                let content = vec![ContentBlob::new(PLUGIN, "application/wasm", Arc::new(bytes.to_vec()))];
                storage.append(Append { content, ..Append::default() })?;
            }
            components_are_there = true;
        }
        match storage.append(record(listed, name, now, version)?) {
            Ok(_) => break RecordedBefore::Now { before: newest.map(|(record, _)| record.name.digest) },
            Err(Error::Conflict(Conflict::Stream { .. })) if attempts.lose() => {}
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

/// The engines that models were recorded with, in order, each with the index of the log from which on it decided.
pub(crate) fn engines(storage: &dyn Storage) -> Result<Vec<(u64, Option<String>)>, Error> {
    let (mut engines, mut from) = (Vec::new(), 0);
    loop {
        let (stream, kind) = (Some(STREAM.to_owned()), Some(KIND.to_owned()));
        let page = storage.entries(&EntryQuery { stream, kind, from, limit: PAGE, ..EntryQuery::default() })?;
        let Some(last) = page.last() else { return Ok(engines) };
        from = last.index + 1;
        // Skips unreadable entries, which an audit reports.
        let read = page.iter().filter_map(|stored| {
            let record: ModelRecord = serde_json::from_value(stored.read().ok()?.body).ok()?;
            Some((stored.index, record.engine))
        });
        engines.extend(read);
    }
}

/// The newest readable record of that version.
fn newest(storage: &dyn Storage, name: &ModelName) -> Result<Option<(ModelRecord, Entry)>, Error> {
    let found = storage.entries(&EntryQuery {
        stream: Some(STREAM.to_owned()),
        kind: Some(KIND.to_owned()),
        id: Some(name.to_string()),
        newest_first: true,
        limit: 1,
        ..EntryQuery::default()
    })?;
    // Ignores an unreadable entry, which an audit reports.
    let entry = found.first().and_then(|stored| stored.read().ok());
    Ok(entry.and_then(|entry| Some((serde_json::from_value(entry.body.clone()).ok()?, entry))))
}

/// Whether retention has deleted none of it.
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
