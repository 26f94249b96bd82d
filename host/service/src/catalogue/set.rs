//! The models that are loaded at one time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use lockgate_domain::{Digest, ModelName, Timestamp};
use parking_lot::Mutex;

use lockgate_engine::load::LoadedModel;
use lockgate_engine::model::{ModelFindings, Source};

/// The models that are loaded at one time. A decision keeps one set from its first look to its last, so that it never
/// mixes two sets.
#[derive(Clone, Debug, Default)]
pub struct ModelSet {
    /// In order of id.
    models: Arc<[LoadedModel]>,
    pub(super) listed: Vec<Arc<ListedModel>>,
}

/// A model with its origin.
#[derive(Debug)]
pub(super) struct ListedModel {
    pub(super) model: LoadedModel,
    pub(super) file: PathBuf,
    pub(super) source: Source,
    /// The digests of the components that the model declares, by name. None for an unreadable component.
    pub(super) components: BTreeMap<String, Option<Digest>>,
    pub(super) warnings: ModelFindings,
    /// Since when the model with this id has been this one.
    pub(super) since: Timestamp,
    /// The components that the model uses, until the ledger has them.
    pub(super) unkept: Mutex<Option<UnkeptComponents>>,
}

/// Components by digest.
pub(super) type UnkeptComponents = BTreeMap<Digest, Arc<[u8]>>;

impl ModelSet {
    pub(super) fn new(mut listed: Vec<Arc<ListedModel>>) -> Self {
        listed.sort_by(|one, other| one.model.model().id.cmp(&other.model.model().id));
        Self { models: listed.iter().map(|listed| listed.model.clone()).collect(), listed }
    }

    /// All models, in order of id: [`choose`](fn@lockgate_engine::choose) chooses one of them.
    pub fn models(&self) -> &[LoadedModel] {
        &self.models
    }

    /// As [`Self::models`], as a shared slice.
    pub fn shared(&self) -> Arc<[LoadedModel]> {
        Arc::clone(&self.models)
    }

    /// The model with this digest.
    pub fn by_digest(&self, digest: Digest) -> Option<&LoadedModel> {
        self.models.iter().find(|model| model.digest() == digest)
    }

    /// The model with this id.
    pub fn by_id(&self, id: &str) -> Option<&LoadedModel> {
        self.models.iter().find(|model| model.model().id == id)
    }

    /// The names of the models, in order of id.
    pub fn names(&self) -> Vec<ModelName> {
        self.models.iter().map(LoadedModel::name).collect()
    }

    pub(super) fn listed(&self, id: &str) -> Option<&Arc<ListedModel>> {
        self.listed.iter().find(|listed| listed.model.model().id == id)
    }
}
