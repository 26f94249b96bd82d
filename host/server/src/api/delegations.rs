//! Delegations: a person lends a role to another for a while.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use lockgate_domain::PersonId;
use lockgate_service::{DelegationState, NewDelegation};
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{WholeList, all_written, created, listed, written};
use super::errors::missing;
use super::extract::{Authenticated, WriteRequest};
use super::json_body::{JsonBody, RequestDocument};
use super::openapi_parts::{IdempotencyHeader, ReadErrors, WriteErrors};
use super::state::ApiState;
use super::url_parts::{PathParts, QueryParams};
use crate::problem::Problem;

impl RequestDocument for NewDelegation {
    const SET_BY_SERVER: &'static [(&'static str, &'static str)] = &[
        ("id", "an id of its own"),
        ("from", "the person who asks"),
        ("by", "the person who asks"),
        ("granted", "the time of the request"),
    ];
}

/// List delegations
///
/// The delegations that you gave or received, including ended ones. Administrators and auditors see all delegations of their
/// teams.
#[utoipa::path(
    get,
    path = "/api/v1/delegations",
    operation_id = "list_delegations",
    tag = "delegations",
    responses(
        (status = 200, description = "The delegations.", body = ref("#/components/schemas/DelegationStateList")),
        ReadErrors,
    )
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
) -> Result<Json<WholeList<DelegationState>>, Problem> {
    state.read(move |service| service.delegations(&actor, service.now())).await.map(listed)
}

/// Lend a role
///
/// Lends one of your roles to another person until `expires`, at most `limits.delegation` from now. The delegation holds for
/// the teams that you see now, and never for more.
#[utoipa::path(
    post,
    path = "/api/v1/delegations",
    operation_id = "delegate",
    tag = "delegations",
    params(IdempotencyHeader),
    request_body(content = ref("#/components/schemas/NewDelegation"), content_type = "application/json"),
    responses(
        (
            status = 201, description = "The delegation.", body = ref("#/components/schemas/DelegationState"),
            headers(
                ("Location" = String, description = "The path of what was created."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn lend(
    State(state): State<ApiState>,
    request: WriteRequest,
    JsonBody(new): JsonBody<NewDelegation>,
) -> Result<Response, Problem> {
    let done = state.write(request, move |service, write| service.delegate(write, &new)).await?;
    Ok(created(&done, &format!("/api/v1/delegations/{}", done.value.delegation.id)))
}

/// Get a delegation
#[utoipa::path(
    get,
    path = "/api/v1/delegations/{id}",
    operation_id = "get_delegation",
    tag = "delegations",
    params(("id" = String, Path, description = "The id of the delegation.")),
    responses(
        (status = 200, description = "The delegation.", body = ref("#/components/schemas/DelegationState")),
        ReadErrors,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    PathParts(id): PathParts<String>,
    Authenticated(actor): Authenticated,
) -> Result<Json<DelegationState>, Problem> {
    let delegations = state.read(move |service| service.delegations(&actor, service.now())).await?;
    delegations.into_iter().find(|known| known.delegation.id == id).map(Json).ok_or_else(|| missing("delegation", &id))
}

/// End a delegation early
///
/// The lender, the borrower and administrators can end it.
#[utoipa::path(
    delete,
    path = "/api/v1/delegations/{id}",
    operation_id = "end_delegation",
    tag = "delegations",
    params(("id" = String, Path, description = "The id of the delegation."), IdempotencyHeader),
    responses(
        (
            status = 200, description = "The delegation after it ended.", body = ref("#/components/schemas/DelegationState"),
            headers(("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."))
        ),
        WriteErrors,
    )
)]
pub(super) async fn end(
    State(state): State<ApiState>,
    PathParts(id): PathParts<String>,
    request: WriteRequest,
) -> Result<Response, Problem> {
    let done = state.write(request, move |service, write| service.end_delegation(write, &id)).await?;
    Ok(written(&done))
}

/// Parameters of ending all delegations of a person.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LenderQuery {
    /// The id of the person who lent the roles.
    #[param(value_type = String, example = "ben@example.org")]
    from: PersonId,
}

/// End all delegations of a person
///
/// Ends, in one step, all current delegations that the person gave for your teams: for people who lost their roles at their
/// identity provider. Delegations that also hold for other teams are listed without `ended`: an administrator of all of
/// their teams has to end them.
#[utoipa::path(
    delete,
    path = "/api/v1/delegations",
    operation_id = "end_delegations_of_person",
    tag = "delegations",
    params(LenderQuery, IdempotencyHeader),
    responses(
        (
            status = 200, description = "The ended delegations, and without `ended` those that hold for other teams too.", body = ref("#/components/schemas/DelegationStateList"),
            headers(("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."))
        ),
        WriteErrors,
    )
)]
pub(super) async fn end_all(
    State(state): State<ApiState>,
    QueryParams(LenderQuery { from }): QueryParams<LenderQuery>,
    request: WriteRequest,
) -> Result<Response, Problem> {
    let done = state.write(request, move |service, write| service.end_delegations_of(write, &from)).await?;
    Ok(all_written(&done))
}
