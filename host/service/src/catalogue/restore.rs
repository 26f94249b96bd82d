//! Loads a model from the ledger alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockgate_domain::{Digest, ModelName, Timestamp};
use lockgate_ledger::{ContentState, EntryQuery, Error, Storage};
use lockgate_runtime::Runtime;

use super::keep::{KIND, ModelRecord, PAGE, STREAM};
use super::prepare::grants_directories;
use super::{FileFindings, ModelSet};
use lockgate_engine::load::{
    ComponentSource, ForPurpose, LoadPurpose, LoadReport, LoadedModel, MissingComponent, PluginComponent,
};
use lockgate_engine::model::{ModelFindings, PluginSource, Source, read_partly};

/// Why a model cannot be restored from the ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The model was never recorded.
    #[error("the ledger has no model with the digest {0}")]
    Unknown(Digest),
    /// Retention deleted a part of the model.
    #[error(
        "{what} of the model `{model}` was deleted from the ledger at {at}: load the model's file once more, and it is \
         recorded anew"
    )]
    Deleted {
        model: Box<ModelName>,
        /// The part that is missing.
        what: String,
        /// The digest of the part.
        digest: Digest,
        /// When retention deleted it.
        at: Timestamp,
    },
    /// Content in the ledger does not fit its record.
    #[error("the ledger's record of {what} is damaged: {message}; `lockgate audit verify` says more")]
    Damaged {
        /// The part that is damaged.
        what: String,
        message: String,
    },
    /// The model grants directories, and the ledger does not know where they are.
    #[error(
        "the model `{0}` grants directories, which are looked for from a model's own folder, and no model `{id}` is in use: \
         load one",
        id = .0.id
    )]
    NoFolder(ModelName),
    /// The model cannot be loaded any more.
    #[error("the model `{model}` cannot be loaded from the ledger:\n{}", findings.render(false).trim_end())]
    Refused { model: ModelName, findings: Box<FileFindings> },
    /// This version of Lockgate reads the same text as another model.
    #[error(
        "the text of the model `{model}` means something else to this version of Lockgate: {is}, where it was {digest}; what \
         was approved under it has to be approved again",
        digest = .model.digest
    )]
    Differs {
        model: ModelName,
        /// The digest of the model as this version reads it.
        is: Digest,
    },
    #[error(transparent)]
    Ledger(#[from] Error),
}

/// Loads the model with this digest. `set` holds the models in use.
pub(super) fn restore(
    runtime: &Runtime,
    set: &ModelSet,
    storage: &dyn Storage,
    digest: Digest,
) -> Result<LoadedModel, RestoreError> {
    let record = find(storage, digest)?;
    let source = text(storage, &record)?;
    let folder = folder(set, &record, &source)?;
    let recorded = LedgerComponents { components: components(storage, &record)?, folder };
    loaded(record.name, source, |source| LoadedModel::load_from(runtime, source, &recorded), digest)
}

/// Loads the model with this digest only for a replay: directories that it grants are not looked for.
pub(crate) fn restore_to_replay(
    runtime: &Runtime,
    storage: &dyn Storage,
    digest: Digest,
) -> Result<LoadedModel, RestoreError> {
    let record = find(storage, digest)?;
    let source = text(storage, &record)?;
    let recorded = LedgerComponents { components: components(storage, &record)?, folder: PathBuf::new() };
    let replayed = ForPurpose { components: &recorded, purpose: LoadPurpose::Replaying };
    loaded(record.name, source, |source| LoadedModel::load_from(runtime, source, &replayed), digest)
}

/// Checks that the loaded model has the digest of the recorded one.
fn loaded(
    model: ModelName,
    source: Source,
    load: impl FnOnce(&Source) -> Result<LoadReport, ModelFindings>,
    digest: Digest,
) -> Result<LoadedModel, RestoreError> {
    match load(&source) {
        Ok(ready) if ready.model.digest() == digest => Ok(ready.model),
        Ok(ready) => Err(RestoreError::Differs { model, is: ready.model.digest() }),
        Err(findings) => Err(RestoreError::Refused { model, findings: Box::new(FileFindings { source, findings }) }),
    }
}

