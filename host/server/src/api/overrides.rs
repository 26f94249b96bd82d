//! Overrides: taken in an emergency, confirmed by a second person, looked at afterwards.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use lockgate_engine::lifecycle::OverrideState;
use lockgate_engine::service::{NewOverride, NewReview, Page, Paged, PendingOverride};
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{created, written};
use super::approvals::missing;
use super::extract::{AtDeployment, Document, Intent, Parameters, TeamQuery, Who, limit, position};
use super::openapi::{Conditions, Reading, Writing};
use super::state::ApiState;
use crate::problem::Problem;

/// Breaks the glass
///
/// Overrides what is soft-mandatory at a gate, for this deployment as it is now. It is for the review queue in any case.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/overrides",
    operation_id = "take_override",
    tag = "overrides",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery, Conditions),
    request_body(content = ref("#/components/schemas/NewOverride"), content_type = "application/json"),
    responses(
        (
            status = 201, description = "The override.", body = ref("#/components/schemas/OverrideState"),
            headers(
                ("ETag" = String, description = "The version of the deployment since, in quotes."),
                ("Location" = String, description = "Where it is."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        Writing,
    )
)]
pub(super) async fn take(
    State(state): State<ApiState>,
    at: AtDeployment,
    intent: Intent,
    Document(new): Document<NewOverride>,
) -> Result<Response, Problem> {
    let done = state.write_to(&at, intent, move |engine, write, at| engine.take_override(write, at, &new)).await?;
    Ok(created(&done, &at.address(&format!("/overrides/{}", done.value.taken.id))))
}

/// Looks at an override
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
        Reading,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    at: AtDeployment,
    Path((_, taken)): Path<(String, String)>,
    Who(actor): Who,
) -> Result<Json<OverrideState>, Problem> {
    let view = state.run(move |engine| engine.deployment(&actor, at.name(), engine.now())).await?;
    let found = view.overrides.into_iter().find(|known| known.taken.id == taken);
    found.map(Json).ok_or_else(|| missing("override", &taken))
}

/// Confirms an override
///
/// As the second person, where the deployment model wants one.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/overrides/{override}/confirmation",
    operation_id = "confirm_override",
    tag = "overrides",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        TeamQuery,
        ("override" = String, Path, description = "The id of the override."),
        Conditions,
    ),
    responses(
        (
            status = 200, description = "The override since.", body = ref("#/components/schemas/OverrideState"),
            headers(
                ("ETag" = String, description = "The version of the deployment since, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        Writing,
    )
)]
pub(super) async fn confirm(
    State(state): State<ApiState>,
    at: AtDeployment,
    Path((_, taken)): Path<(String, String)>,
    intent: Intent,
) -> Result<Response, Problem> {
    let confirm = state.write_to(&at, intent, move |engine, write, at| engine.confirm_override(write, at, &taken));
    let done = confirm.await?;
    Ok(written(&done))
}

/// Which overrides.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Those that were reviewed, or those that were not; without it, all.
    reviewed: Option<bool>,
    /// Where the page begins: `next` of the page before.
    #[param(maximum = 9007199254740991i64)]
    cursor: Option<u64>,
    /// How many items at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
}

/// Lists overrides
///
/// The newest first; with `reviewed=false` it is the review queue.
#[utoipa::path(
    get,
    path = "/api/v1/overrides",
    operation_id = "list_overrides",
    tag = "overrides",
    params(Wanted),
    responses(
        (status = 200, description = "A page of overrides.", body = ref("#/components/schemas/PendingOverridePage")),
        Reading,
    )
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Who(actor): Who,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Paged<PendingOverride>>, Problem> {
    let page = Page { before: position("cursor", wanted.cursor)?, limit: limit(wanted.limit)? };
    state.run(move |engine| engine.overrides(&actor, wanted.reviewed, page)).await.map(Json)
}

/// Reviews an override
///
/// By somebody who neither took nor confirmed it.
#[utoipa::path(
    post,
    path = "/api/v1/overrides/{override}/review",
    operation_id = "review_override",
    tag = "overrides",
    params(("override" = String, Path, description = "The id of the override."), Conditions),
    request_body(content = ref("#/components/schemas/NewReview"), content_type = "application/json"),
    responses(
        (
            status = 200, description = "The override since.", body = ref("#/components/schemas/OverrideState"),
            headers(
                ("ETag" = String, description = "The version of the deployment since, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        Writing,
    )
)]
pub(super) async fn review(
    State(state): State<ApiState>,
    Path(taken): Path<String>,
    intent: Intent,
    Document(new): Document<NewReview>,
) -> Result<Response, Problem> {
    let at = AtDeployment::new(new.deployment.clone(), new.team.clone());
    let done = state.write_to(&at, intent, move |engine, write, _| engine.review_override(write, &taken, &new)).await?;
    Ok(written(&done))
}
