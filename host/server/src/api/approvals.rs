//! Approvals: people give and revoke them.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use lockgate_domain::TeamName;
use lockgate_service::{ApprovalView, NewApproval};
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{created, written};
use super::errors::missing;
use super::extract::{AtDeployment, Authenticated, TeamQuery, WriteRequest};
use super::json_body::{JsonBody, RequestDocument};
use super::openapi_parts::{ReadErrors, WriteConditions, WriteErrors};
use super::state::ApiState;
use super::url_parts::{PathParts, QueryParams};
use crate::problem::Problem;

impl RequestDocument for NewApproval {
    const SET_BY_SERVER: &'static [(&'static str, &'static str)] =
        &[("id", "an id of its own"), ("person", "the person who asks"), ("at", "the time of the request")];
}

/// Parameters of taking an approval back.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RevokeQuery {
    /// The deployment's team. Required if several of your teams have a deployment with this id.
    #[serde(default)]
    #[expect(dead_code, reason = "`AtDeployment` reads it")]
    #[param(value_type = Option<String>)]
    team: Option<TeamName>,
    /// The reason.
    #[serde(default)]
    reason: String,
}

/// Approve or reject
///
/// You answer in one of your roles, or in a role that was lent to you. Name the deployment's `subject` that you looked at.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/approvals",
    operation_id = "give_approval",
    tag = "approvals",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery, WriteConditions),
    request_body(content = ref("#/components/schemas/NewApproval"), content_type = "application/json"),
    responses(
        (
            status = 201, description = "The recorded answer.", body = ref("#/components/schemas/ApprovalView"),
            headers(
                ("ETag" = String, description = "The deployment's new version, in quotes."),
                ("Location" = String, description = "The path of what was created."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn give(
    State(state): State<ApiState>,
    at: AtDeployment,
    request: WriteRequest,
    JsonBody(new): JsonBody<NewApproval>,
) -> Result<Response, Problem> {
    let done = state.write_to(&at, request, move |service, write, at| service.approve(write, at, &new)).await?;
    let approval = &done.value.approval.approval.id;
    Ok(created(&done, &at.address(&format!("/approvals/{approval}"))))
}

/// Get an approval
///
/// The answer says whether the approval counts, and if not, why.
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
        (status = 200, description = "The approval.", body = ref("#/components/schemas/ApprovalView")),
        ReadErrors,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    at: AtDeployment,
    PathParts((_, approval)): PathParts<(String, String)>,
    Authenticated(actor): Authenticated,
) -> Result<Json<ApprovalView>, Problem> {
    let view = state.read(move |service| service.deployment(&actor, at.name(), service.now())).await?;
    let found = view.approvals.into_iter().find(|known| known.approval.approval.id == approval);
    found.map(Json).ok_or_else(|| missing("approval", &approval))
}

/// Take an approval back
///
/// Only the person who gave it can, or the person on whose behalf it was given.
#[utoipa::path(
    delete,
    path = "/api/v1/deployments/{id}/approvals/{approval}",
    operation_id = "revoke_approval",
    tag = "approvals",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        ("approval" = String, Path, description = "The id of the approval."),
        RevokeQuery,
        WriteConditions,
    ),
    responses(
        (
            status = 200, description = "The approval, revoked.", body = ref("#/components/schemas/ApprovalView"),
            headers(
                ("ETag" = String, description = "The deployment's new version, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn revoke(
    State(state): State<ApiState>,
    at: AtDeployment,
    PathParts((_, approval)): PathParts<(String, String)>,
    QueryParams(query): QueryParams<RevokeQuery>,
    request: WriteRequest,
) -> Result<Response, Problem> {
    let revoke = state
        .write_to(&at, request, move |service, write, at| service.revoke_approval(write, at, &approval, &query.reason));
    let done = revoke.await?;
    Ok(written(&done))
}
