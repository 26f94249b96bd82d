//! Reads a query: the gate of the path, and the deployment of the input.

use axum::http::StatusCode;
use lockgate_domain::{Gate, TeamName, shown, without_byte_order_mark};
use lockgate_service::InputError;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::super::extract::AtDeployment;
use super::super::json_body::{BodyRefusal, read_asked};
use crate::problem::Problem;

/// The body of an OPA query.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is the text of the OpenAPI; what is read is looked at member by member")]
pub(super) struct OpaQueryBody {
    /// The input document of the query.
    input: OpaQueryInput,
}

/// The input document of an OPA query.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is the text of the OpenAPI; what is read is looked at member by member")]
pub(super) struct OpaQueryInput {
    /// The id of a registered deployment.
    #[schema(examples("shop-42"))]
    deployment: String,
    /// The deployment's team. Required if several of your teams have a deployment with this id.
    team: Option<String>,
}

/// Options of a query. As in OPA, the name of a flag alone sets it, and other parameters are ignored.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct OpaQueryParams {
    /// The input of a `GET`, as JSON.
    #[param(example = r#"{"deployment": "shop-42"}"#)]
    pub(super) input: Option<String>,
    /// Whether the answer has timers.
    #[param(value_type = Option<bool>)]
    metrics: Option<String>,
    /// Whether the answer has the server version, the model and the plugins.
    #[param(value_type = Option<bool>)]
    provenance: Option<String>,
    /// Whether the JSON of the answer is indented.
    #[param(value_type = Option<bool>)]
    pretty: Option<String>,
}

impl OpaQueryParams {
    pub(super) fn metrics(&self) -> bool {
        is_set(self.metrics.as_ref())
    }

    pub(super) fn provenance(&self) -> bool {
        is_set(self.provenance.as_ref())
    }

    pub(super) fn pretty(&self) -> bool {
        is_set(self.pretty.as_ref())
    }
}

fn is_set(flag: Option<&String>) -> bool {
    flag.is_some_and(|value| matches!(value.as_str(), "" | "true" | "1"))
}

/// The gate of a path.
pub(super) fn gate(stage: &str, phase: &str) -> Option<Gate> {
    Gate::all().find(|gate| gate.stage.as_str() == stage && gate.phase.as_str() == phase)
}

/// The deployment that the body of a `POST` names.
pub(super) fn body(body: &[u8]) -> Result<AtDeployment, Problem> {
    if without_byte_order_mark(body).iter().all(u8::is_ascii_whitespace) {
        return Err(no_input());
    }
    match read_strictly(body, "the body")? {
        Value::Object(mut members) => deployment(members.remove("input").ok_or_else(no_input)?),
        _ => Err(no_input()),
    }
}

/// The deployment that the parameter of a `GET` names.
pub(super) fn parameter(input: Option<&String>) -> Result<AtDeployment, Problem> {
    let text = input.ok_or_else(no_input)?;
    deployment(read_strictly(text.as_bytes(), "the parameter `input`")?)
}

fn read_strictly(json: &[u8], what: &str) -> Result<Value, Problem> {
    read_asked(json).map_err(|refusal| match refusal {
        BodyRefusal::NotJson(why) => bad(format!("{what} is not JSON: {why}")),
        BodyRefusal::Mistakes(mistakes) => {
            bad(mistakes.iter().map(InputError::to_string).collect::<Vec<_>>().join("; "))
        }
    })
}

fn deployment(input: Value) -> Result<AtDeployment, Problem> {
    let Value::Object(mut members) = input else { return Err(no_input()) };
    let team = match members.remove("team") {
        None => None,
        Some(Value::String(team)) => {
            Some(TeamName::new(&team).map_err(|error| bad(format!("at `/input/team`: {error}")))?)
        }
        Some(other) => return Err(bad(format!("at `/input/team`: expected a text, got {}", shown(&other)))),
    };
    match members.remove("deployment") {
        Some(Value::String(id)) => {
            let others: Vec<String> = members.keys().map(|name| format!("`{name}`")).collect();
            if others.is_empty() {
                return Ok(AtDeployment::new(id, team));
            }
            Err(bad(format!(
                "at `/input`: {} has no effect on the decision: put it into the deployment or upload it as evidence, and send \
                 only `deployment` and `team` here",
                others.join(", ")
            )))
        }
        Some(Value::Object(_)) => Err(whole("/input/deployment")),
        Some(other) => {
            Err(bad(format!("at `/input/deployment`: expected the id of a deployment, got {}", shown(&other))))
        }
        None if looks_whole(&members) => Err(whole("/input")),
        None => Err(no_input()),
    }
}

fn looks_whole(members: &Map<String, Value>) -> bool {
    ["release", "plan", "approvals", "environment"].iter().any(|name| members.contains_key(*name))
}

/// Refuses a whole deployment as input: a client could write anything into it, for example approvals.
fn whole(place: &str) -> Problem {
    bad(format!(
        "at `{place}`: a whole deployment is not accepted here, because the client could forge its approvals: register it with \
         `POST /api/v1/deployments`, and send its id: `{{\"input\": {{\"deployment\": \"<id>\"}}}}`"
    ))
}

fn no_input() -> Problem {
    bad("the query names no deployment: send `{\"input\": {\"deployment\": \"<id>\"}}`")
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid-query", "Invalid query").detail(detail)
}
