//! The models of a running server: all of them at once, replaced while decisions are made.
//!
//! New models are loaded beside the old ones, and take their place in one step if all of them are good; one that is not
//! leaves everything as it was, and [`Catalogue::status`] says so. Who is deciding has the old [`ModelSet`] in hand and
//! finishes with it. A deployment goes on by the model under which it was approved: that one is
//! [retained](Catalogue::retained) after it was replaced, and after a restart it comes back
//! [from the ledger](Catalogue::restore), which [keeps](Catalogue::keep) the text of every model and the components of its
//! plugins.

mod files;
mod keep;
mod models;
mod prepare;
mod restore;
mod set;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use lockgate_domain::{Digest, ModelName, Timestamp};
use lockgate_ledger::Storage;
use lockgate_runtime::Runtime;
use parking_lot::Mutex;

use files::FileWatch;
use lockgate_engine::load::LoadedModel;
use prepare::{PreparedModels, attempt_time};

pub(crate) use keep::engines;
pub(crate) use restore::restore_to_replay;

pub use keep::{KIND, KeepError, KeepReport, ReusedVersion, STREAM};
pub use models::KeptModels;
pub use restore::RestoreError;
pub use set::ModelSet;
pub use status::{
    CatalogueError, CatalogueStatus, FileFindings, ModelStatus, PluginStatus, ReloadAttempt, ReloadChanges,
    ReloadOutcome,
};

/// The models of a running server. Every method may be called from many threads; those that load block for as long as
/// compiling takes, and hold up nobody who decides.
pub struct Catalogue {
    runtime: Runtime,
    files: Vec<PathBuf>,
    current: ArcSwap<ModelSet>,
    retained: Mutex<BTreeMap<Digest, LoadedModel>>,
    last: Mutex<ReloadAttempt>,
    watch: Mutex<FileWatch>,
    /// Held by the one who loads.
    loading: Mutex<()>,
    /// Held by the one who restores, so that what many ask for at once is compiled once.
    restoring: Mutex<()>,
}

