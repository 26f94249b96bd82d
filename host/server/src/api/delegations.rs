//! Delegations: a role that somebody lends to somebody else, for a while.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use lockgate_engine::service::{Delegation, NewDelegation};

use super::answer::{created, written};
use super::approvals::missing;
use super::extract::{Document, Intent, Who};
use super::openapi::{Reading, Repeatable, Writing};
use super::state::ApiState;
use crate::problem::Problem;

/// Lists delegations
///
/// Those that whoever asks lent or was lent, also those that are over; administrators and auditors see all.
#[utoipa::path(
    get,
    path = "/api/v1/delegations",
    operation_id = "list_delegations",
    tag = "delegations",
    responses(
        (status = 200, description = "The delegations.", body = ref("#/components/schemas/Delegations")),
        Reading,
    )
)]
pub(super) async fn list(State(state): State<ApiState>, Who(actor): Who) -> Result<Json<Vec<Delegation>>, Problem> {
    state.run(move |engine| engine.delegations(&actor)).await.map(Json)
}

/// Lends a role
///
/// One's own, to somebody else, until a moment.
#[utoipa::path(
    post,
    path = "/api/v1/delegations",
    operation_id = "delegate",
    tag = "delegations",
    params(Repeatable),
    request_body(content = ref("#/components/schemas/NewDelegation"), content_type = "application/json"),
    responses(
        (
            status = 201, description = "The delegation.", body = ref("#/components/schemas/Delegation"),
            headers(
                ("Location" = String, description = "Where it is."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        Writing,
    )
)]
pub(super) async fn lend(
    State(state): State<ApiState>,
    intent: Intent,
    Document(new): Document<NewDelegation>,
) -> Result<Response, Problem> {
    let done = state.write(intent, move |engine, write| engine.delegate(write, &new)).await?;
    Ok(created(&done, &format!("/api/v1/delegations/{}", done.value.id)))
}

/// Looks at a delegation
#[utoipa::path(
    get,
    path = "/api/v1/delegations/{id}",
    operation_id = "get_delegation",
    tag = "delegations",
    params(("id" = String, Path, description = "The id of the delegation.")),
    responses(
        (status = 200, description = "The delegation.", body = ref("#/components/schemas/Delegation")),
        Reading,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    Who(actor): Who,
) -> Result<Json<Delegation>, Problem> {
    let delegations = state.run(move |engine| engine.delegations(&actor)).await?;
    delegations.into_iter().find(|known| known.id == id).map(Json).ok_or_else(|| missing("delegation", &id))
}

/// Ends a delegation before its time
///
/// By whoever lent the role, whoever was lent it, or an administrator.
#[utoipa::path(
    delete,
    path = "/api/v1/delegations/{id}",
    operation_id = "end_delegation",
    tag = "delegations",
    params(("id" = String, Path, description = "The id of the delegation."), Repeatable),
    responses(
        (
            status = 200, description = "The delegation since.", body = ref("#/components/schemas/Delegation"),
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
    let done = state.write(intent, move |engine, write| engine.end_delegation(write, &id)).await?;
    Ok(written(&done))
}
