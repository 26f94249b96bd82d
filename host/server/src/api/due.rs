//! What is due next, and what is overdue.

use axum::Json;
use axum::extract::State;
use lockgate_domain::{TeamName, Timestamp};
use lockgate_service::{DueFilter, DueKind, DuePage, DuePageRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use super::errors::unreadable;
use super::extract::{Authenticated, limit};
use super::openapi_parts::ReadErrors;
use super::state::ApiState;
use super::url_parts::QueryParams;
use crate::problem::Problem;

/// Which items.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DueQuery {
    /// Only items of this team.
    #[param(value_type = Option<String>)]
    team: Option<TeamName>,
    /// Only items of the product with this id.
    product: Option<String>,
    /// Only items in the environment with this name.
    environment: Option<String>,
    /// Only items of the deployment with this id.
    deployment: Option<String>,
    /// Only items of this kind.
    #[param(schema_with = super::openapi_parts::due_kind)]
    what: Option<String>,
    /// `true`: only items whose time has come. `false`: only those whose time has not.
    overdue: Option<bool>,
    /// Only items that are due before this moment (RFC 3339).
    #[param(value_type = Option<String>)]
    before: Option<Timestamp>,
    /// Where the page begins: `next` of the previous page.
    cursor: Option<String>,
    /// The most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
}

/// List what is due
///
/// What falls due in your teams, in the order of its time: holds, change windows, suppressions, approvals, waivers, delegations,
/// reviews of overrides, stops, and the retention of data. What has fallen due stays listed as `overdue` while somebody has to do
/// something about it. When its time comes, each item becomes an entry of the ledger by itself, once.
#[utoipa::path(
    get,
    path = "/api/v1/due",
    operation_id = "list_due",
    tag = "due",
    params(DueQuery),
    responses(
        (status = 200, description = "A page of what is due.", body = ref("#/components/schemas/DuePage")),
        ReadErrors,
    )
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
    QueryParams(query): QueryParams<DueQuery>,
) -> Result<Json<DuePage>, Problem> {
    let DueQuery { team, product, environment, deployment, what, overdue, before, cursor, limit: most } = query;
    let what = what.map(|name| kind(&name)).transpose()?;
    let after = cursor.map(|cursor| cursor.parse()).transpose();
    let after = after.map_err(|error| unreadable(format!("`cursor`: {error}")))?;
    let page = DuePageRequest { after, limit: limit(most)? };
    let filter = DueFilter { team, product, environment, deployment, what, overdue, before };
    state.read(move |service| service.due(&actor, &filter, page)).await.map(Json)
}

fn kind(name: &str) -> Result<DueKind, Problem> {
    let found = DueKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    found.ok_or_else(|| {
        let known = DueKind::ALL.map(DueKind::as_str).join("`, `");
        unreadable(format!("`what={name}` is not one of `{known}`"))
    })
}
