//! What is done in a stage: activities, moves that are not through a gate, and the steps of a rollout.

use axum::extract::{Path, State};
use axum::response::Response;
use lockgate_engine::lifecycle::{ActivityReport, Move};
use lockgate_engine::service::{DeploymentRef, Engine, StepReport, Write};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::written;
use super::extract::{AtDeployment, Document, Intent, TeamQuery};
use super::openapi::{Conditions, Writing};
use super::state::ApiState;
use crate::problem::Problem;

/// A move that is not through a gate, and why it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMove {
    /// The move.
    #[serde(rename = "move")]
    pub name: MoveName,
    /// Why.
    pub reason: String,
}

/// A move that is not through a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MoveName {
    /// People refuse it.
    Reject,
    /// It is given up before anything is changed.
    Abort,
    /// Back to planning: what was approved no longer is.
    Replan,
    /// The way back begins.
    RollBack,
    /// The way back has been taken.
    CompleteRollback,
    /// It can go neither forward nor back.
    Fail,
}

impl From<MoveName> for Move {
    fn from(name: MoveName) -> Self {
        match name {
            MoveName::Reject => Self::Reject,
            MoveName::Abort => Self::Abort,
            MoveName::Replan => Self::Replan,
            MoveName::RollBack => Self::RollBack,
            MoveName::CompleteRollback => Self::CompleteRollback,
            MoveName::Fail => Self::Fail,
        }
    }
}

/// Reports activities
///
/// Of the stage that the deployment is in: all of them, or none.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/activities",
    operation_id = "report_activities",
    tag = "deployments",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery, Conditions),
    request_body(content = ref("#/components/schemas/ActivityReports"), content_type = "application/json"),
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
pub(super) async fn report_activities(
    State(state): State<ApiState>,
    at: AtDeployment,
    intent: Intent,
    Document(reports): Document<Vec<ActivityReport>>,
) -> Result<Response, Problem> {
    let report = state.write_to(&at, intent, move |engine, write, at| engine.report_activities(write, at, &reports));
    let done = report.await?;
    Ok(written(&done))
}

/// Makes a move that is not through a gate
///
/// Which ones are possible, the deployment says in `legal_moves`.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/moves",
    operation_id = "make_move",
    tag = "deployments",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery, Conditions),
    request_body(content = ref("#/components/schemas/NewMove"), content_type = "application/json"),
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
pub(super) async fn make_move(
    State(state): State<ApiState>,
    at: AtDeployment,
    intent: Intent,
    Document(new): Document<NewMove>,
) -> Result<Response, Problem> {
    let make = move |engine: &Engine, write: &Write<'_>, at: DeploymentRef<'_>| {
        engine.make_move(write, at, new.name.into(), &new.reason)
    };
    let done = state.write_to(&at, intent, make).await?;
    Ok(written(&done))
}

/// Says what is to be done next in the rollout
///
/// Asking again changes nothing: a step that is under way is named again until somebody says how it ended.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/rollout/next",
    operation_id = "next_step",
    tag = "rollout",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery, Conditions),
    responses(
        (
            status = 200, description = "What is to be done.", body = ref("#/components/schemas/NextStep"),
            headers(
                ("ETag" = String, description = "The version of the deployment since, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        Writing,
    )
)]
pub(super) async fn next_step(
    State(state): State<ApiState>,
    at: AtDeployment,
    intent: Intent,
) -> Result<Response, Problem> {
    let done = state.write_to(&at, intent, Engine::next_step).await?;
    Ok(written(&done))
}

/// Says how a step of the rollout went
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/rollout/steps/{step}",
    operation_id = "report_step",
    tag = "rollout",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        TeamQuery,
        ("step" = String, Path, description = "The id of the step."),
        Conditions,
    ),
    request_body(content = ref("#/components/schemas/StepReport"), content_type = "application/json"),
    responses(
        (
            status = 200, description = "How far the rollout has come.", body = ref("#/components/schemas/Progress"),
            headers(
                ("ETag" = String, description = "The version of the deployment since, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        Writing,
    )
)]
pub(super) async fn report_step(
    State(state): State<ApiState>,
    at: AtDeployment,
    Path((_, step)): Path<(String, String)>,
    intent: Intent,
    Document(report): Document<StepReport>,
) -> Result<Response, Problem> {
    let report = state.write_to(&at, intent, move |engine, write, at| engine.report_step(write, at, &step, &report));
    let done = report.await?;
    Ok(written(&done))
}
