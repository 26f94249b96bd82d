//! The work in a stage: activities, moves that do not pass a gate, and the steps of a rollout.

use std::fmt;

use axum::extract::State;
use axum::response::Response;
use lockgate_domain::fields;
use lockgate_service::lifecycle::{ActivityReport, LifecycleMove};
use lockgate_service::{DeploymentRef, DeploymentService, StepReport, WriteContext};
use schemars::JsonSchema;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::answer::written;
use super::extract::{AtDeployment, TeamQuery, WriteRequest};
use super::json_body::{JsonBody, RequestDocument};
use super::openapi_parts::{WriteConditions, WriteErrors};
use super::state::ApiState;
use super::url_parts::PathParts;
use crate::problem::Problem;

impl RequestDocument for ActivityReports {}

impl RequestDocument for NewMove {}

impl RequestDocument for StepReport {}

/// A move that does not pass a gate, with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMove {
    /// The name of the move.
    #[serde(rename = "move")]
    pub name: MoveName,
    /// The reason for the move, in a sentence.
    #[serde(deserialize_with = "fields::text")]
    pub reason: String,
}

/// A move that does not pass a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MoveName {
    /// Rejects the deployment, as decided by people.
    Reject,
    /// Gives the deployment up before it changes anything.
    Abort,
    /// Goes back to planning. The approvals no longer count.
    Replan,
    /// Begins the rollback of the deployment.
    RollBack,
    /// Ends the rollback: the earlier state is restored.
    CompleteRollback,
    /// Marks the deployment as failed: it can go neither forward nor back.
    Fail,
}

impl From<MoveName> for LifecycleMove {
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

/// The activities that one request reports.
#[derive(Debug)]
pub(super) struct ActivityReports(Vec<ActivityReport>);

impl<'de> Deserialize<'de> for ActivityReports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ActivityListVisitor;

        impl<'de> Visitor<'de> for ActivityListVisitor {
            type Value = ActivityReports;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of activities, `[{…}]`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<ActivityReports, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(items)).map(ActivityReports)
            }
        }

        deserializer.deserialize_seq(ActivityListVisitor)
    }
}

/// Report activities
///
/// Activities of the deployment's current stage. All are recorded, or none.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/activities",
    operation_id = "report_activities",
    tag = "deployments",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery, WriteConditions),
    request_body(content = ref("#/components/schemas/ActivityReports"), content_type = "application/json"),
    responses(
        (
            status = 200, description = "The deployment after the change.", body = ref("#/components/schemas/DeploymentView"),
            headers(
                ("ETag" = String, description = "The deployment's version, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn report_activities(
    State(state): State<ApiState>,
    at: AtDeployment,
    request: WriteRequest,
    JsonBody(ActivityReports(reports)): JsonBody<ActivityReports>,
) -> Result<Response, Problem> {
    let report = state.write_to(&at, request, move |service, write, at| service.report_activities(write, at, &reports));
    let done = report.await?;
    Ok(written(&done))
}

/// Make a move that is not through a gate
///
/// `legal_moves` of the deployment lists the possible moves.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/moves",
    operation_id = "make_move",
    tag = "deployments",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery, WriteConditions),
    request_body(content = ref("#/components/schemas/NewMove"), content_type = "application/json"),
    responses(
        (
            status = 200, description = "The deployment after the change.", body = ref("#/components/schemas/DeploymentView"),
            headers(
                ("ETag" = String, description = "The deployment's version, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn make_move(
    State(state): State<ApiState>,
    at: AtDeployment,
    request: WriteRequest,
    JsonBody(new): JsonBody<NewMove>,
) -> Result<Response, Problem> {
    let make = move |service: &DeploymentService, write: &WriteContext<'_>, at: DeploymentRef<'_>| {
        service.make_move(write, at, new.name.into(), &new.reason)
    };
    let done = state.write_to(&at, request, make).await?;
    Ok(written(&done))
}

/// Get the next step of the rollout
///
/// A running step is returned again until its outcome is reported.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/rollout/next",
    operation_id = "next_step",
    tag = "rollout",
    params(("id" = String, Path, description = "The id of the deployment."), TeamQuery, WriteConditions),
    responses(
        (
            status = 200, description = "The next step.", body = ref("#/components/schemas/NextStep"),
            headers(
                ("ETag" = String, description = "The deployment's new version, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn next_step(
    State(state): State<ApiState>,
    at: AtDeployment,
    request: WriteRequest,
) -> Result<Response, Problem> {
    let done = state.write_to(&at, request, DeploymentService::next_step).await?;
    Ok(written(&done))
}

/// Report the outcome of a step of the rollout
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/rollout/steps/{step}",
    operation_id = "report_step",
    tag = "rollout",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        TeamQuery,
        ("step" = String, Path, description = "The id of the step."),
        WriteConditions,
    ),
    request_body(content = ref("#/components/schemas/StepReport"), content_type = "application/json"),
    responses(
        (
            status = 200, description = "The progress of the rollout.", body = ref("#/components/schemas/Progress"),
            headers(
                ("ETag" = String, description = "The deployment's new version, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn report_step(
    State(state): State<ApiState>,
    at: AtDeployment,
    PathParts((_, step)): PathParts<(String, String)>,
    request: WriteRequest,
    JsonBody(report): JsonBody<StepReport>,
) -> Result<Response, Problem> {
    let report = state.write_to(&at, request, move |service, write, at| service.report_step(write, at, &step, &report));
    let done = report.await?;
    Ok(written(&done))
}
