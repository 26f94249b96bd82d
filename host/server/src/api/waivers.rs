//! Waivers: exceptions that people grant in advance and that expire.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use lockgate_service::{NewWaiver, WaiverState};

use super::answer::{WholeList, created, listed, written};
use super::errors::missing;
use super::extract::{Authenticated, WriteRequest};
use super::json_body::{JsonBody, RequestDocument};
use super::openapi_parts::{IdempotencyHeader, ReadErrors, WriteErrors};
use super::state::ApiState;
use super::url_parts::PathParts;
use crate::problem::Problem;

impl RequestDocument for NewWaiver {
    const SET_BY_SERVER: &'static [(&'static str, &'static str)] =
        &[("id", "an id of its own"), ("owner", "the person who asks"), ("granted", "the time of the request")];
}

/// List waivers
///
/// Including expired and ended ones.
#[utoipa::path(
    get,
    path = "/api/v1/waivers",
    operation_id = "list_waivers",
    tag = "waivers",
    responses(
        (status = 200, description = "The waivers.", body = ref("#/components/schemas/WaiverStateList")),
        ReadErrors,
    )
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
) -> Result<Json<WholeList<WaiverState>>, Problem> {
    state.read(move |service| service.waivers(&actor)).await.map(listed)
}

/// Grant a waiver
///
/// You become its owner. A scope that matches nothing in the loaded models is refused. `warnings` lists the codes that none of
/// the bindings gave in the last 1,000 decisions.
#[utoipa::path(
    post,
    path = "/api/v1/waivers",
    operation_id = "grant_waiver",
    tag = "waivers",
    params(IdempotencyHeader),
    request_body(content = ref("#/components/schemas/NewWaiver"), content_type = "application/json"),
    responses(
        (
            status = 201, description = "The waiver.", body = ref("#/components/schemas/GrantedWaiver"),
            headers(
                ("Location" = String, description = "The path of what was created."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn grant(
    State(state): State<ApiState>,
    request: WriteRequest,
    JsonBody(new): JsonBody<NewWaiver>,
) -> Result<Response, Problem> {
    let done = state.write(request, move |service, write| service.waive(write, &new)).await?;
    Ok(created(&done, &format!("/api/v1/waivers/{}", done.value.state.waiver.id)))
}

/// Get a waiver
#[utoipa::path(
    get,
    path = "/api/v1/waivers/{id}",
    operation_id = "get_waiver",
    tag = "waivers",
    params(("id" = String, Path, description = "The id of the waiver.")),
    responses(
        (status = 200, description = "The waiver.", body = ref("#/components/schemas/WaiverState")),
        ReadErrors,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    PathParts(id): PathParts<String>,
    Authenticated(actor): Authenticated,
) -> Result<Json<WaiverState>, Problem> {
    let waivers = state.read(move |service| service.waivers(&actor)).await?;
    let found = waivers.into_iter().find(|known| known.waiver.id == id);
    found.map(Json).ok_or_else(|| missing("waiver", &id))
}

/// End a waiver early
#[utoipa::path(
    delete,
    path = "/api/v1/waivers/{id}",
    operation_id = "end_waiver",
    tag = "waivers",
    params(("id" = String, Path, description = "The id of the waiver."), IdempotencyHeader),
    responses(
        (
            status = 200, description = "The waiver after it ended.", body = ref("#/components/schemas/WaiverState"),
            headers(("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."))
        ),
        WriteErrors,
    )
)]
pub(super) async fn end(
    State(state): State<ApiState>,
    PathParts(id): PathParts<String>,
    request: WriteRequest,
) -> Result<Response, Problem> {
    let done = state.write(request, move |service, write| service.end_waiver(write, &id)).await?;
    Ok(written(&done))
}
