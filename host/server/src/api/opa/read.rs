//! What is asked: the gate of the path, and the deployment of the input.

use axum::http::StatusCode;
use lockgate_domain::Gate;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::super::extract::AtDeployment;
use crate::problem::Problem;

/// The body of a query.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is the text of the OpenAPI; what is read is looked at member by member")]
pub(super) struct QueryBody {
    /// What it is about.
    input: QueryInput,
}

/// What a query is about.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is the text of the OpenAPI; what is read is looked at member by member")]
pub(super) struct QueryInput {
    /// The id of a deployment that is registered.
    #[schema(examples("shop-42"))]
    deployment: String,
    /// The team that it belongs to; needed where several of one's teams have a deployment of that id.
    team: Option<String>,
}

/// How a query is to be answered. As in OPA, a flag is set by its name alone, or by `true`; other parameters are ignored.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct QueryParameters {
    /// The input of a `GET`, as JSON.
    #[param(example = r#"{"deployment": "shop-42"}"#)]
    pub(super) input: Option<String>,
    /// Whether to say how long it took.
    #[param(value_type = Option<bool>)]
    metrics: Option<String>,
    /// Whether to say what decided.
    #[param(value_type = Option<bool>)]
    provenance: Option<String>,
    /// Whether to lay out the answer for reading.
    #[param(value_type = Option<bool>)]
    pretty: Option<String>,
}

impl QueryParameters {
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
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(no_input());
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| bad(format!("the body is not JSON: {error}")))?;
    match value {
        Value::Object(mut members) => deployment(members.remove("input").ok_or_else(no_input)?),
        _ => Err(no_input()),
    }
}

/// The deployment that the parameter of a `GET` names.
pub(super) fn parameter(input: Option<&String>) -> Result<AtDeployment, Problem> {
    let text = input.ok_or_else(no_input)?;
    deployment(serde_json::from_str(text).map_err(|error| bad(format!("the parameter `input` is not JSON: {error}")))?)
}

fn deployment(input: Value) -> Result<AtDeployment, Problem> {
    let Value::Object(mut members) = input else { return Err(no_input()) };
    let team = match members.remove("team") {
        None => None,
        Some(Value::String(team)) => Some(team),
        Some(other) => return Err(bad(format!("at `/input/team`: `{other}` is not the name of a team: write a text"))),
    };
    match members.remove("deployment") {
        Some(Value::String(id)) => {
            let others: Vec<String> = members.keys().map(|name| format!("`{name}`")).collect();
            if others.is_empty() {
                return Ok(AtDeployment::new(id, team));
            }
            Err(bad(format!(
                "at `/input`: {} would make no difference: a gate looks at what is registered, so hand it in there (as part \
                 of the deployment, or as evidence) and leave only `deployment` and `team` here",
                others.join(", ")
            )))
        }
        Some(Value::Object(_)) => Err(whole("/input/deployment")),
        Some(other) => {
            Err(bad(format!("at `/input/deployment`: `{other}` is not the id of a deployment: write a text")))
        }
        None if looks_whole(&members) => Err(whole("/input")),
        None => Err(no_input()),
    }
}

fn looks_whole(members: &Map<String, Value>) -> bool {
    ["release", "plan", "approvals", "environment"].iter().any(|name| members.contains_key(*name))
}

/// Whoever asks could have written anything into it, approvals for example.
fn whole(place: &str) -> Problem {
    bad(format!(
        "at `{place}`: a whole deployment is not taken here, since what it says of approvals could be anybody's word: register \
         it with `POST /api/v1/deployments`, and ask with its id: `{{\"input\": {{\"deployment\": \"<id>\"}}}}`"
    ))
}

fn no_input() -> Problem {
    bad("the query does not say about which deployment: send `{\"input\": {\"deployment\": \"<id>\"}}`")
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid-query", "The query cannot be answered").detail(detail)
}
