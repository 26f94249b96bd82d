//! The people who may act at the gates of the loaded models.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use lockgate_domain::TeamName;
use lockgate_domain::api::access::AccessReview;
use lockgate_ledger::{FailureCause, StorageFailure};
use lockgate_service::{DeploymentService, ServiceError};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::Authenticated;
use super::openapi_parts::ReadErrors;
use super::state::ApiState;
use super::url_parts::QueryParams;
use crate::auth::access::{self, AccessSources, teams_asked};
use crate::auth::token::{TokenError, Tokens};
use crate::problem::Problem;

/// For whose deployments.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AccessQuery {
    /// Only credentials that are good for deployments of this team.
    #[param(example = "shop")]
    #[param(value_type = Option<String>)]
    team: Option<TeamName>,
}

/// Reviews who may do what
///
/// At each gate that a loaded model guards: what somebody has to do there, in which roles, and who holds a valid token for it; who
/// may attest the facts and attach the evidence that the model demands; and a warning for each role that a gate needs and nobody holds. Who asks sees the credentials that reach into their teams.
#[utoipa::path(
    get,
    path = "/api/v1/access",
    operation_id = "review_access",
    tag = "access",
    params(AccessQuery),
    responses(
        (status = 200, description = "Who may do what.", body = ref("#/components/schemas/AccessReview")),
        ReadErrors,
    )
)]
pub(super) async fn review(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
    QueryParams(query): QueryParams<AccessQuery>,
) -> Result<Json<AccessReview>, Problem> {
    let (set, rules) = (state.catalogue.current(), Arc::clone(&state.rules));
    let review = move |service: &DeploymentService| {
        let tokens = Tokens::read(&**service.storage()).map_err(unreadable)?;
        let teams = teams_asked(&actor, query.team.as_ref());
        let (rules, attest, now) = (Some(&*rules), service.attest_rules(), service.now());
        let sources = AccessSources { tokens: &tokens, rules, attest, teams: &teams, now };
        Ok(access::review(set.models(), sources))
    };
    state.read(review).await.map(Json)
}

fn unreadable(error: TokenError) -> ServiceError {
    match error {
        TokenError::Ledger(error) => ServiceError::Ledger(error),
        other => {
            ServiceError::Ledger(StorageFailure { cause: FailureCause::Corrupt, message: other.to_string() }.into())
        }
    }
}
