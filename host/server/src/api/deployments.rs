//! Deployments: asked for, revised, listed, looked at.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use lockgate_domain::{Overlap, PersonId, Stage};
use lockgate_engine::service::{DeploymentSummary, NewDeployment, Page, Paged};
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{at_version, created, written};
use super::extract::{
    AtDeployment, Document, Intent, MergePatch, Parameters, TeamQuery, Who, limit, position, unreadable,
};
use super::openapi::{Conditions, Reading, Repeatable, STATUSES, Writing};
use super::state::ApiState;
use crate::problem::Problem;

/// Which deployments.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Those of that team only.
    team: Option<String>,
    /// Those of that product only, by id.
    product: Option<String>,
    /// Those to that environment only, by name.
    environment: Option<String>,
    /// Those with that status only.
    #[param(schema_with = super::openapi::status)]
    status: Option<String>,
    /// Those that stand in, or before, that stage only.
    #[param(schema_with = super::openapi::stage)]
    stage: Option<String>,
    /// Those that this person asked for only, by id.
    #[param(value_type = Option<String>)]
    requester: Option<PersonId>,
    /// Where the page begins: `next` of the page before.
    #[param(maximum = 9007199254740991i64)]
    cursor: Option<u64>,
    /// How many items at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
}

impl Wanted {
    fn page(&self) -> Result<Page, Problem> {
        let stages = Stage::ALL.map(Stage::as_str);
        for (name, known, value) in [("status", &STATUSES[..], &self.status), ("stage", &stages[..], &self.stage)] {
            if let Some(value) = value.as_deref().filter(|value| !known.contains(value)) {
                return Err(unreadable(format!("`{name}` is `{value}`: it is one of `{}`", known.join("`, `"))));
            }
        }
        Ok(Page { before: position("cursor", self.cursor)?, limit: limit(self.limit)? })
    }

    fn has(&self, found: &DeploymentSummary) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        is(&self.team, &found.team)
            && is(&self.product, &found.product)
            && is(&self.environment, &found.environment)
            && is(&self.status, found.position.status())
            && is(&self.stage, found.position.stage().as_str())
            && self.requester.as_ref().is_none_or(|requester| *requester == found.requester)
    }
}

/// Lists deployments
///
/// Those that whoever asks may see, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/deployments",
    operation_id = "list_deployments",
    tag = "deployments",
    params(Wanted),
    responses(
        (status = 200, description = "A page of deployments.", body = ref("#/components/schemas/DeploymentSummaryPage")),
        Reading,
    )
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Who(actor): Who,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Paged<DeploymentSummary>>, Problem> {
    let page = wanted.page()?;
    state.run(move |engine| engine.deployments(&actor, page, &|found| wanted.has(found))).await.map(Json)
}

/// Asks for a deployment
///
/// The document says what is to be deployed, where, when and how. What people and the host add to it later (approvals,
/// waivers, overlaps) is not handed in with it.
#[utoipa::path(
    post,
    path = "/api/v1/deployments",
    operation_id = "request_deployment",
    tag = "deployments",
    params(Repeatable),
    request_body(content = ref("#/components/schemas/NewDeployment"), content_type = "application/json"),
    responses(
        (
            status = 201, description = "The deployment, before the entrance of plan-and-approve.",
            body = ref("#/components/schemas/DeploymentView"),
            headers(
                ("ETag" = String, description = "Its version, in quotes."),
                ("Location" = String, description = "Where it is."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        Writing,
    )
)]
pub(super) async fn request(
    State(state): State<ApiState>,
    intent: Intent,
    Document(new): Document<NewDeployment>,
) -> Result<Response, Problem> {
    let team = new.team.clone();
    let done = state.write(intent, move |engine, write| engine.request(write, &new)).await?;
    let DeploymentSummary { id, .. } = &done.value.summary;
    let at = AtDeployment::new(id.clone(), team);
    Ok(created(&done, &at.address("")))
}

/// Looks at a deployment
///
/// Where it stands, what may be done next, whose approvals count, and what the host knows besides.
#[utoipa::path(
    get,
    path = "/api/v1/deployments/{id}",
    operation_id = "get_deployment",
    tag = "deployments",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery),
    responses(
        (
            status = 200, description = "The deployment.", body = ref("#/components/schemas/DeploymentView"),
            headers(("ETag" = String, description = "Its version, in quotes."))
        ),
        Reading,
    )
)]
pub(super) async fn get(State(state): State<ApiState>, Who(actor): Who, at: AtDeployment) -> Result<Response, Problem> {
    let view = state.run(move |engine| engine.deployment(&actor, at.name(), engine.now())).await?;
    Ok(at_version(view.summary.version, &view))
}

/// Revises a deployment
///
/// A JSON merge patch (RFC 7396) of the document. What was approved of it is void if it changes.
#[utoipa::path(
    patch,
    path = "/api/v1/deployments/{id}",
    operation_id = "revise_deployment",
    tag = "deployments",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery, Conditions),
    request_body(content = inline(std::collections::BTreeMap<String, serde_json::Value>), content_type = "application/merge-patch+json"),
    responses(
        (
            status = 200, description = "The deployment since.", body = ref("#/components/schemas/DeploymentView"),
            headers(
                ("ETag" = String, description = "Its version, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        Writing,
    )
)]
pub(super) async fn revise(
    State(state): State<ApiState>,
    at: AtDeployment,
    intent: Intent,
    MergePatch(patch): MergePatch,
) -> Result<Response, Problem> {
    let done = state.write_to(&at, intent, move |engine, write, at| engine.revise(write, at, &patch)).await?;
    Ok(written(&done))
}

/// Says what else there is at the same time and place
///
/// Other deployments that are under way in the environment, or planned there for the same time.
#[utoipa::path(
    get,
    path = "/api/v1/deployments/{id}/overlaps",
    operation_id = "deployment_overlaps",
    tag = "deployments",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery),
    responses(
        (status = 200, description = "The others.", body = ref("#/components/schemas/Overlaps")),
        Reading,
    )
)]
pub(super) async fn overlaps(
    State(state): State<ApiState>,
    Who(actor): Who,
    at: AtDeployment,
) -> Result<Json<Vec<Overlap>>, Problem> {
    state.run(move |engine| engine.overlaps(&actor, at.name())).await.map(Json)
}
