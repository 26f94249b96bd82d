//! All routes together, and who may come to which.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use lockgate_engine::authority::{Actor, Right};
use lockgate_engine::service::EngineError;

use super::state::ApiState;
use super::{audit, authzen, description, errors, native, opa};
use crate::auth::{Authenticator, authenticate};

/// All routes but those about the server's health. Whoever comes to them has said who they are, except where a client
/// looks first to find out how.
pub fn mount(state: &ApiState, authenticator: &Arc<Authenticator>) -> Router {
    let audit = Router::new().nest(audit::PREFIX, audit::routes().route_layer(from_fn(for_auditors)));
    let known = audit.merge(authzen::routes()).merge(opa::routes()).with_state(state.clone());
    let known = known.merge(native(state.clone()));
    let known = known.route_layer(from_fn_with_state(Arc::clone(authenticator), authenticate));
    known.merge(authzen::open().with_state(state.clone())).merge(description())
}

/// A middleware: lets those through who may read the audit log.
async fn for_auditors(request: Request, next: Next) -> Response {
    match request.extensions().get::<Actor>().map(|actor| actor.require(Right::Audit)) {
        Some(Err(forbidden)) => errors::problem(EngineError::Forbidden(forbidden)).into_response(),
        _ => next.run(request).await,
    }
}
