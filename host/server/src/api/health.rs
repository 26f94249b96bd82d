//! Whether the server lives, whether it is ready, and why not: for those who start it, and send requests to it.
//!
//! All of it is open, and answered under any load. `/livez` says that the process answers; `/readyz` that a decision could
//! be made and written. `/health` and `/v1/status` say the same in the words of OPA, for those who look there.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json, Router};
use lockgate_engine::authority::{Actor, Teams};
use lockgate_ledger::Storage;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::ServerState;
use super::mount::Doorkeeper;
use super::openapi::Reading;
use super::routes::health_routes;
use crate::observe::scrape;
use crate::problem::Problem;
use crate::serve::Lifecycle;

/// Whether one of the things is as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Check {
    /// It is.
    pub ok: bool,
    /// What there is to say about it. It is told to everybody: no path and no secret is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Whether the server is ready: if every check is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Readiness {
    /// Whether requests should be sent here.
    pub ready: bool,
    /// The checks by name: `clock`, `ledger`, `models`, `shutdown`, `signing-key`.
    pub checks: BTreeMap<String, Check>,
}

type Look = Box<dyn Fn() -> Check + Send + Sync>;

/// What readiness depends on.
pub struct Checks(RwLock<BTreeMap<&'static str, Look>>);

impl Checks {
    /// Whether the ledger takes entries, and no shutdown has begun.
    pub fn new(storage: &Arc<dyn Storage>, lifecycle: &Lifecycle) -> Self {
        let checks = Self(RwLock::default());
        // A look does not keep the ledger open.
        let storage = Arc::downgrade(storage);
        checks.add("ledger", move || {
            let failing = storage.upgrade().map(|storage| storage.health().failing);
            let message = match &failing {
                Some(None) => None,
                Some(Some((since, why))) => Some(format!("{} since {since}", why.cause.as_str())),
                None => Some("closed".to_owned()),
            };
            Check { ok: message.is_none(), message }
        });
        let lifecycle = lifecycle.clone();
        checks.add("shutdown", move || {
            let stopping = lifecycle.is_stopping();
            Check { ok: !stopping, message: stopping.then(|| "a shutdown has begun".to_owned()) }
        });
        checks
    }

    /// Adds one, or takes the place of the one of that name. It is called for each look at readiness, and must not wait
    /// for anything.
    pub fn add(&self, name: &'static str, look: impl Fn() -> Check + Send + Sync + 'static) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(name, Box::new(look));
    }

    /// Looks at all of them.
    pub fn readiness(&self) -> Readiness {
        let looks = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let checks: BTreeMap<String, Check> = looks.iter().map(|(name, look)| ((*name).to_owned(), look())).collect();
        Readiness { ready: checks.values().all(|check| check.ok), checks }
    }
}

/// Whether a path is one of those that tell the server's health.
pub(crate) fn is_about_health(path: &str) -> bool {
    ["/livez", "/readyz", "/health", "/v1/status"].contains(&path)
}

/// The routes, which do not wait for their turn.
pub fn routes(state: &ServerState) -> Router {
    let doorkeeper = Doorkeeper { authenticator: Arc::clone(&state.authenticator), intake: None, backpressure: None };
    let routes = health_routes(state.config.observe.metrics);
    doorkeeper.router(routes, &state.config.limits).with_state(state.clone())
}

/// The process answers.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, description = "It lives.", body = String)))]
pub(crate) async fn livez() -> &'static str {
    "ok"
}

/// Whether a decision could be made and written, and if not, why.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    responses(
        (status = 200, description = "It is ready.", body = Readiness),
        (status = 503, description = "It is not; the checks say why.", body = Readiness),
    )
)]
pub(crate) async fn readyz(State(state): State<ServerState>) -> Response {
    let readiness = state.checks.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

/// Health as OPA tells it: an empty object, or 500 with an `error`. `?bundles` also asks for models, `?plugins` for all
/// that readiness depends on.
#[utoipa::path(
    get,
    path = "/health",
    tag = "health",
    params(
        ("bundles" = Option<bool>, Query, description = "Also asks whether models are loaded."),
        ("plugins" = Option<bool>, Query, description = "Asks for everything that readiness depends on."),
    ),
    responses(
        (status = 200, description = "It is healthy.", body = Value),
        (status = 500, description = "It is not.", body = Value),
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

/// The status as OPA tells it: each thing that readiness depends on is a plugin.
#[utoipa::path(
    get,
    path = "/v1/status",
    tag = "health",
    responses((status = 200, description = "The state of each part.", body = Value))
)]
pub(crate) async fn status(State(state): State<ServerState>) -> Json<Value> {
    let plugin = |(name, check): (String, Check)| {
        let state = if check.ok { "OK" } else { "ERROR" };
        let mut plugin = Map::from_iter([("state".to_owned(), json!(state))]);
        plugin.extend(check.message.map(|message| ("message".to_owned(), json!(message))));
        (name, Value::Object(plugin))
    };
    let plugins: Map<String, Value> = state.checks.readiness().checks.into_iter().map(plugin).collect();
    let labels = json!({ "app": "lockgate", "version": env!("CARGO_PKG_VERSION") });
    Json(json!({ "result": { "labels": labels, "plugins": plugins } }))
}

/// What the server has counted
///
/// OpenMetrics for clients that accept it, and otherwise the older text format of Prometheus. `observe.metrics` says whether
/// there is this route, and whether it takes a credential: then one that sees all teams, since the metrics count what all
/// teams do.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "health",
    responses(
        (status = 200, description = "The metrics.", content((String = "application/openmetrics-text"), (String = "text/plain"))),
        Reading,
    )
)]
pub(crate) async fn metrics(
    State(state): State<ServerState>,
    actor: Option<Extension<Actor>>,
    headers: HeaderMap,
) -> Response {
    // They count what all teams do. Without a credential, the configuration lets everybody see them.
    if actor.is_some_and(|Extension(actor)| actor.teams != Teams::All) {
        return Problem::new(StatusCode::FORBIDDEN, "of-all-teams", "It is for all teams")
            .detail("the metrics count what all teams do: use a credential that sees all teams")
            .into_response();
    }
    scrape(Arc::clone(&state.metrics), Some(Arc::clone(&state.storage)), headers).await
}
