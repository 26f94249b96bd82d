//! Waits for a deployment to change, so that clients need not poll.

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use lockgate_domain::TeamName;
use lockgate_service::DeploymentService;
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::IntoParams;

use super::answer::{at_version, tagged};
use super::extract::{AtDeployment, Authenticated, position};
use super::openapi_parts::ReadErrors;
use super::state::{ApiState, with_effect};
use super::url_parts::QueryParams;
use crate::auth::CredentialSession;
use crate::intake::Turn;
use crate::problem::Problem;

/// What is waited for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WaitQuery {
    /// The deployment's team. Required if several of your teams have a deployment with this id.
    #[expect(dead_code, reason = "`AtDeployment` reads it")]
    #[param(value_type = Option<String>)]
    team: Option<TeamName>,
    /// Wait for a version above this one. Default: the current version.
    #[param(maximum = 9007199254740991i64)]
    after: Option<u64>,
    /// How long to wait, for example `20s`; at most `limits.wait`.
    #[param(value_type = Option<String>, example = "20s")]
    timeout: Option<lockgate_domain::Duration>,
}

/// Wait for a deployment to change
///
/// Answers as soon as the deployment's version is above `after`, or with 204 when the time is up: then ask again.
#[utoipa::path(
    get,
    path = "/api/v1/deployments/{id}/wait",
    operation_id = "wait_for_deployment",
    tag = "deployments",
    params(("id" = String, Path, description = "The id of the deployment."), WaitQuery),
    responses(
        (
            status = 200, description = "The changed deployment.", body = ref("#/components/schemas/DeploymentView"),
            headers(("ETag" = String, description = "The deployment's version, in quotes."))
        ),
        (
            status = 204, description = "The deployment did not change in time.",
            headers(("ETag" = String, description = "The deployment's version, in quotes."))
        ),
        ReadErrors,
    )
)]
pub(super) async fn wait(
    State(state): State<ApiState>,
    at: AtDeployment,
    Authenticated(actor): Authenticated,
    session: CredentialSession,
    QueryParams(query): QueryParams<WaitQuery>,
    turn: Option<Extension<Turn>>,
) -> Result<Response, Problem> {
    let after = position("after", query.after)?;
    let longest = state.limits.wait.as_millis();
    let timeout = query.timeout.map_or(longest, |timeout| timeout.as_millis().min(longest));
    let deadline = Instant::now() + Duration::from_millis(timeout);
    let (asks, named) = (actor.clone(), at.clone());
    let stream = state.read(move |service| service.stream_of(&asks, named.name())).await?;
    let mut receiver = state.deployment_watch.watch(&stream);
    let mut watching = None;
    let mut after = after;
    loop {
        // Before reading, so that a write in between causes another read.
        receiver.mark_unchanged();
        let (reading, named) = (actor.clone(), at.clone());
        let version = state.read_after_wait(&session, move |service| service.version(&reading, named.name())).await?;
        if version > *after.get_or_insert(version) {
            let view = move |service: &DeploymentService| service.deployment(&actor, at.name(), service.now());
            let view = state.read_after_wait(&session, view).await?;
            return Ok(at_version(view.summary.version, &view));
        }
        if let (None, Some(Extension(turn))) = (&watching, &turn) {
            watching = Some(turn.watch()?);
        }
        let over = tokio::select! {
            changed = receiver.changed() => changed.is_err(),
            () = state.lifecycle.stopping() => true,
            () = tokio::time::sleep_until(deadline) => true,
        };
        if over {
            with_effect(session, || Ok(())).await?;
            return Ok((StatusCode::NO_CONTENT, tagged(version)).into_response());
        }
    }
}
