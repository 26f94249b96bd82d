//! Queries: each asks one gate, or nothing.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::super::errors::as_opa;
use super::super::gate_decision::{GateCaller, GateQuestion, TimedDecision, ask};
use super::super::json_body::RawBody;
use super::super::state::ApiState;
use super::super::url_parts::{PathParts, QueryParams};
use super::document::{OpaQueryAnswer, QueryWarning, may_exist, metrics, part, provenance};
use super::read::{self, OpaQueryBody, OpaQueryParams};
use crate::api::openapi_parts::{AnyError, NothingDecided};
use crate::problem::Problem;

/// The name of this interface in the ledger.
const PATH: &str = "opa";

/// Query a gate with `GET`
///
/// As with `POST`, with the input in the query.
#[utoipa::path(
    get,
    path = "/v1/data/lockgate/{stage}/{phase}",
    operation_id = "opa_get_gate",
    tag = "opa",
    params(
        ("stage" = String, Path, description = "The stage.", example = "fulfill"),
        ("phase" = String, Path, description = "`entrance` or `exit`.", example = "entrance"),
        OpaQueryParams,
    ),
    responses(
        (status = 200, description = "The document and the id of the decision; without `result` if it is undefined.", body = OpaQueryAnswer),
        NothingDecided,
    )
)]
pub(in crate::api) async fn get_gate(
    State(state): State<ApiState>,
    caller: GateCaller,
    PathParts((stage, phase)): PathParts<(String, String)>,
    QueryParams(parameters): QueryParams<OpaQueryParams>,
) -> Result<Response, Problem> {
    answer(&state, &caller, QueryPath { stage, phase, part: Vec::new() }, &parameters, None).await
}

/// Query a gate
///
/// Evaluates the gate for a deployment, and does not pass it. The decision is in the ledger before it is answered. After an
/// HTTP error, nothing was decided.
#[utoipa::path(
    post,
    path = "/v1/data/lockgate/{stage}/{phase}",
    operation_id = "opa_post_gate",
    tag = "opa",
    params(
        ("stage" = String, Path, description = "The stage.", example = "fulfill"),
        ("phase" = String, Path, description = "`entrance` or `exit`.", example = "entrance"),
        OpaQueryParams,
    ),
    request_body = OpaQueryBody,
    responses(
        (status = 200, description = "The document and the id of the decision; without `result` if it is undefined.", body = OpaQueryAnswer),
        NothingDecided,
    )
)]
pub(in crate::api) async fn post_gate(
    State(state): State<ApiState>,
    caller: GateCaller,
    PathParts((stage, phase)): PathParts<(String, String)>,
    QueryParams(parameters): QueryParams<OpaQueryParams>,
    RawBody(body): RawBody,
) -> Result<Response, Problem> {
    answer(&state, &caller, QueryPath { stage, phase, part: Vec::new() }, &parameters, Some(&body)).await
}

/// Query a part of a gate's document with `GET`
///
/// As with `POST`, with the input in the query.
#[utoipa::path(
    get,
    path = "/v1/data/lockgate/{stage}/{phase}/{part}",
    operation_id = "opa_get_part",
    tag = "opa",
    params(
        ("stage" = String, Path, description = "The stage.", example = "fulfill"),
        ("phase" = String, Path, description = "`entrance` or `exit`.", example = "entrance"),
        ("part" = String, Path, description = "The part; it may contain slashes.", example = "allow"),
        OpaQueryParams,
    ),
    responses(
        (status = 200, description = "The part and the id of the decision; without `result` if it is undefined.", body = OpaQueryAnswer),
        NothingDecided,
    )
)]
pub(in crate::api) async fn get_part(
    State(state): State<ApiState>,
    caller: GateCaller,
    PathParts((stage, phase, part)): PathParts<(String, String, String)>,
    QueryParams(parameters): QueryParams<OpaQueryParams>,
) -> Result<Response, Problem> {
    answer(&state, &caller, QueryPath { stage, phase, part: steps(&part) }, &parameters, None).await
}

/// Query a part of a gate's document
///
/// `…/allow` is answered with `{"result": true}` or `{"result": false}`. The ledger has the whole decision.
#[utoipa::path(
    post,
    path = "/v1/data/lockgate/{stage}/{phase}/{part}",
    operation_id = "opa_post_part",
    tag = "opa",
    params(
        ("stage" = String, Path, description = "The stage.", example = "fulfill"),
        ("phase" = String, Path, description = "`entrance` or `exit`.", example = "entrance"),
        ("part" = String, Path, description = "The part; it may contain slashes.", example = "allow"),
        OpaQueryParams,
    ),
    request_body = OpaQueryBody,
    responses(
        (status = 200, description = "The part and the id of the decision; without `result` if it is undefined.", body = OpaQueryAnswer),
        NothingDecided,
    )
)]
pub(in crate::api) async fn post_part(
    State(state): State<ApiState>,
    caller: GateCaller,
    PathParts((stage, phase, part)): PathParts<(String, String, String)>,
    QueryParams(parameters): QueryParams<OpaQueryParams>,
    RawBody(body): RawBody,
) -> Result<Response, Problem> {
    answer(&state, &caller, QueryPath { stage, phase, part: steps(&part) }, &parameters, Some(&body)).await
}

