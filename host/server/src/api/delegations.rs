//! Delegations: a role that somebody lends to somebody else, for a while.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use lockgate_domain::PersonId;
use lockgate_engine::service::{DelegationState, NewDelegation};
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{created, written};
use super::approvals::missing;
use super::extract::{Document, Intent, Parameters, Who};
use super::openapi::{Reading, Repeatable, Writing};
use super::state::ApiState;
use crate::problem::Problem;

/// Lists delegations
///
/// Those that whoever asks lent or was lent, also those that are over; administrators and auditors see all that reach into
/// their teams.
#[utoipa::path(
    get,
    path = "/api/v1/delegations",
    operation_id = "list_delegations",
    tag = "delegations",
    responses(
        (status = 200, description = "The delegations.", body = ref("#/components/schemas/Delegations")),
        Reading,
    )
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Who(actor): Who,
) -> Result<Json<Vec<DelegationState>>, Problem> {
    state.run(move |engine| engine.delegations(&actor, engine.now())).await.map(Json)
}

/// Lends a role
///
/// One's own, to somebody else, until a moment: at most `limits.delegation` from now. It keeps the teams that the lender
/// sees now, and never reaches further.
#[utoipa::path(
    post,
    path = "/api/v1/delegations",
    operation_id = "delegate",
    tag = "delegations",
    params(Repeatable),
    request_body(content = ref("#/components/schemas/NewDelegation"), content_type = "application/json"),
    responses(
        (
            status = 201, description = "The delegation.", body = ref("#/components/schemas/DelegationState"),
            headers(
                ("Location" = String, description = "Where it is."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        Writing,
    )
)]
pub(super) async fn lend(
    State(state): State<ApiState>,
    intent: Intent,
    Document(new): Document<NewDelegation>,
) -> Result<Response, Problem> {
    let done = state.write(intent, move |engine, write| engine.delegate(write, &new)).await?;
    Ok(created(&done, &format!("/api/v1/delegations/{}", done.value.delegation.id)))
}

/// Looks at a delegation
#[utoipa::path(
    get,
    path = "/api/v1/delegations/{id}",
    operation_id = "get_delegation",
    tag = "delegations",
    params(("id" = String, Path, description = "The id of the delegation.")),
    responses(
        (status = 200, description = "The delegation.", body = ref("#/components/schemas/DelegationState")),
        Reading,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    Who(actor): Who,
) -> Result<Json<DelegationState>, Problem> {
    let delegations = state.run(move |engine| engine.delegations(&actor, engine.now())).await?;
    delegations.into_iter().find(|known| known.delegation.id == id).map(Json).ok_or_else(|| missing("delegation", &id))
}

/// Ends a delegation before its time
///
/// By whoever lent the role, whoever was lent it, or an administrator.
#[utoipa::path(
    delete,
    path = "/api/v1/delegations/{id}",
    operation_id = "end_delegation",
    tag = "delegations",
    params(("id" = String, Path, description = "The id of the delegation."), Repeatable),
    responses(
        (
            status = 200, description = "The delegation since.", body = ref("#/components/schemas/DelegationState"),
            headers(("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."))
        ),
        Writing,
    )
)]
pub(super) async fn end(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    intent: Intent,
) -> Result<Response, Problem> {
    let done = state.write(intent, move |engine, write| engine.end_delegation(write, &id)).await?;
    Ok(written(&done))
}

/// Whose delegations.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LenderQuery {
    /// Who lent the roles, by person id.
    #[param(value_type = String, example = "ben@example.org")]
    from: PersonId,
}

/// Ends all delegations of a person
///
/// Those that count now and are for teams of the administrator, in one piece: for when somebody has lost their roles and only
/// their issuer knows. The answer names what was ended, and without `ended` those that reach other teams too: they take an
/// administrator who sees all of their teams.
#[utoipa::path(
    delete,
    path = "/api/v1/delegations",
    operation_id = "end_delegations_of_person",
    tag = "delegations",
    params(LenderQuery, Repeatable),
    responses(
        (
            status = 200, description = "The delegations that were ended, and those that reach further, without `ended`.", body = ref("#/components/schemas/Delegations"),
            headers(("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."))
        ),
        Writing,
    )
)]
pub(super) async fn end_all(
    State(state): State<ApiState>,
    Parameters(LenderQuery { from }): Parameters<LenderQuery>,
    intent: Intent,
) -> Result<Response, Problem> {
    let done = state.write(intent, move |engine, write| engine.end_delegations_of(write, &from)).await?;
    Ok(written(&done))
}
