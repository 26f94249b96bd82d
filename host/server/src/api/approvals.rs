//! Approvals: given and taken back by people.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use lockgate_engine::service::{ApprovalView, NewApproval};
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{created, written};
use super::extract::{AtDeployment, Document, Intent, Parameters, TeamQuery, Who};
use super::openapi::{Conditions, Reading, Writing};
use super::state::ApiState;
use crate::problem::Problem;

/// Why something is taken back.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Why {
    /// The team that the deployment belongs to; needed where several of one's teams have a deployment of that id.
    #[serde(default)]
    #[expect(dead_code, reason = "`AtDeployment` reads it")]
    team: Option<String>,
    /// Why.
    #[serde(default)]
    reason: String,
}

/// Approves or rejects
///
/// In a role that one holds, or was lent. The answer names what was looked at: the `subject` of the deployment.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/approvals",
    operation_id = "give_approval",
    tag = "approvals",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery, Conditions),
    request_body(content = ref("#/components/schemas/NewApproval"), content_type = "application/json"),
    responses(
        (
            status = 201, description = "The answer as it was recorded.", body = ref("#/components/schemas/ApprovalView"),
            headers(
                ("ETag" = String, description = "The version of the deployment since, in quotes."),
                ("Location" = String, description = "Where it is."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        Writing,
    )
)]
pub(super) async fn give(
    State(state): State<ApiState>,
    at: AtDeployment,
    intent: Intent,
    Document(new): Document<NewApproval>,
) -> Result<Response, Problem> {
    let done = state.write_to(&at, intent, move |engine, write, at| engine.approve(write, at, &new)).await?;
    let approval = &done.value.approval.approval.id;
    Ok(created(&done, &at.address(&format!("/approvals/{approval}"))))
}

/// Looks at an approval
///
/// Whether it counts, and if not, why.
#[utoipa::path(
    get,
    path = "/api/v1/deployments/{id}/approvals/{approval}",
    operation_id = "get_approval",
    tag = "approvals",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        TeamQuery,
        ("approval" = String, Path, description = "The id of the approval."),
    ),
    responses(
        (status = 200, description = "The answer.", body = ref("#/components/schemas/ApprovalView")),
        Reading,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    at: AtDeployment,
    Path((_, approval)): Path<(String, String)>,
    Who(actor): Who,
) -> Result<Json<ApprovalView>, Problem> {
    let view = state.run(move |engine| engine.deployment(&actor, at.name(), engine.now())).await?;
    let found = view.approvals.into_iter().find(|known| known.approval.approval.id == approval);
    found.map(Json).ok_or_else(|| missing("approval", &approval))
}

/// Takes an approval back
///
/// By whoever gave it, or in whose place it was given.
#[utoipa::path(
    delete,
    path = "/api/v1/deployments/{id}/approvals/{approval}",
    operation_id = "revoke_approval",
    tag = "approvals",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        ("approval" = String, Path, description = "The id of the approval."),
        Why,
        Conditions,
    ),
    responses(
        (
            status = 200, description = "The answer as it is since.", body = ref("#/components/schemas/ApprovalView"),
            headers(
                ("ETag" = String, description = "The version of the deployment since, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        Writing,
    )
)]
pub(super) async fn revoke(
    State(state): State<ApiState>,
    at: AtDeployment,
    Path((_, approval)): Path<(String, String)>,
    Parameters(why): Parameters<Why>,
    intent: Intent,
) -> Result<Response, Problem> {
    let revoke =
        state.write_to(&at, intent, move |engine, write, at| engine.revoke_approval(write, at, &approval, &why.reason));
    let done = revoke.await?;
    Ok(written(&done))
}

/// There is no such thing.
pub(super) fn missing(what: &str, id: &str) -> Problem {
    Problem::of_status(StatusCode::NOT_FOUND)
        .detail(format!("there is no {what} `{id}`"))
        .with("what", what)
        .with("id", id)
}
