//! The engine's source of models: a catalogue, backed by the ledger.

use std::sync::Arc;

use lockgate_domain::Digest;
use lockgate_ledger::Storage;

use super::Catalogue;
use crate::Models;
use lockgate_engine::load::LoadedModel;

/// The models of a catalogue. For a deployment whose model was replaced, perhaps before this process started, the
/// ledger supplies the old model.
#[derive(Clone)]
pub struct KeptModels {
    catalogue: Arc<Catalogue>,
    storage: Arc<dyn Storage>,
}

impl KeptModels {
    /// The models of a catalogue, which [keeps](Catalogue::keep) them in this ledger.
    pub fn new(catalogue: Arc<Catalogue>, storage: Arc<dyn Storage>) -> Self {
        Self { catalogue, storage }
    }
}

impl Models for KeptModels {
    fn current(&self) -> Arc<[LoadedModel]> {
        self.catalogue.current().shared()
    }

    fn by_digest(&self, digest: Digest) -> Option<LoadedModel> {
        match self.catalogue.obtain(&*self.storage, digest) {
            Ok(model) => Some(model),
            Err(error) => {
                tracing::error!(%digest, %error, "a model that a deployment goes by cannot be had");
                None
            }
        }
    }
}
