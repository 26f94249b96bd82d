//! The data API of OPA, for those who ask OPA today: each gate is a document.
//!
//! `POST /v1/data/lockgate/fulfill/entrance` with `{"input": {"deployment": "<id>"}}` asks the gate, and answers with a
//! document that begins with `allow`; a longer path walks into it, and what is not there is undefined, as in OPA. The
//! input names a deployment and says nothing about it: what could be said could be forged.

mod document;
mod query;
mod read;

use axum::Router;
use axum::routing::get;
use utoipa::OpenApi;

use super::state::ApiState;

/// The text of these routes for `OpenAPI`.
#[derive(OpenApi)]
#[openapi(
    paths(query::get_gate, query::post_gate, query::get_part, query::post_part),
    tags((name = "opa", description = "The data API of OPA: each gate is a document."))
)]
pub struct OpaApi;

/// The routes for those who have said who they are.
pub fn routes() -> Router<ApiState> {
    let undefined = || get(query::undefined).post(query::undefined);
    Router::new()
        .route("/v1/data/lockgate/{stage}/{phase}", get(query::get_gate).post(query::post_gate))
        .route("/v1/data/lockgate/{stage}/{phase}/{*part}", get(query::get_part).post(query::post_part))
        .route("/v1/data", undefined())
        .route("/v1/data/{*path}", undefined())
}
