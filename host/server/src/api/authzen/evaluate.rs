//! Single evaluations, and several in one request.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use lockgate_domain::{Decision, Verdict};

use super::super::gate_decision::{GateCaller, ask};
use super::super::json_body::RawBody;
use super::super::state::ApiState;
use super::answer::{EvaluationAnswer, EvaluationsAnswer};
use super::request::{
    self, CompleteEvaluation, EvaluationBatch, EvaluationRequest, EvaluationSemantic, EvaluationsRequest,
};
use crate::api::openapi_parts::NothingDecided;
use crate::intake::MediaType;
use crate::problem::Problem;

/// How many evaluations of one request run side by side: enough to be written in one group.
const AT_ONCE: usize = 16;

/// Evaluate a gate
///
/// Evaluates the gate that `action` names for the deployment that `resource` names, and does not pass it. The decision is in
/// the ledger before it is answered. `decision` is `true` only for the verdict `allow`. After an HTTP error, nothing was
/// decided.
#[utoipa::path(
    post,
    path = "/access/v1/evaluation",
    operation_id = "authzen_evaluation",
    tag = "authzen",
    request_body = EvaluationRequest,
    responses(
        (status = 200, description = "The decision.", body = EvaluationAnswer),
        NothingDecided,
    )
)]
pub(in crate::api) async fn evaluation(
    State(state): State<ApiState>,
    caller: GateCaller,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Problem> {
    is_json(&headers)?;
    let asked = request::evaluation(&body)?;
    one(&state, &caller, asked).await
}

/// Evaluate several gates
///
/// Each evaluation is independent and has its own entry in the ledger. An evaluation that fails, for example because the
/// deployment does not exist, is answered with `false` and an `error` in its context. Without `evaluations`, the request is
/// one evaluation.
#[utoipa::path(
    post,
    path = "/access/v1/evaluations",
    operation_id = "authzen_evaluations",
    tag = "authzen",
    request_body = EvaluationsRequest,
    responses(
        (status = 200, description = "The decisions, in the order of the evaluations.", body = EvaluationsAnswer),
        NothingDecided,
    )
)]
pub(in crate::api) async fn evaluations(
    State(state): State<ApiState>,
    caller: GateCaller,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Problem> {
    is_json(&headers)?;
    let (all, semantic) = match request::evaluations(&body)? {
        EvaluationBatch::One(asked) => return one(&state, &caller, asked).await,
        EvaluationBatch::Several(all, semantic) => (all, semantic),
    };
    // One refusal for all of them: each evaluation would give the same one.
    caller.session.require().await?;
    // If the request may stop early, the evaluations run one by one: each leaves a decision in the ledger.
    let at_once = if semantic == EvaluationSemantic::ExecuteAll { AT_ONCE } else { 1 };
    let mut outcomes = stream::iter(all).map(|asked| decide(&state, &caller, asked)).buffered(at_once);
    let mut done: Vec<Result<Arc<Decision>, Problem>> = Vec::new();
    while let Some(outcome) = outcomes.next().await {
        let allowed = outcome.as_ref().is_ok_and(|decision| decision.verdict == Verdict::Allow);
        done.push(outcome);
        if semantic.stops_after(allowed) {
            break;
        }
    }
    let each = done.iter().map(|outcome| match outcome {
        Ok(decision) => EvaluationAnswer::of(decision),
        Err(problem) => EvaluationAnswer::failed(problem),
    });
    Ok(Json(EvaluationsAnswer { evaluations: each.collect() }).into_response())
}

async fn one(state: &ApiState, caller: &GateCaller, asked: CompleteEvaluation) -> Result<Response, Problem> {
    let decision = decide(state, caller, asked).await?;
    Ok(Json(EvaluationAnswer::of(&decision)).into_response())
}

async fn decide(state: &ApiState, caller: &GateCaller, asked: CompleteEvaluation) -> Result<Arc<Decision>, Problem> {
    let question = asked.question(&caller.actor)?;
    Ok(ask(state, caller, question).await?.decision)
}

/// Checks the media type, as the standard requires.
fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = MediaType::of(headers).essence;
    match kind.as_str() {
        "application/json" => Ok(()),
        _ => Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .detail(format!("wrong `Content-Type`, `{kind}`: send `application/json`"))),
    }
}
