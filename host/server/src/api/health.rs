//! Whether the server is alive, whether it is ready, and why not: for supervisors and load balancers.
//!
//! All of it is open, and answered under any load. `/livez` says that the process answers; `/readyz` that it can make
//! and write a decision. `/health` and `/v1/status` say the same in OPA's format.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use lockgate_domain::Teams;
use lockgate_service::authority::Actor;
use serde_json::{Map, Value, json};

use super::openapi_parts::ReadErrors;
use super::readiness::{Readiness, ReadinessCheck};
use super::state::ServerState;
use crate::observe::scrape;
use crate::problem::Problem;

/// Check that the process is alive
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, description = "Alive.", body = String)))]
pub(crate) async fn livez() -> &'static str {
    "ok"
}

/// Check that decisions can be made and stored
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    responses(
        (status = 200, description = "Ready.", body = Readiness),
        (status = 503, description = "Not ready. The checks say why.", body = Readiness),
    )
)]
pub(crate) async fn readyz(State(state): State<ServerState>) -> Response {
    let readiness = state.checks.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

/// Check the health in the form of OPA
///
/// The answer is an empty object, or 500 with an `error`. `?bundles` also checks the models, `?plugins` everything that
/// readiness depends on.
#[utoipa::path(
    get,
    path = "/health",
    tag = "health",
    params(
        ("bundles" = Option<bool>, Query, description = "Also checks that models are loaded."),
        ("plugins" = Option<bool>, Query, description = "Checks everything that readiness depends on."),
    ),
    responses(
        (status = 200, description = "Healthy.", body = Value),
        (status = 500, description = "Unhealthy.", body = Value),
    )
)]
pub(crate) async fn health(State(state): State<ServerState>, RawQuery(query): RawQuery) -> Response {
    let asked = |name: &str| {
        let parts = query.as_deref().unwrap_or_default().split('&');
        parts
            .map(|part| part.split_once('=').unwrap_or((part, "true")))
            .any(|(key, value)| key == name && !matches!(value, "false" | "0" | "f" | "F"))
    };
    let Readiness { ready, checks } = state.checks.readiness();
    let is_ok = |name: &str| checks.get(name).is_none_or(|check| check.ok);
    let error = if ["ledger", "signing-key", "clock"].iter().any(|name| !is_ok(name)) {
        Some("unable to perform evaluation")
    } else if (asked("bundles") || asked("bundle")) && !is_ok("models") {
        Some("one or more bundles are not activated")
    } else if asked("plugins") && !ready {
        Some("one or more plugins are not up")
    } else {
        None
    };
    match error {
        None => Json(json!({})).into_response(),
        Some(error) => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": error }))).into_response(),
    }
}

/// Get the status in the form of OPA
///
/// Each check of readiness is a plugin.
#[utoipa::path(
    get,
    path = "/v1/status",
    tag = "health",
    responses((status = 200, description = "The state of each check.", body = Value))
)]
pub(crate) async fn status(State(state): State<ServerState>) -> Json<Value> {
    let plugin = |(name, check): (String, ReadinessCheck)| {
        let state = if check.ok { "OK" } else { "ERROR" };
        let mut plugin = Map::from_iter([("state".to_owned(), json!(state))]);
        plugin.extend(check.message.map(|message| ("message".to_owned(), json!(message))));
        (name, Value::Object(plugin))
    };
    let plugins: Map<String, Value> = state.checks.readiness().checks.into_iter().map(plugin).collect();
    let labels = json!({ "app": "lockgate", "version": env!("CARGO_PKG_VERSION") });
    Json(json!({ "result": { "labels": labels, "plugins": plugins } }))
}

/// Get the metrics
///
/// OpenMetrics for clients that accept it, otherwise the text format of Prometheus. `observe.metrics` sets whether the route
/// exists and whether it needs a credential: one with access to all teams, because the metrics cover all teams.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "health",
    responses(
        (status = 200, description = "The metrics.", content((String = "application/openmetrics-text"), (String = "text/plain"))),
        ReadErrors,
    )
)]
pub(crate) async fn metrics(
    State(state): State<ServerState>,
    actor: Option<Extension<Actor>>,
    headers: HeaderMap,
) -> Response {
    // The metrics count the work of all teams. Without a credential, the configuration lets everybody see them.
    if actor.is_some_and(|Extension(actor)| actor.teams != Teams::All) {
        return Problem::new(StatusCode::FORBIDDEN, "of-all-teams", "Needs access to all teams")
            .detail("the metrics cover all teams: use a credential with access to all teams")
            .into_response();
    }
    scrape(Arc::clone(&state.metrics), Some(Arc::clone(&state.storage)), headers).await
}
