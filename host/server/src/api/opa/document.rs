//! A decision as a document of the data API.

use std::collections::BTreeMap;

use lockgate_domain::{Decision, DecisionReason, DecisionRequirement, Obligation, Verdict};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::observe::RequestPhases;

/// The document that a gate's path returns.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GateDocument<'a> {
    /// Whether the deployment may proceed: `true` only for the verdict `allow`.
    allow: bool,
    /// The verdict: `allow`, `deny`, `pending` or `error`.
    #[schema(value_type = String, examples("pending"))]
    verdict: Verdict,
    /// All reasons for the verdict, with their codes and sources.
    #[schema(value_type = Vec<Object>)]
    reasons: &'a [DecisionReason],
    /// The requirements that would change the verdict if they were met.
    #[schema(value_type = Vec<Object>)]
    requirements: &'a [DecisionRequirement],
    /// The conditions of the answer, by binding.
    #[schema(value_type = Object)]
    obligations: &'a BTreeMap<String, Vec<Obligation>>,
}

/// The members of the document. Any other member is undefined, and no reason to decide anything.
const MEMBERS: [&str; 5] = ["allow", "verdict", "reasons", "requirements", "obligations"];

/// The answer to an OPA query.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct OpaQueryAnswer {
    /// The document, or the requested part of it. Absent if it is undefined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) result: Option<Value>,
    /// The id of the decision in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decision_id: Option<String>,
    /// The timers of the query in nanoseconds, with `metrics=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(super) metrics: Option<Value>,
    /// The server version, the model and the plugins, with `provenance=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(super) provenance: Option<Value>,
    /// The reason why the result is undefined, if it is probably a mistake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warning: Option<QueryWarning>,
}

/// A warning about a query that is probably a mistake.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QueryWarning {
    /// The code of the warning: always `api_usage_warning`.
    code: &'static str,
    /// The mistake in the query, and how to correct it.
    message: String,
}

impl QueryWarning {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { code: "api_usage_warning", message: message.into() }
    }
}

/// Whether this part can exist, whatever is decided.
pub(super) fn may_exist(part: &[String]) -> bool {
    part.first().is_none_or(|first| MEMBERS.contains(&first.as_str()))
}

/// The document of a decision, or a part of it.
pub(super) fn part(decision: &Decision, path: &[String]) -> Result<Option<Value>, serde_json::Error> {
    let Decision { verdict, reasons, requirements, obligations, .. } = decision;
    let allow = *verdict == Verdict::Allow;
    if let [only] = path
        && only == "allow"
    {
        return Ok(Some(Value::Bool(allow)));
    }
    let whole = GateDocument { allow, verdict: *verdict, reasons, requirements, obligations };
    Ok(path.iter().try_fold(serde_json::to_value(whole)?, |within, step| match within {
        Value::Object(mut members) => members.remove(step),
        Value::Array(mut items) => {
            let place: usize = step.parse().ok()?;
            (place < items.len()).then(|| items.swap_remove(place))
        }
        _ => None,
    }))
}

/// Timers in nanoseconds, under the same names as in the decision log.
pub(super) fn metrics(phases: &RequestPhases) -> Value {
    let timer = |(name, time): (String, Value)| match name.as_str() {
        "total_ns" => ("timer_server_handler_ns".to_owned(), time),
        _ => (format!("timer_lockgate_{name}"), time),
    };
    match serde_json::to_value(phases) {
        Ok(Value::Object(phases)) => Value::Object(phases.into_iter().map(timer).collect()),
        _ => Value::Object(Map::new()),
    }
}

/// The version of the server, and the model and plugins in the place of OPA's bundles.
pub(super) fn provenance(decision: &Decision) -> Value {
    let model = &decision.model;
    let revision = |version: &str, digest: &dyn std::fmt::Display| json!({ "revision": format!("{version}@{digest}") });
    let plugins = decision.bindings.iter().map(|binding| &binding.plugin);
    let plugins = plugins.map(|plugin| (format!("plugin/{}", plugin.name), revision(&plugin.version, &plugin.digest)));
    let model = (format!("model/{}", model.id), revision(&model.version, &model.digest));
    let bundles: Map<String, Value> = plugins.chain([model]).collect();
    json!({ "version": env!("CARGO_PKG_VERSION"), "bundles": bundles })
}
