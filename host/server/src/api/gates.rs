//! Gates: asked, and passed if they allow. A denial is an answer, and no error.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use lockgate_engine::service::Asked;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::written;
use super::ask::{Asker, Question, ask};
use super::extract::{AtGate, Intent, Parameters};
use super::openapi::{Conditions, Writing};
use super::state::ApiState;
use crate::observe::Phases;
use crate::problem::Problem;

/// The name of this interface, in the ledger.
const PATH: &str = "api";

/// How a gate is asked.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct How {
    /// Only ask: the deployment stays where it is, whatever the decision is.
    ask: Option<bool>,
}

/// Passes a gate
///
/// Decides, and passes the gate if the decision allows; of several who try at the same time, one passes. The status is
/// 200 whatever the verdict is. With `ask=true` any gate can be asked, and the answer is the decision alone.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/gates/{stage}/{phase}",
    operation_id = "pass_gate",
    tag = "gates",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        ("stage" = String, Path, description = "The stage.", example = "plan-and-approve"),
        ("phase" = String, Path, description = "`entrance` or `exit`.", example = "entrance"),
        How,
        Conditions,
    ),
    responses(
        (
            status = 200, description = "The decision, and where the deployment stands since; with `ask=true`, the decision.",
            body = ref("#/components/schemas/GateAnswer"),
            headers(
                ("ETag" = String, description = "The version of the deployment, in quotes; not with `ask=true`."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        Writing,
    )
)]
pub(super) async fn pass(
    State(state): State<ApiState>,
    AtGate { id, gate }: AtGate,
    Parameters(how): Parameters<How>,
    asker: Asker,
    intent: Intent,
) -> Result<Response, Problem> {
    if how.ask == Some(true) {
        let question = Question { deployment: id, gate, path: PATH, input: None };
        let answered = ask(&state, &asker, question).await?;
        return Ok(Json(&*answered.decision).into_response());
    }
    let Asker { exchange, request, .. } = asker;
    let asked = Asked { path: PATH.to_owned(), input: None, request };
    let done = state.run(move |engine| engine.pass(&intent.write(), &id, gate, &asked)).await?;
    // What is answered again was counted the first time.
    if let (Some(exchange), false) = (&exchange, done.repeated) {
        exchange.decision(&done.value.decision, Phases::default());
    }
    state.hub.wrote(&done.value.deployment.id, done.version);
    Ok(written(&done))
}
