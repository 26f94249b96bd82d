//! Deployments: request, revise, list, get.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use lockgate_domain::{Overlap, PersonId, Stage, TeamName};
use lockgate_service::{Booking, DeploymentSummary, NewDeployment, Page, PageRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{WholeList, at_version, created, listed, written};
use super::errors::unreadable;
use super::extract::{AtDeployment, Authenticated, TeamQuery, WriteRequest, limit, position};
use super::json_body::{JsonBody, MergePatch, RequestDocument};
use super::openapi_parts::{IdempotencyHeader, ReadErrors, STATUSES, WriteConditions, WriteErrors};
use super::state::ApiState;
use super::url_parts::QueryParams;
use crate::problem::Problem;

impl RequestDocument for NewDeployment {}

/// Which deployments.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeploymentsQuery {
    /// Only deployments of this team.
    #[param(value_type = Option<String>)]
    team: Option<TeamName>,
    /// Only deployments of the product with this id.
    product: Option<String>,
    /// Only deployments to the environment with this name.
    environment: Option<String>,
    /// Only deployments with this status.
    #[param(schema_with = super::openapi_parts::status)]
    status: Option<String>,
    /// Only deployments in this stage, or before its entrance.
    #[param(schema_with = super::openapi_parts::stage)]
    stage: Option<String>,
    /// Only deployments that the person with this id requested.
    #[param(value_type = Option<String>)]
    requester: Option<PersonId>,
    /// Where the page begins: `next` of the previous page.
    #[param(maximum = 9007199254740991i64)]
    cursor: Option<u64>,
    /// The most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
}

impl DeploymentsQuery {
    fn page(&self) -> Result<PageRequest, Problem> {
        let stages = Stage::ALL.map(Stage::as_str);
        for (name, known, value) in [("status", &STATUSES[..], &self.status), ("stage", &stages[..], &self.stage)] {
            if let Some(value) = value.as_deref().filter(|value| !known.contains(value)) {
                return Err(unreadable(format!("`{name}={value}` is not one of `{}`", known.join("`, `"))));
            }
        }
        Ok(PageRequest { before: position("cursor", self.cursor)?, limit: limit(self.limit)? })
    }

    fn has(&self, found: &DeploymentSummary) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        self.team.as_ref().is_none_or(|team| *team == found.team)
            && is(&self.product, &found.product)
            && is(&self.environment, &found.environment)
            && is(&self.status, found.position.status())
            && is(&self.stage, found.position.stage().as_str())
            && self.requester.as_ref().is_none_or(|requester| *requester == found.requester)
    }
}

/// List deployments
///
/// The deployments of your teams, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/deployments",
    operation_id = "list_deployments",
    tag = "deployments",
    params(DeploymentsQuery),
    responses(
        (status = 200, description = "A page of deployments.", body = ref("#/components/schemas/DeploymentSummaryPage")),
        ReadErrors,
    )
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
    QueryParams(query): QueryParams<DeploymentsQuery>,
) -> Result<Json<Page<DeploymentSummary>>, Problem> {
    let page = query.page()?;
    state.read(move |service| service.deployments(&actor, page, &|found| query.has(found))).await.map(Json)
}

/// Request a deployment
///
/// The document says what to deploy, where, when and how. Leave out what people and the host add later: approvals, waivers,
/// overlaps.
#[utoipa::path(
    post,
    path = "/api/v1/deployments",
    operation_id = "request_deployment",
    tag = "deployments",
    params(IdempotencyHeader),
    request_body(content = ref("#/components/schemas/NewDeployment"), content_type = "application/json"),
    responses(
        (
            status = 201, description = "The deployment, before the entrance of plan-and-approve.",
            body = ref("#/components/schemas/DeploymentView"),
            headers(
                ("ETag" = String, description = "The deployment's version, in quotes."),
                ("Location" = String, description = "The path of what was created."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn request(
    State(state): State<ApiState>,
    request: WriteRequest,
    JsonBody(new): JsonBody<NewDeployment>,
) -> Result<Response, Problem> {
    let team = new.team.clone();
    let done = state.write(request, move |service, write| service.request(write, &new)).await?;
    let DeploymentSummary { id, .. } = &done.value.summary;
    let at = AtDeployment::new(id.clone(), team);
    Ok(created(&done, &at.address("")))
}

/// Get a deployment
///
/// Its document and state, the possible next moves, and the approvals with whether each counts.
#[utoipa::path(
    get,
    path = "/api/v1/deployments/{id}",
    operation_id = "get_deployment",
    tag = "deployments",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery),
    responses(
        (
            status = 200, description = "The deployment.", body = ref("#/components/schemas/DeploymentView"),
            headers(("ETag" = String, description = "The deployment's version, in quotes."))
        ),
        ReadErrors,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
    at: AtDeployment,
) -> Result<Response, Problem> {
    let view = state.read(move |service| service.deployment(&actor, at.name(), service.now())).await?;
    Ok(at_version(view.summary.version, &view))
}

/// Revise a deployment
///
/// Send a JSON merge patch (RFC 7396) of the document. Approvals of what it changes no longer count.
#[utoipa::path(
    patch,
    path = "/api/v1/deployments/{id}",
    operation_id = "revise_deployment",
    tag = "deployments",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery, WriteConditions),
    request_body(content = inline(std::collections::BTreeMap<String, serde_json::Value>), content_type = "application/merge-patch+json"),
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
pub(super) async fn revise(
    State(state): State<ApiState>,
    at: AtDeployment,
    request: WriteRequest,
    MergePatch(patch): MergePatch,
) -> Result<Response, Problem> {
    let done = state.write_to(&at, request, move |service, write, at| service.revise(write, at, &patch)).await?;
    Ok(written(&done))
}

/// List overlapping deployments
///
/// Other deployments that are under way, or planned for a time that meets this deployment's slot: in its environment, of its
/// product or of one that it depends on or that depends on it in any environment, and those that need the same resources. Of
/// another team's deployment, neither the id nor the product is shown.
#[utoipa::path(
    get,
    path = "/api/v1/deployments/{id}/overlaps",
    operation_id = "deployment_overlaps",
    tag = "deployments",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery),
    responses(
        (status = 200, description = "The other deployments.", body = ref("#/components/schemas/OverlapList")),
        ReadErrors,
    )
)]
pub(super) async fn overlaps(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
    at: AtDeployment,
) -> Result<Json<WholeList<Overlap>>, Problem> {
    state.read(move |service| service.overlaps(&actor, at.name())).await.map(listed)
}

/// List the bookings around a deployment
///
/// What else is booked before anybody approves: the other deployments of `overlaps`, and those whose slot meets the change
/// window, each with whether its slot meets the one that this deployment asks for. Without a change window, all that are
/// planned. A deployment counts as planned from the exit of plan-and-approve on.
#[utoipa::path(
    get,
    path = "/api/v1/deployments/{id}/bookings",
    operation_id = "deployment_bookings",
    tag = "deployments",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery),
    responses(
        (status = 200, description = "The other deployments.", body = ref("#/components/schemas/BookingList")),
        ReadErrors,
    )
)]
pub(super) async fn bookings(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
    at: AtDeployment,
) -> Result<Json<WholeList<Booking>>, Problem> {
    state.read(move |service| service.bookings(&actor, at.name())).await.map(listed)
}
