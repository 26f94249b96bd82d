//! The routes, and what they have in common.

mod access;
mod answer;
mod approvals;
pub mod audit;
pub mod authzen;
mod backpressure;
mod catalogue;
mod decisions;
mod delegations;
mod deployments;
pub mod errors;
mod events;
mod evidence;
pub mod extract;
mod gate_decision;
mod gates;
pub mod health;
mod hub;
mod json_body;
mod me;
mod mount;
pub mod opa;
mod openapi;
mod overrides;
mod progress;
mod rights_tables;
mod routes;
mod state;
mod url_parts;
mod wait;
mod waiting_looks;
mod waivers;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use lockgate_ledger::Storage;
use lockgate_service::DeploymentService;
use lockgate_service::catalogue::Catalogue;

pub use self::answer::IDEMPOTENT_REPLAYED;
use self::backpressure::Backpressure;
pub use self::events::Events;
pub(crate) use self::events::LAST_EVENT_ID;
pub use self::evidence::{EVIDENCE_MADE, EVIDENCE_SOURCE};
pub use self::health::{Check, Checks, Readiness};
pub use self::hub::Hub;
pub use self::me::Me;
pub use self::mount::mount;
use self::mount::{Doorkeeper, mount_with};
pub use self::openapi::{openapi, text as openapi_text};
pub use self::progress::{MoveName, NewMove};
pub use self::rights_tables::{UnmarkedPage, with_rights_tables};
pub use self::routes::{Access, RouteRow, route_rows};
pub use self::state::ApiState;
use crate::auth::Authenticator;
use crate::auth::access::GrantingRule;
use crate::config::Config;
use crate::observe::{DecisionLog, Metrics};
use crate::serve::{Intake, Lifecycle};

/// What a server has: the state of all routes. Cheap to clone.
#[derive(Clone)]
pub struct ServerState {
    /// What is configured.
    pub config: Arc<Config>,
    /// The ledger. It is closed at the end of a shutdown, if nobody holds on to it.
    pub storage: Arc<dyn Storage>,
    /// Does what is asked for.
    pub engine: DeploymentService,
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

/// All routes but those about the server's health.
pub fn router(state: &ServerState) -> Router {
    let limits = Arc::new(state.config.limits.clone());
    let (engine, catalogue) = (state.engine.clone(), Arc::clone(&state.catalogue));
    let rules = GrantingRule::all(&state.config.auth).into();
    let api = ApiState::new(engine, catalogue, limits, state.lifecycle.clone(), rules);
    let backpressure = Some(Backpressure::new(&state.decision_log, &state.metrics));
    let intake = Some(Intake::new(&state.config.limits, &state.metrics));
    mount_with(&api, &Doorkeeper { authenticator: Arc::clone(&state.authenticator), intake, backpressure })
}
