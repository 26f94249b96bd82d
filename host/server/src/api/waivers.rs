//! Waivers: exceptions that are granted in advance, and end.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use lockgate_engine::service::{NewWaiver, WaiverState};

use super::answer::{created, written};
use super::approvals::missing;
use super::extract::{Document, Intent, Who};
use super::openapi::{Reading, Repeatable, Writing};
use super::state::ApiState;
use crate::problem::Problem;

/// Lists waivers
///
/// Also those that are over.
#[utoipa::path(
    get,
    path = "/api/v1/waivers",
    operation_id = "list_waivers",
    tag = "waivers",
    responses(
        (status = 200, description = "The waivers.", body = ref("#/components/schemas/Waivers")),
        Reading,
    )
)]
pub(super) async fn list(State(state): State<ApiState>, Who(actor): Who) -> Result<Json<Vec<WaiverState>>, Problem> {
    state.run(move |engine| engine.waivers(&actor)).await.map(Json)
}

/// Grants a waiver
///
/// Whoever grants it answers for it.
#[utoipa::path(
    post,
    path = "/api/v1/waivers",
    operation_id = "grant_waiver",
    tag = "waivers",
    params(Repeatable),
    request_body(content = ref("#/components/schemas/NewWaiver"), content_type = "application/json"),
    responses(
        (
            status = 201, description = "The waiver.", body = ref("#/components/schemas/WaiverState"),
            headers(
                ("Location" = String, description = "Where it is."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        Writing,
    )
)]
pub(super) async fn grant(
    State(state): State<ApiState>,
    intent: Intent,
    Document(new): Document<NewWaiver>,
) -> Result<Response, Problem> {
    let done = state.write(intent, move |engine, write| engine.waive(write, &new)).await?;
    Ok(created(&done, &format!("/api/v1/waivers/{}", done.value.waiver.id)))
}

/// Looks at a waiver
#[utoipa::path(
    get,
    path = "/api/v1/waivers/{id}",
    operation_id = "get_waiver",
    tag = "waivers",
    params(("id" = String, Path, description = "The id of the waiver.")),
    responses(
        (status = 200, description = "The waiver.", body = ref("#/components/schemas/WaiverState")),
        Reading,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    Who(actor): Who,
) -> Result<Json<WaiverState>, Problem> {
    let waivers = state.run(move |engine| engine.waivers(&actor)).await?;
    let found = waivers.into_iter().find(|known| known.waiver.id == id);
    found.map(Json).ok_or_else(|| missing("waiver", &id))
}

/// Ends a waiver before its time
#[utoipa::path(
    delete,
    path = "/api/v1/waivers/{id}",
    operation_id = "end_waiver",
    tag = "waivers",
    params(("id" = String, Path, description = "The id of the waiver."), Repeatable),
    responses(
        (
            status = 200, description = "The waiver since.", body = ref("#/components/schemas/WaiverState"),
            headers(("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."))
        ),
        Writing,
    )
)]
pub(super) async fn end(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    intent: Intent,
) -> Result<Response, Problem> {
    let done = state.write(intent, move |engine, write| engine.end_waiver(write, &id)).await?;
    Ok(written(&done))
}
