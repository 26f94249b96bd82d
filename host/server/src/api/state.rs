//! What the native routes share.

use std::sync::Arc;

use axum::http::StatusCode;
use lockgate_engine::catalogue::Catalogue;
use lockgate_engine::service::{Engine, EngineError};
use tracing::Span;

use super::audit::AuditState;
use super::errors::problem;
use super::hub::Hub;
use crate::config::LimitsConfig;
use crate::problem::Problem;
use crate::serve::Lifecycle;

/// What the native routes share. Cheap to clone.
#[derive(Clone)]
pub struct ApiState(Arc<Shared>);

/// What is shared.
pub struct Shared {
    /// Does what is asked for. Its methods wait for the disk and for plugins: [`ApiState::run`] calls them.
    pub engine: Engine,
    /// The models and plugins that are loaded.
    pub catalogue: Arc<Catalogue>,
    /// How much is taken, and for how long is waited.
    pub limits: Arc<LimitsConfig>,
    /// Tells those who wait that a deployment has changed.
    pub hub: Hub,
    /// Whether a shutdown has begun: then nobody is left waiting.
    pub lifecycle: Lifecycle,
}

impl ApiState {
    /// The state of a server with that engine and those models.
    pub fn new(engine: Engine, catalogue: Arc<Catalogue>, limits: Arc<LimitsConfig>, lifecycle: Lifecycle) -> Self {
        let hub = Hub::new(Arc::downgrade(engine.storage()));
        Self(Arc::new(Shared { engine, catalogue, limits, hub, lifecycle }))
    }

    /// Asks the engine something, on a thread that may wait.
    ///
    /// # Errors
    /// What the engine says, as HTTP says it.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, Problem> {
        let engine = self.engine.clone();
        blocking(move || work(&engine)).await?.map_err(problem)
    }
}

/// Does something on a thread that may wait, in the span of the request.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let span = Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await.map_err(|error| {
        tracing::error!(%error, "a request was given up because of a mistake in the server");
        Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
            .detail("this is a mistake in the server; its log tells more, under the id of the request")
    })
}

impl std::ops::Deref for ApiState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl axum::extract::FromRef<ApiState> for AuditState {
    fn from_ref(state: &ApiState) -> Self {
        Self::new(Arc::clone(state.engine.storage()))
    }
}
