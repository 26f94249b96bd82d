//! AuthZEN 1.0: may this subject take this action on this resource?
//!
//! The subject is the person or program that wants to go on, the action is a gate, and the resource is a deployment.
//! The module follows the final Authorization API 1.0 of the OpenID Foundation: evaluation, evaluations and metadata,
//! but no search.
//!
//! An HTTP error is never a decision: it says that no decision was made. Every decision in an answer is in the ledger,
//! under its id.

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