/// The text of a model.
fn text(storage: &dyn Storage, record: &ModelRecord) -> Result<Source, RestoreError> {
    let text = content(storage, record, "the text", record.source)?;
    let damaged = |error: std::string::FromUtf8Error| RestoreError::Damaged {
        what: format!("the text of the model `{}`", record.name),
        message: error.to_string(),
    };
    Ok(Source::new(&record.file, String::from_utf8(text).map_err(damaged)?))
}

/// The components of a model's plugins, by digest.
fn components(storage: &dyn Storage, record: &ModelRecord) -> Result<BTreeMap<Digest, Arc<[u8]>>, RestoreError> {
    let mut components = BTreeMap::new();
    for plugin in &record.plugins {
        let what = format!("the plugin `{}`", plugin.name);
        components.insert(plugin.digest, Arc::from(content(storage, record, &what, plugin.digest)?));
    }
    Ok(components)
}

/// The newest record of a model.
fn find(storage: &dyn Storage, digest: Digest) -> Result<ModelRecord, RestoreError> {
    let mut before = None;
    loop {
        let page = storage.entries(&EntryQuery {
            stream: Some(STREAM.to_owned()),
            kind: Some(KIND.to_owned()),
            before,
            newest_first: true,
            limit: PAGE,
            ..EntryQuery::default()
        })?;
        let Some(last) = page.last() else { return Err(RestoreError::Unknown(digest)) };
        before = Some(last.index);
        // Skips unreadable entries, which an audit reports.
        let records = page.iter().filter_map(|stored| serde_json::from_value(stored.read().ok()?.body).ok());
        if let Some(record) = records.into_iter().find(|record: &ModelRecord| record.name.digest == digest) {
            return Ok(record);
        }
    }
}

/// Content whose bytes have the digest that the record names.
fn content(storage: &dyn Storage, record: &ModelRecord, what: &str, digest: Digest) -> Result<Vec<u8>, RestoreError> {
    let damaged =
        |message: String| RestoreError::Damaged { what: format!("{what} of the model `{}`", record.name), message };
    match storage.content(&digest)?.map(|content| content.state) {
        Some(ContentState::Present(bytes)) if Digest::of(&bytes) == digest => Ok(bytes),
        Some(ContentState::Present(bytes)) => {
            Err(damaged(format!("it has the digest {}, not {digest}", Digest::of(&bytes))))
        }
        Some(ContentState::Deleted(at)) => {
            Err(RestoreError::Deleted { model: Box::new(record.name.clone()), what: what.to_owned(), digest, at })
        }
        None => Err(damaged(format!("there is no content {digest}"))),
    }
}

/// The folder to look for the model's directories in, if it grants any.
fn folder(set: &ModelSet, record: &ModelRecord, source: &Source) -> Result<PathBuf, RestoreError> {
    let in_use = set.listed(&record.name.id).and_then(|listed| listed.file.parent());
    match in_use {
        Some(folder) => Ok(folder.to_owned()),
        None if read_partly(source).0.is_some_and(|read| grants_directories(&read.model)) => {
            Err(RestoreError::NoFolder(record.name.clone()))
        }
        None => Ok(PathBuf::new()),
    }
}

/// The components that the ledger has.
struct LedgerComponents {
    components: BTreeMap<Digest, Arc<[u8]>>,
    folder: PathBuf,
}

impl ComponentSource for LedgerComponents {
    fn component(&self, name: &str, source: &PluginSource) -> Result<PluginComponent, MissingComponent> {
        let found = source.digest.and_then(|digest| Some((digest, self.components.get(&digest)?)));
        let missing =
            || MissingComponent { message: format!("the ledger has no component for the plugin `{name}`"), help: None };
        let (digest, bytes) = found.ok_or_else(missing)?;
        Ok(PluginComponent { bytes: Arc::clone(bytes), digest, place: "the ledger".to_owned() })
    }

    fn folder(&self) -> &Path {
        &self.folder
    }
}
