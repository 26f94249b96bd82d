//! The models of a running server. All are replaced at once, while decisions go on.
//!
//! New models are loaded beside the old ones, and replace them in one step if all of them are good. If one is not,
//! everything stays as it was, and [`Catalogue::status`] says so. A decision in progress keeps its old [`ModelSet`] to
//! the end. A deployment continues with the model under which it was approved: the catalogue
//! [retains](Catalogue::retained) that model when it is replaced, and [restores](Catalogue::restore) it from the ledger
//! after a restart. The ledger [keeps](Catalogue::keep) the text of every model and the components of its plugins.

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
use lockgate_domain::{AttestRules, Digest, ModelName, Timestamp};
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

/// The models of a running server. Many threads may call each method. Methods that load block for as long as compiling
/// takes, and delay no decision.
pub struct Catalogue {
    runtime: Runtime,
    files: Vec<PathBuf>,
    /// Who may attest entries of registers, for the warnings.
    attest: AttestRules,
    current: ArcSwap<ModelSet>,
    retained: Mutex<BTreeMap<Digest, LoadedModel>>,
    last: Mutex<ReloadAttempt>,
    watch: Mutex<FileWatch>,
    /// Held while models are loaded.
    loading: Mutex<()>,
    /// Held while a model is restored, so that a model that many callers ask for at once is compiled once.
    restoring: Mutex<()>,
}

/// Why a reload failed and the models stayed as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The new models cannot be used.
    #[error(transparent)]
    Models(#[from] CatalogueError),
    /// The ledger does not accept the new models.
    #[error(transparent)]
    Keep(#[from] KeepError),
}

impl Catalogue {
    /// Loads the models of these files, and from each folder among them the files whose names end in `.toml`. Paths of
    /// plugins start at the folder of the model's file.
    ///
    /// Also returns the warnings, for each file that has some. One kind of them is about demands that nobody can meet whom `attest`
    /// lets attest entries of registers.
    ///
    /// # Errors
    /// Everything that is wrong with all of the models.
    pub fn load(
        runtime: Runtime,
        files: Vec<PathBuf>,
        attest: AttestRules,
    ) -> Result<(Self, Vec<FileFindings>), CatalogueError> {
        let at = attempt_time();
        let outcome = ReloadOutcome::Loaded(ReloadChanges::default());
        let catalogue = Self {
            runtime,
            files,
            attest,
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

    /// The models in use. A decision takes them once, and keeps them to its end.
    pub fn current(&self) -> Arc<ModelSet> {
        self.current.load_full()
    }

    /// Loads all models again, and replaces those in use if all of the new ones are good. A model whose bytes have not
    /// changed is not loaded again.
    ///
    /// # Errors
    /// Everything that is wrong with the new models. Then the old models stay in use, and [`Self::status`] says so.
    pub fn reload(&self) -> Result<ReloadChanges, CatalogueError> {
        let _alone = self.loading.lock();
        let prepared = self.prepare()?;
        Ok(self.install(prepared))
    }

    /// Reloads as [`Self::reload`] does, and records as [`Self::keep`] does before the new models are in use, so that
    /// no model decides before the ledger has it.
    ///
    /// # Errors
    /// Everything that is wrong with the new models, or the error of the ledger. Then the old models stay in use.
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

    /// Whether the files have changed since the last attempt to load them, even if that attempt failed. The check is
    /// cheap enough for every few seconds. It ignores the directories that are granted to plugins.
    pub fn changed(&self) -> bool {
        self.watch.lock().changed(&files::model_files(&self.files))
    }

    /// Records the models in use in the ledger, each with its text and the components of its plugins, unless the last
    /// record of that version already has the same model. A catalogue always uses the same ledger.
    ///
    /// # Errors
    /// The error of the ledger. Some models may be recorded already; another call records the rest.
    pub fn keep(&self, storage: &dyn Storage, now: Timestamp) -> Result<KeepReport, KeepError> {
        keep::keep(&self.current(), storage, now)
    }

    /// The loaded models, and the result of the last attempt to load.
    pub fn status(&self) -> CatalogueStatus {
        // In this order: the models in use are at least as new as the attempt.
        let last = self.last.lock().clone();
        let models = self.current().listed.iter().map(|listed| ModelStatus::of(listed)).collect();
        let mut retained: Vec<ModelName> = self.retained.lock().values().map(LoadedModel::name).collect();
        retained.sort();
        CatalogueStatus { models, retained, last }
    }

    /// A model that was replaced or restored, and not retired since.
    pub fn retained(&self, digest: Digest) -> Option<LoadedModel> {
        self.retained.lock().get(&digest).cloned()
    }

    /// A model that is in use or retained.
    pub fn find(&self, digest: Digest) -> Option<LoadedModel> {
        self.current().by_digest(digest).cloned().or_else(|| self.retained(digest))
    }

    /// Drops the retained models that are not in `needed`, and returns their number. A caller that holds one can still
    /// use it.
    pub fn retire(&self, needed: &BTreeSet<Digest>) -> usize {
        let mut retained = self.retained.lock();
        let before = retained.len();
        retained.retain(|digest, _| needed.contains(digest));
        before - retained.len()
    }

    /// The model of a deployment: in use, retained, or [restored](Self::restore).
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

    /// Loads a model from the ledger alone, and retains it. Directories that the model grants are the exception: they
    /// are looked for from the folder of the file that has the model with the same id in use.
    ///
    /// # Errors
    /// If the ledger lacks a part of the model, or it cannot be loaded as the same model.
    pub fn restore(&self, storage: &dyn Storage, digest: Digest) -> Result<LoadedModel, RestoreError> {
        let model = restore::restore(&self.runtime, &self.current(), storage, digest)?;
        self.retained.lock().insert(digest, model.clone());
        Ok(model)
    }

    /// Loads all models beside those in use.
    fn prepare(&self) -> Result<PreparedModels, CatalogueError> {
        let (watch, prepared) = prepare::prepare((&self.runtime, &self.attest), &self.files, &self.current());
        *self.watch.lock() = watch;
        prepared.inspect_err(|error| {
            let why = format!("{} cannot be used", lockgate_engine::model::listed(error.wrong()));
            self.attempted(ReloadOutcome::Refused(why), error.files.clone());
        })
    }

    /// Replaces the models in use by the new ones.
    fn install(&self, prepared: PreparedModels) -> ReloadChanges {
        let PreparedModels { set, findings } = prepared;
        let old = self.current();
        let reloaded = prepare::compare(&old, &set);
        // Before they are out of use, so that they can be found at every moment.
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
                tracing::error!(why, "the models are refused; those in use before, if any, stay in use")
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
