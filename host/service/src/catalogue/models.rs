//! What the engine gets its models from: a catalogue, and behind it the ledger.

use std::sync::Arc;

use lockgate_domain::Digest;
use lockgate_ledger::Storage;

use super::Catalogue;
use crate::Models;
use lockgate_engine::load::LoadedModel;

/// The models of a catalogue; and for deployments that go by one that was replaced, before this process was started
/// perhaps, those that the ledger keeps.
#[derive(Clone)]
pub struct KeptModels {
    catalogue: Arc<Catalogue>,
    storage: Arc<dyn Storage>,
}

impl KeptModels {
    /// The models of that catalogue, which [keeps](Catalogue::keep) them in that ledger.
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
