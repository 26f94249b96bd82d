//! Hand-overs: what was deployed is handed over to those who operate it; and the exposures that this opens.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use lockgate_service::{DeploymentService, NewHandOver, OpenExposure, Page};

use super::answer::written;
use super::extract::{AtDeployment, Authenticated, Paging, TeamQuery, WriteRequest};
use super::json_body::{JsonBody, RequestDocument};
use super::openapi_parts::{ReadErrors, WriteConditions, WriteErrors};
use super::state::ApiState;
use super::url_parts::QueryParams;
use crate::problem::Problem;

impl RequestDocument for NewHandOver {
    const SET_BY_SERVER: &'static [(&'static str, &'static str)] = &[
        ("proposed_by", "the person who asks"),
        ("proposed", "the time of the request"),
        ("accepted_by", "the person who accepts it"),
        ("accepted", "the time at which it is accepted"),
    ];
}

/// Propose a hand-over
///
/// Say who takes over, and what they get. A new proposal replaces the earlier one, and has to be accepted again. A deployment to a live
/// environment leaves observe only with an accepted hand-over.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/hand-over",
    operation_id = "propose_hand_over",
    tag = "deployments",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery, WriteConditions),
    request_body(content = ref("#/components/schemas/NewHandOver"), content_type = "application/json"),
    responses(
        (
            status = 200, description = "The deployment after the change.", body = ref("#/components/schemas/DeploymentView"),
            headers(
                ("ETag" = String, description = "The deployment's version, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn propose(
    State(state): State<ApiState>,
    at: AtDeployment,
    request: WriteRequest,
    JsonBody(new): JsonBody<NewHandOver>,
) -> Result<Response, Problem> {
    let propose = state.write_to(&at, request, move |service, write, at| service.propose_hand_over(write, at, &new));
    let done = propose.await?;
    Ok(written(&done))
}

/// Accept a hand-over
///
/// The person who takes over can, or a member of the team, with a credential of their own; the person who proposed it cannot. Send the
/// version that you looked at as `If-Match`, so that you accept what you saw.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/hand-over/acceptance",
    operation_id = "accept_hand_over",
    tag = "deployments",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery, WriteConditions),
    responses(
        (
            status = 200, description = "The deployment after the change.", body = ref("#/components/schemas/DeploymentView"),
            headers(
                ("ETag" = String, description = "The deployment's version, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn accept(
    State(state): State<ApiState>,
    at: AtDeployment,
    request: WriteRequest,
) -> Result<Response, Problem> {
    let done = state.write_to(&at, request, DeploymentService::accept_hand_over).await?;
    Ok(written(&done))
}

/// List exposures
///
/// What became operational in a live environment, the newest first. It is deployed, and can be released to its users: whether that
/// happens is decided in the Release stream.
#[utoipa::path(
    get,
    path = "/api/v1/exposures",
    operation_id = "list_exposures",
    tag = "deployments",
    params(Paging),
    responses(
        (status = 200, description = "A page of exposures.", body = ref("#/components/schemas/OpenExposurePage")),
        ReadErrors,
    )
)]
pub(super) async fn exposures(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
    QueryParams(paging): QueryParams<Paging>,
) -> Result<Json<Page<OpenExposure>>, Problem> {
    let page = paging.page()?;
    state.read(move |service| service.exposures(&actor, page)).await.map(Json)
}
