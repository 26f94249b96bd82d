//! AuthZEN 1.0: may this subject take this action on this resource?
//!
//! The subject is who wants to go on, the action is a gate, and the resource is a deployment. The text that it follows is
//! the final Authorization API 1.0 of the OpenID Foundation: evaluation, evaluations and metadata. There is no search.
//!
//! An HTTP error is never a decision: it says that nothing was decided. Every decision that is answered is in the ledger,
//! by its id.

mod answer;
pub(super) mod evaluate;
pub(super) mod metadata;
mod request;

use utoipa::OpenApi;

/// The text of these routes for `OpenAPI`.
#[derive(OpenApi)]
#[openapi(
    paths(evaluate::evaluation, evaluate::evaluations, metadata::configuration),
    tags((name = "authzen", description = "Decisions by the AuthZEN 1.0 standard."))
)]
pub struct AuthZenApi;
