//! AuthZEN 1.0: may this subject take this action on this resource?
//!
//! The subject is who wants to go on, the action is a gate, and the resource is a deployment. The text that it follows is
//! the final Authorization API 1.0 of the OpenID Foundation: evaluation, evaluations and metadata. There is no search.
//!
//! An HTTP error is never a decision: it says that nothing was decided. Every decision that is answered is in the ledger,
//! by its id.

mod answer;
mod evaluate;
mod metadata;
mod request;

use axum::Router;
use axum::routing::{get, post};
use utoipa::OpenApi;

use super::state::ApiState;

/// The text of these routes for `OpenAPI`.
#[derive(OpenApi)]
#[openapi(
    paths(evaluate::evaluation, evaluate::evaluations, metadata::configuration),
    tags((name = "authzen", description = "AuthZEN 1.0: decisions for whoever speaks the standard."))
)]
pub struct AuthZenApi;

/// Where decisions are asked for.
const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
/// Where it is said what there is.
const CONFIGURATION: &str = "/.well-known/authzen-configuration";

/// The routes for those who have said who they are.
pub fn routes() -> Router<ApiState> {
    Router::new().route(EVALUATION, post(evaluate::evaluation)).route(EVALUATIONS, post(evaluate::evaluations))
}

/// The routes that are open to everybody.
pub fn open() -> Router<ApiState> {
    Router::new().route(CONFIGURATION, get(metadata::configuration))
}
