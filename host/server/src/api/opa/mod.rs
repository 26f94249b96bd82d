//! The data API of OPA, for clients that ask OPA today: each gate is a document.
//!
//! `POST /v1/data/lockgate/fulfill/entrance` with `{"input": {"deployment": "<id>"}}` asks the gate, and answers with a
//! document that begins with `allow`. A longer path selects a part of it, and a missing part is undefined, as in OPA.
//! The input only names a deployment: any statement about it could be forged.

mod document;
pub(super) mod query;
mod read;

use utoipa::OpenApi;

/// The text of these routes for `OpenAPI`.
#[derive(OpenApi)]
#[openapi(
    paths(
        query::get_gate,
        query::post_gate,
        query::get_part,
        query::post_part,
        query::get_all,
        query::post_all,
        query::get_undefined,
        query::post_undefined,
    ),
    tags((name = "opa", description = "The data API of OPA: each gate is a document."))
)]
pub struct OpaApi;
