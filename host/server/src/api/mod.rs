//! The routes, and what they have in common.

mod answer;
mod approvals;
mod ask;
pub mod audit;
pub mod authzen;
mod behind;
mod catalogue;
mod decisions;
mod delegations;
mod deployments;
pub mod errors;
mod events;
mod evidence;
pub mod extract;
mod gates;
pub mod health;
mod hub;
mod me;
mod mount;
mod native;
pub mod opa;
mod openapi;
mod overrides;
mod progress;
mod state;
mod wait;
mod waivers;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use lockgate_engine::catalogue::Catalogue;
use lockgate_engine::service::Engine;
use lockgate_ledger::Storage;

pub use self::answer::IDEMPOTENT_REPLAYED;
pub use self::events::Events;
pub use self::evidence::EVIDENCE_SOURCE;
pub use self::health::{Check, Checks, Readiness};
pub use self::hub::Hub;
pub use self::me::Me;
pub use self::mount::mount;
pub use self::native::{description, native};
pub use self::openapi::{openapi, text as openapi_text};
pub use self::progress::{MoveName, NewMove};
pub use self::state::ApiState;
use crate::auth::Authenticator;
use crate::config::Config;
use crate::observe::{DecisionLog, Metrics};
use crate::serve::Lifecycle;

/// What a server has: the state of all routes. Cheap to clone.
#[derive(Clone)]
pub struct ServerState {
    /// What is configured.
    pub config: Arc<Config>,
    /// The ledger. It is closed at the end of a shutdown, if nobody holds on to it.
    pub storage: Arc<dyn Storage>,
    /// Does what is asked for.
    pub engine: Engine,
    /// The models and plugins that are loaded.
    pub catalogue: Arc<Catalogue>,
    /// Says who asks.
    pub authenticator: Arc<Authenticator>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where decisions are sent.
    pub decision_log: Arc<DecisionLog>,
    /// What readiness depends on.
    pub checks: Arc<Checks>,
    /// Whether a shutdown has begun, and when models are to be loaded anew.
    pub lifecycle: Lifecycle,
}

impl FromRef<ServerState> for audit::AuditState {
    fn from_ref(state: &ServerState) -> Self {
        Self::new(Arc::clone(&state.storage))
    }
}

/// The routes that wait for their turn: all but those about the server's health.
pub fn router(state: &ServerState) -> Router {
    let limits = Arc::new(state.config.limits.clone());
    let (engine, catalogue) = (state.engine.clone(), Arc::clone(&state.catalogue));
    let behind = behind::Behind::new(&state.decision_log, &state.metrics);
    mount(&ApiState::new(engine, catalogue, limits, state.lifecycle.clone()), &state.authenticator)
        .layer(axum::middleware::from_fn_with_state(behind, behind::keep_up))
}