/// Why the models are as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The new ones cannot be used.
    #[error(transparent)]
    Models(#[from] CatalogueError),
    /// The ledger does not take the new ones.
    #[error(transparent)]
    Keep(#[from] KeepError),
}

impl Catalogue {
    /// Loads the models of these files, and of each folder among them the files whose names end in `.toml`. Plugins are
    /// looked for from the folder in which the model's file lies.
    ///
    /// Also gives what looks wrong with them, for each file with warnings.
    ///
    /// # Errors
    /// Everything that is wrong with all of them.
    pub fn load(runtime: Runtime, files: Vec<PathBuf>) -> Result<(Self, Vec<FileFindings>), CatalogueError> {
        let at = attempt_time();
        let outcome = ReloadOutcome::Loaded(ReloadChanges::default());
        let catalogue = Self {
            runtime,
            files,
            current: ArcSwap::default(),
            retained: Mutex::default(),
            last: Mutex::new(ReloadAttempt { at, outcome, findings: Vec::new() }),
            watch: Mutex::default(),
            loading: Mutex::default(),
            restoring: Mutex::default(),
        };
        catalogue.reload()?;
        let warnings = catalogue.last.lock().findings.clone();
        Ok((catalogue, warnings))
    }

    /// The models that are in use now. Who decides takes them once, and keeps to them.
    pub fn current(&self) -> Arc<ModelSet> {
        self.current.load_full()
    }

    /// Loads everything anew, and puts it in place of what was in use if all of it is good. What is made of the same
    /// bytes as before is not loaded again.
    ///
    /// # Errors
    /// Everything that is wrong. Then the models stay as they were, and [`Self::status`] says so.
    pub fn reload(&self) -> Result<ReloadChanges, CatalogueError> {
        let _alone = self.loading.lock();
        let prepared = self.prepare()?;
        Ok(self.install(prepared))
    }

    /// As [`Self::reload`], and as [`Self::keep`] before the new models are in use: nothing is ever decided by a model
    /// that the ledger has not.
    ///
    /// # Errors
    /// Everything that is wrong, or what the ledger says. Then the models stay as they were.
    pub fn reload_keeping(
        &self,
        storage: &dyn Storage,
        now: Timestamp,
    ) -> Result<(ReloadChanges, KeepReport), ReloadError> {
        let _alone = self.loading.lock();
        let prepared = self.prepare()?;
        match keep::keep(&prepared.set, storage, now) {
            Ok(kept) => Ok((self.install(prepared), kept)),
            Err(error) => {
                self.attempted(ReloadOutcome::Refused(error.to_string()), prepared.findings);
                Err(error.into())
            }
        }
    }

    /// Whether the files are others than at the last attempt to load them, be it that it was refused. Cheap enough to be
    /// asked every few seconds. Directories that plugins were granted are not looked at.
    pub fn changed(&self) -> bool {
        self.watch.lock().changed(&files::model_files(&self.files))
    }

    /// Records the models in use in the ledger, each with its text and its plugins' components, unless the last record
    /// of that version is of the same model already. A catalogue keeps to one ledger.
    ///
    /// # Errors
    /// What the ledger says. Some of them may have been recorded; the rest is when this is called again.
    pub fn keep(&self, storage: &dyn Storage, now: Timestamp) -> Result<KeepReport, KeepError> {
        keep::keep(&self.current(), storage, now)
    }

    /// What is loaded, and what the last attempt to load came to.
    pub fn status(&self) -> CatalogueStatus {
        // In this order: what is in use is at least as new as the attempt.
        let last = self.last.lock().clone();
        let models = self.current().listed.iter().map(|listed| ModelStatus::of(listed)).collect();
        let mut retained: Vec<ModelName> = self.retained.lock().values().map(LoadedModel::name).collect();
        retained.sort();
        CatalogueStatus { models, retained, last }
    }

    /// A model that was replaced or restored, and was not retired since.
    pub fn retained(&self, digest: Digest) -> Option<LoadedModel> {
        self.retained.lock().get(&digest).cloned()
    }

    /// A model that is in use or retained.
    pub fn find(&self, digest: Digest) -> Option<LoadedModel> {
        self.current().by_digest(digest).cloned().or_else(|| self.retained(digest))
    }

    /// Lets go of the retained models that nobody needs, and says how many. Who has one in hand can still use it.
    pub fn retire(&self, needed: &BTreeSet<Digest>) -> usize {
        let mut retained = self.retained.lock();
        let before = retained.len();
        retained.retain(|digest, _| needed.contains(digest));
        before - retained.len()
    }

    /// The model that a deployment goes by: in use, retained, or [restored](Self::restore).
    ///
    /// # Errors
    /// As [`Self::restore`].
    pub fn obtain(&self, storage: &dyn Storage, digest: Digest) -> Result<LoadedModel, RestoreError> {
        if let Some(model) = self.find(digest) {
            return Ok(model);
        }
        let _alone = self.restoring.lock();
        self.find(digest).map_or_else(|| self.restore(storage, digest), Ok)
    }

    /// Loads a model from what the ledger has, and from nothing else, and retains it. Only directories that it grants
    /// are looked for, from where the model in use with the same id has its file.
    ///
    /// # Errors
    /// If the ledger has not got all of it, or it cannot be loaded as the model that it was.
    pub fn restore(&self, storage: &dyn Storage, digest: Digest) -> Result<LoadedModel, RestoreError> {
        let model = restore::restore(&self.runtime, &self.current(), storage, digest)?;
        self.retained.lock().insert(digest, model.clone());
        Ok(model)
    }

    /// Loads everything beside what is in use.
    fn prepare(&self) -> Result<PreparedModels, CatalogueError> {
        let (watch, prepared) = prepare::prepare(&self.runtime, &self.files, &self.current());
        *self.watch.lock() = watch;
        prepared.inspect_err(|error| {
            let why = format!("{} cannot be used", lockgate_engine::model::listed(error.wrong()));
            self.attempted(ReloadOutcome::Refused(why), error.files.clone());
        })
    }

    /// Puts the new models in place of the old ones.
    fn install(&self, prepared: PreparedModels) -> ReloadChanges {
        let PreparedModels { set, findings } = prepared;
        let old = self.current();
        let reloaded = prepare::compare(&old, &set);
        // Before they are out of use, so that there is no moment at which they cannot be found.
        let replaced = old.models().iter().filter(|model| set.by_digest(model.digest()).is_none());
        self.retained.lock().extend(replaced.map(|model| (model.digest(), model.clone())));
        self.current.store(Arc::new(set));
        self.attempted(ReloadOutcome::Loaded(reloaded.clone()), findings);
        reloaded
    }

    fn attempted(&self, outcome: ReloadOutcome, findings: Vec<FileFindings>) {
        match &outcome {
            ReloadOutcome::Loaded(ReloadChanges { added, changed, removed, unchanged }) => tracing::info!(
                added = added.len(),
                changed = changed.len(),
                removed = removed.len(),
                unchanged = unchanged.len(),
                "the models are loaded"
            ),
            ReloadOutcome::Refused(why) => {
                tracing::error!(why, "the new models are refused, and the old ones stay in use")
            }
        }
        *self.last.lock() = ReloadAttempt { at: attempt_time(), outcome, findings };
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let models = self.current().names();
        f.debug_struct("Catalogue").field("files", &self.files).field("models", &models).finish_non_exhaustive()
    }
}
