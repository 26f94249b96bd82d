//! Stops of the line: somebody stops deployments for a while.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use lockgate_service::{NewStop, StopState};

use super::answer::{WholeList, created, listed, written};
use super::errors::missing;
use super::extract::{Authenticated, WriteRequest};
use super::json_body::{JsonBody, RequestDocument};
use super::openapi_parts::{IdempotencyHeader, ReadErrors, WriteErrors};
use super::state::ApiState;
use super::url_parts::PathParts;
use crate::problem::Problem;

impl RequestDocument for NewStop {
    const SET_BY_SERVER: &'static [(&'static str, &'static str)] =
        &[("id", "an id of its own"), ("by", "the person who asks"), ("placed", "the time of the request")];
}

/// List stops of the line
///
/// Those of your teams and those for all teams, the newest first, including past ones.
#[utoipa::path(
    get,
    path = "/api/v1/stops",
    operation_id = "list_stops",
    tag = "stops",
    responses(
        (status = 200, description = "The stops.", body = ref("#/components/schemas/StopStateList")),
        ReadErrors,
    )
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
) -> Result<Json<WholeList<StopState>>, Problem> {
    state.read(move |service| service.stops(&actor, service.now())).await.map(listed)
}

/// Stop the line
///
/// No deployment in the scope passes a gate or begins a step of its rollout until the stop ends or is lifted, on any server. The
/// way back stays open. A model may keep its hotfix lane open for emergency changes.
#[utoipa::path(
    post,
    path = "/api/v1/stops",
    operation_id = "stop_line",
    tag = "stops",
    params(IdempotencyHeader),
    request_body(content = ref("#/components/schemas/NewStop"), content_type = "application/json"),
    responses(
        (
            status = 201, description = "The stop.", body = ref("#/components/schemas/StopState"),
            headers(
                ("Location" = String, description = "The path of what was created."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn place(
    State(state): State<ApiState>,
    request: WriteRequest,
    JsonBody(new): JsonBody<NewStop>,
) -> Result<Response, Problem> {
    let done = state.write(request, move |service, write| service.stop(write, &new)).await?;
    Ok(created(&done, &format!("/api/v1/stops/{}", done.value.stop.id)))
}

/// Get a stop of the line
#[utoipa::path(
    get,
    path = "/api/v1/stops/{id}",
    operation_id = "get_stop",
    tag = "stops",
    params(("id" = String, Path, description = "The id of the stop.")),
    responses(
        (status = 200, description = "The stop.", body = ref("#/components/schemas/StopState")),
        ReadErrors,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    PathParts(id): PathParts<String>,
    Authenticated(actor): Authenticated,
) -> Result<Json<StopState>, Problem> {
    let stops = state.read(move |service| service.stops(&actor, service.now())).await?;
    let found = stops.into_iter().find(|known| known.stop.id == id);
    found.map(Json).ok_or_else(|| missing("stop", &id))
}

/// Lift a stop of the line
#[utoipa::path(
    delete,
    path = "/api/v1/stops/{id}",
    operation_id = "lift_stop",
    tag = "stops",
    params(("id" = String, Path, description = "The id of the stop."), IdempotencyHeader),
    responses(
        (
            status = 200, description = "The stop after it was lifted.", body = ref("#/components/schemas/StopState"),
            headers(("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."))
        ),
        WriteErrors,
    )
)]
pub(super) async fn lift(
    State(state): State<ApiState>,
    PathParts(id): PathParts<String>,
    request: WriteRequest,
) -> Result<Response, Problem> {
    let done = state.write(request, move |service, write| service.lift_stop(write, &id)).await?;
    Ok(written(&done))
}