/// Query all documents: undefined
///
/// Gates are at `/v1/data/lockgate/{stage}/{phase}`.
#[utoipa::path(
    get,
    path = "/v1/data",
    operation_id = "opa_get_all",
    tag = "opa",
    params(OpaQueryParams),
    responses(
        (status = 200, description = "An answer without `result`, with a warning.", body = OpaQueryAnswer),
        AnyError,
    )
)]
pub(in crate::api) async fn get_all(parameters: QueryParams<OpaQueryParams>) -> Result<Response, Problem> {
    no_gate(parameters)
}

/// Query all documents: undefined
///
/// Gates are at `/v1/data/lockgate/{stage}/{phase}`.
#[utoipa::path(
    post,
    path = "/v1/data",
    operation_id = "opa_post_all",
    tag = "opa",
    params(OpaQueryParams),
    responses(
        (status = 200, description = "An answer without `result`, with a warning.", body = OpaQueryAnswer),
        AnyError,
    )
)]
pub(in crate::api) async fn post_all(parameters: QueryParams<OpaQueryParams>) -> Result<Response, Problem> {
    no_gate(parameters)
}

/// Query another document: undefined
///
/// As in OPA, an undefined document is not an error.
#[utoipa::path(
    get,
    path = "/v1/data/{path}",
    operation_id = "opa_get_undefined",
    tag = "opa",
    params(
        ("path" = String, Path, description = "Any path; it may contain slashes.", example = "system/main"),
        OpaQueryParams,
    ),
    responses(
        (status = 200, description = "An answer without `result`, with a warning.", body = OpaQueryAnswer),
        AnyError,
    )
)]
pub(in crate::api) async fn get_undefined(parameters: QueryParams<OpaQueryParams>) -> Result<Response, Problem> {
    no_gate(parameters)
}

/// Query another document: undefined
///
/// As in OPA, an undefined document is not an error.
#[utoipa::path(
    post,
    path = "/v1/data/{path}",
    operation_id = "opa_post_undefined",
    tag = "opa",
    params(
        ("path" = String, Path, description = "Any path; it may contain slashes.", example = "system/main"),
        OpaQueryParams,
    ),
    responses(
        (status = 200, description = "An answer without `result`, with a warning.", body = OpaQueryAnswer),
        AnyError,
    )
)]
pub(in crate::api) async fn post_undefined(parameters: QueryParams<OpaQueryParams>) -> Result<Response, Problem> {
    no_gate(parameters)
}

/// The answer for a document that is not one of the gates.
fn no_gate(QueryParams(parameters): QueryParams<OpaQueryParams>) -> Result<Response, Problem> {
    undefined("undefined document: gates are at `/v1/data/lockgate/<stage>/<phase>`", &parameters)
}

/// A missing document is undefined, and no error, as in OPA.
fn undefined(message: &str, parameters: &OpaQueryParams) -> Result<Response, Problem> {
    respond(
        &OpaQueryAnswer { warning: Some(QueryWarning::new(message)), ..OpaQueryAnswer::default() },
        parameters.pretty(),
    )
}

/// The parts of the path.
struct QueryPath {
    stage: String,
    phase: String,
    part: Vec<String>,
}

fn steps(path: &str) -> Vec<String> {
    path.split('/').filter(|step| !step.is_empty()).map(str::to_owned).collect()
}

async fn answer(
    state: &ApiState,
    caller: &GateCaller,
    asking: QueryPath,
    parameters: &OpaQueryParams,
    body: Option<&[u8]>,
) -> Result<Response, Problem> {
    let QueryPath { stage, phase, part: path } = asking;
    let Some(gate) = read::gate(&stage, &phase) else {
        let message = format!(
            "`{stage}/{phase}` is not a gate: the stages are `plan-and-approve`, `fulfill`, `validate` and `observe`, the \
             phases `entrance` and `exit`"
        );
        return undefined(&message, parameters);
    };
    let deployment = match body {
        Some(body) => read::body(body),
        None => read::parameter(parameters.input.as_ref()),
    };
    let deployment = deployment.map_err(as_opa)?;
    if !may_exist(&path) {
        let message = format!("a gate's document has no `{}`. Nothing was decided", path.join("/"));
        return undefined(&message, parameters);
    }
    let question = GateQuestion { deployment, gate, path: PATH, input: None };
    let TimedDecision { decision, phases } = ask(state, caller, question).await.map_err(as_opa)?;
    let answer = OpaQueryAnswer {
        result: part(&decision, &path).map_err(|error| internal(&error))?,
        decision_id: Some(decision.id.clone()),
        metrics: parameters.metrics().then(|| metrics(&phases)),
        provenance: parameters.provenance().then(|| provenance(&decision)),
        warning: None,
    };
    respond(&answer, parameters.pretty())
}

fn internal(error: &serde_json::Error) -> Problem {
    as_opa(
        Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).detail(format!("the answer has no JSON form: {error}")),
    )
}

fn respond(answer: &OpaQueryAnswer, pretty: bool) -> Result<Response, Problem> {
    let bytes = if pretty { serde_json::to_vec_pretty(answer) } else { serde_json::to_vec(answer) };
    let bytes = bytes.map_err(|error| internal(&error))?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response())
}
