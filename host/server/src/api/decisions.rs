//! Decisions, as the ledger keeps them, and their proofs.

use axum::Json;
use axum::extract::State;
use lockgate_domain::TeamName;
use lockgate_ledger::{InclusionProof, prove_inclusion};
use lockgate_service::{DecisionRecord, DeploymentService, Page, PageRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use super::errors::unreadable;
use super::extract::{AtDeployment, Authenticated, limit, position};
use super::openapi_parts::ReadErrors;
use super::state::ApiState;
use super::url_parts::{PathParts, QueryParams};
use crate::problem::Problem;

/// Which decisions.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DecisionsQuery {
    /// Only decisions about the deployment with this id.
    deployment: Option<String>,
    /// The deployment's team. Required if several of your teams have a deployment with this id.
    #[param(value_type = Option<String>)]
    team: Option<TeamName>,
    /// Where the page begins: `next` of the previous page.
    #[param(maximum = 9007199254740991i64)]
    cursor: Option<u64>,
    /// The most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
}

/// List decisions
///
/// The newest first.
#[utoipa::path(
    get,
    path = "/api/v1/decisions",
    operation_id = "list_decisions",
    tag = "decisions",
    params(DecisionsQuery),
    responses(
        (status = 200, description = "A page of decisions.", body = ref("#/components/schemas/DecisionRecordPage")),
        ReadErrors,
    )
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
    QueryParams(query): QueryParams<DecisionsQuery>,
) -> Result<Json<Page<DecisionRecord>>, Problem> {
    let page = PageRequest { before: position("cursor", query.cursor)?, limit: limit(query.limit)? };
    let DecisionsQuery { deployment, team, .. } = query;
    let deployment = match (deployment, team) {
        (None, Some(_)) => {
            return Err(unreadable("`team` needs `deployment`: add the id of the deployment"));
        }
        (deployment, team) => deployment.map(|id| AtDeployment::new(id, team)),
    };
    let list =
        move |service: &DeploymentService| service.decisions(&actor, deployment.as_ref().map(AtDeployment::name), page);
    state.read(list).await.map(Json)
}

/// Get a decision
///
/// With the person who asked, the interface, and the snapshot that it was made on.
#[utoipa::path(
    get,
    path = "/api/v1/decisions/{id}",
    operation_id = "get_decision",
    tag = "decisions",
    params(("id" = String, Path, description = "The id of the decision.")),
    responses(
        (status = 200, description = "The decision.", body = ref("#/components/schemas/DecisionRecord")),
        ReadErrors,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    PathParts(id): PathParts<String>,
    Authenticated(actor): Authenticated,
) -> Result<Json<DecisionRecord>, Problem> {
    state.read(move |service| service.decision(&actor, &id)).await.map(Json)
}

/// The proof that a decision is in the log, for an actor who may see the decision. `audit` describes it.
pub(super) async fn proof(
    State(state): State<ApiState>,
    PathParts(id): PathParts<String>,
    Authenticated(actor): Authenticated,
) -> Result<Json<InclusionProof>, Problem> {
    let prove = move |service: &DeploymentService| {
        let index = service.decision_index(&actor, &id)?;
        // The ledger as a log, which is all that a proof needs.
        Ok(prove_inclusion(&**service.storage(), index)?)
    };
    state.read(prove).await.map(Json)
}
