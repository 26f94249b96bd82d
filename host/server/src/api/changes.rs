//! The way of a change, and what went round the gates.

use axum::Json;
use axum::extract::State;
use lockgate_domain::TeamName;
use lockgate_service::{ChangeView, DriftFinding, EntriesFilter, Page};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Authenticated, Paging};
use super::openapi_parts::ReadErrors;
use super::state::ApiState;
use super::url_parts::{PathParts, QueryParams};
use crate::problem::Problem;

/// Which instances.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DriftQuery {
    /// Only instances of this team.
    #[param(value_type = Option<String>)]
    team: Option<TeamName>,
    /// Only instances of the product with this id.
    product: Option<String>,
    /// Only instances in the environment with this name.
    environment: Option<String>,
    /// Where the page begins: `next` of the previous page.
    #[param(maximum = 9007199254740991i64)]
    cursor: Option<u64>,
    /// The most instances that are looked at for the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
}

/// Get the way of a change
///
/// Its entry in the register of changes, and its deployments from environment to environment.
#[utoipa::path(
    get,
    path = "/api/v1/changes/{id}",
    operation_id = "get_change",
    tag = "changes",
    params(("id" = String, Path, description = "The id of the change.")),
    responses(
        (status = 200, description = "The change.", body = ref("#/components/schemas/ChangeView")),
        ReadErrors,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    PathParts(id): PathParts<String>,
    Authenticated(actor): Authenticated,
) -> Result<Json<ChangeView>, Problem> {
    state.read(move |service| service.change(&actor, &id, service.now())).await.map(Json)
}

/// List drift
///
/// The instances of the inventory that the gates did not let in: whose components no decision allowed, whose deployment has not
/// ended, that an earlier deployment than the last operational one deployed, or whose components nobody knows. A page may be
/// shorter than `limit`, or empty, although `next` leads to more.
#[utoipa::path(
    get,
    path = "/api/v1/drift",
    operation_id = "list_drift",
    tag = "changes",
    params(DriftQuery),
    responses(
        (status = 200, description = "A page of findings.", body = ref("#/components/schemas/DriftFindingPage")),
        ReadErrors,
    )
)]
pub(super) async fn drift(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
    QueryParams(query): QueryParams<DriftQuery>,
) -> Result<Json<Page<DriftFinding>>, Problem> {
    let DriftQuery { team, product, environment, cursor, limit } = query;
    let page = Paging { cursor, limit }.page()?;
    let filter = EntriesFilter { team, product, environment, ..EntriesFilter::default() };
    state.read(move |service| service.drift(&actor, &filter, page)).await.map(Json)
}
