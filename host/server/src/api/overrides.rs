//! Overrides: taken in an emergency, confirmed by a second person, reviewed afterwards.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use lockgate_service::lifecycle::OverrideState;
use lockgate_service::{NewOverride, NewReview, Page, PageRequest, PendingOverride};
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{created, written};
use super::errors::missing;
use super::extract::{AtDeployment, Authenticated, TeamQuery, WriteRequest, limit, position};
use super::json_body::{JsonBody, RequestDocument};
use super::openapi_parts::{ReadErrors, WriteConditions, WriteErrors};
use super::state::ApiState;
use super::url_parts::{PathParts, QueryParams};
use crate::problem::Problem;

impl RequestDocument for NewOverride {
    const SET_BY_SERVER: &'static [(&'static str, &'static str)] = &[
        ("id", "an id of its own"),
        ("by", "the person who asks"),
        ("at", "the time of the request"),
        ("subject", "that of the deployment now"),
        ("confirmed_by", "the second person who confirms it"),
    ];
}

impl RequestDocument for NewReview {}

/// Override a gate in an emergency
///
/// Overrides a soft-mandatory binding or group of a gate, for this deployment in its current version. Every override goes to
/// the review queue.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/overrides",
    operation_id = "take_override",
    tag = "overrides",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery, WriteConditions),
    request_body(content = ref("#/components/schemas/NewOverride"), content_type = "application/json"),
    responses(
        (
            status = 201, description = "The override.", body = ref("#/components/schemas/OverrideState"),
            headers(
                ("ETag" = String, description = "The deployment's new version, in quotes."),
                ("Location" = String, description = "The path of what was created."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn take(
    State(state): State<ApiState>,
    at: AtDeployment,
    request: WriteRequest,
    JsonBody(new): JsonBody<NewOverride>,
) -> Result<Response, Problem> {
    let done = state.write_to(&at, request, move |service, write, at| service.take_override(write, at, &new)).await?;
    Ok(created(&done, &at.address(&format!("/overrides/{}", done.value.taken.id))))
}

/// Get an override
#[utoipa::path(
    get,
    path = "/api/v1/deployments/{id}/overrides/{override}",
    operation_id = "get_override",
    tag = "overrides",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        TeamQuery,
        ("override" = String, Path, description = "The id of the override."),
    ),
    responses(
        (status = 200, description = "The override.", body = ref("#/components/schemas/OverrideState")),
        ReadErrors,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    at: AtDeployment,
    PathParts((_, taken)): PathParts<(String, String)>,
    Authenticated(actor): Authenticated,
) -> Result<Json<OverrideState>, Problem> {
    let view = state.read(move |service| service.deployment(&actor, at.name(), service.now())).await?;
    let found = view.overrides.into_iter().find(|known| known.taken.id == taken);
    found.map(Json).ok_or_else(|| missing("override", &taken))
}

/// Confirm an override
///
/// As the second person, where the deployment model requires one.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/overrides/{override}/confirmation",
    operation_id = "confirm_override",
    tag = "overrides",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        TeamQuery,
        ("override" = String, Path, description = "The id of the override."),
        WriteConditions,
    ),
    responses(
        (
            status = 200, description = "The override after the change.", body = ref("#/components/schemas/OverrideState"),
            headers(
                ("ETag" = String, description = "The deployment's new version, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn confirm(
    State(state): State<ApiState>,
    at: AtDeployment,
    PathParts((_, taken)): PathParts<(String, String)>,
    request: WriteRequest,
) -> Result<Response, Problem> {
    let confirm = state.write_to(&at, request, move |service, write, at| service.confirm_override(write, at, &taken));
    let done = confirm.await?;
    Ok(written(&done))
}

/// Which overrides.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OverridesQuery {
    /// Only reviewed overrides (`true`), or only those without a review (`false`).
    reviewed: Option<bool>,
    /// Where the page begins: `next` of the previous page.
    #[param(maximum = 9007199254740991i64)]
    cursor: Option<u64>,
    /// The most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
}

/// List overrides
///
/// The newest first. `reviewed=false` lists the review queue.
#[utoipa::path(
    get,
    path = "/api/v1/overrides",
    operation_id = "list_overrides",
    tag = "overrides",
    params(OverridesQuery),
    responses(
        (status = 200, description = "A page of overrides.", body = ref("#/components/schemas/PendingOverridePage")),
        ReadErrors,
    )
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
    QueryParams(query): QueryParams<OverridesQuery>,
) -> Result<Json<Page<PendingOverride>>, Problem> {
    let page = PageRequest { before: position("cursor", query.cursor)?, limit: limit(query.limit)? };
    state.read(move |service| service.overrides(&actor, query.reviewed, page)).await.map(Json)
}

/// Review an override
///
/// The reviewer must have neither taken nor confirmed it.
#[utoipa::path(
    post,
    path = "/api/v1/overrides/{override}/review",
    operation_id = "review_override",
    tag = "overrides",
    params(("override" = String, Path, description = "The id of the override."), WriteConditions),
    request_body(content = ref("#/components/schemas/NewReview"), content_type = "application/json"),
    responses(
        (
            status = 200, description = "The override after the change.", body = ref("#/components/schemas/OverrideState"),
            headers(
                ("ETag" = String, description = "The deployment's new version, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn review(
    State(state): State<ApiState>,
    PathParts(taken): PathParts<String>,
    request: WriteRequest,
    JsonBody(new): JsonBody<NewReview>,
) -> Result<Response, Problem> {
    let at = AtDeployment::new(new.deployment.clone(), new.team.clone());
    let done =
        state.write_to(&at, request, move |service, write, _| service.review_override(write, &taken, &new)).await?;
    Ok(written(&done))
}
