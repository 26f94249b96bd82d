//! The one table of routes: the path, access rule and handler of each.
//!
//! The router, the OpenAPI description ([`super::openapi`]) and the tables of `docs/authentication.md`
//! ([`super::rights_tables`]) are made from it. A route that is not in this file does not exist.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::FromRef;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use lockgate_domain::Right;
use serde_json::Value;

use super::audit::AuditState;
use super::audit::content;
use super::audit::log;
use super::audit::prove;
use super::authzen::{evaluate, metadata};
use super::opa::query;
use super::rights_tables::{self, UnmarkedPage};
use super::route::{Backpressure, Route, RouteAccess, RouteMounter, RouteRow};
use super::state::{ApiState, ServerState};
use super::{
    access, approvals, catalogue, changes, decisions, delegations, deployments, due, events, evidence, gates,
    hand_over, health, notifications, overrides, progress, registers, stops, wait, waivers, whoami,
};
use crate::auth::Authenticator;
use crate::auth::access::GrantingRule;
use crate::config::MetricsAccess;
use crate::intake::RequestIntake;

const ADMINISTER: RouteAccess = RouteAccess::Any(&[Right::Administer]);
const ADMINISTER_OR_APPROVE: RouteAccess = RouteAccess::Any(&[Right::Approve, Right::Administer]);
const ADMINISTER_AUDIT_OR_GOVERN: RouteAccess = RouteAccess::Any(&[Right::Administer, Right::Audit, Right::Govern]);
const APPROVE: RouteAccess = RouteAccess::Any(&[Right::Approve]);
const ATTEST: RouteAccess = RouteAccess::Any(&[Right::Attest]);
const AUDIT: RouteAccess = RouteAccess::Any(&[Right::Audit]);
const DECIDE: RouteAccess = RouteAccess::Any(&[Right::Decide]);
const DECIDE_OR_DRIVE: RouteAccess = RouteAccess::Any(&[Right::Decide, Right::Drive]);
const DRIVE: RouteAccess = RouteAccess::Any(&[Right::Drive]);
const DRIVE_OR_APPROVE: RouteAccess = RouteAccess::Any(&[Right::Drive, Right::Approve]);
const DRIVE_OR_RESUME: RouteAccess = RouteAccess::Any(&[Right::Drive, Right::Resume]);
const GOVERN: RouteAccess = RouteAccess::Any(&[Right::Govern]);
const OVERRIDE: RouteAccess = RouteAccess::Any(&[Right::Override]);
const REGISTER: RouteAccess = RouteAccess::Any(&[Right::Register]);
const READ: RouteAccess = RouteAccess::Any(&[Right::Read]);
const REQUEST: RouteAccess = RouteAccess::Any(&[Right::Request]);
const REVIEW: RouteAccess = RouteAccess::Any(&[Right::Review]);
const STOP: RouteAccess = RouteAccess::Any(&[Right::Stop]);
const TAKE_OVER: RouteAccess = RouteAccess::Any(&[Right::TakeOver]);
const WAIVE: RouteAccess = RouteAccess::Any(&[Right::Waive]);

/// All rows of the table, in the order of the documentation. `/metrics` has its default access rule.
pub fn route_rows() -> Vec<RouteRow> {
    let health = health_routes(MetricsAccess::default());
    api_routes().into_iter().map(|route| route.row).chain(health.into_iter().map(|route| route.row)).collect()
}

/// The routes that wait for their turn: all except those about the server's health.
fn api_routes() -> Vec<Route<ApiState>> {
    [
        deployment_routes(),
        register_routes(),
        exception_routes(),
        line_routes(),
        record_routes(),
        audit_routes(),
        authzen_routes(),
        opa_routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The routes for one deployment.
fn deployment_routes() -> Vec<Route<ApiState>> {
    vec![
        Route::get("/api/v1/deployments", READ, deployments::list),
        Route::post("/api/v1/deployments", REQUEST, deployments::request),
        Route::get("/api/v1/deployments/{id}", READ, deployments::get),
        Route::patch("/api/v1/deployments/{id}", REQUEST, deployments::revise),
        Route::get("/api/v1/deployments/{id}/events", READ, events::events),
        Route::get("/api/v1/deployments/{id}/wait", READ, wait::wait),
        Route::get("/api/v1/deployments/{id}/overlaps", READ, deployments::overlaps),
        Route::get("/api/v1/deployments/{id}/bookings", READ, deployments::bookings),
        // Asking needs `decide`, passing needs `drive`: the query says which.
        Route::post("/api/v1/deployments/{id}/gates/{stage}/{phase}", DECIDE_OR_DRIVE, gates::pass)
            .deciding()
            .without_body(),
        Route::put("/api/v1/deployments/{id}/evidence/{name}", ATTEST, evidence::put).taking_evidence(),
        Route::get("/api/v1/deployments/{id}/evidence/{name}", READ, evidence::get),
        Route::post("/api/v1/deployments/{id}/approvals", APPROVE, approvals::give),
        Route::get("/api/v1/deployments/{id}/approvals/{approval}", READ, approvals::get),
        Route::delete("/api/v1/deployments/{id}/approvals/{approval}", APPROVE, approvals::revoke).without_body(),
        Route::post("/api/v1/deployments/{id}/activities", DRIVE, progress::report_activities),
        // Rejecting needs `approve`, every other move needs `drive`: the body says which.
        Route::post("/api/v1/deployments/{id}/moves", DRIVE_OR_APPROVE, progress::make_move),
        Route::post("/api/v1/deployments/{id}/rollout/next", DRIVE, progress::next_step).without_body(),
        // Ending a hold needs `resume`, every other report needs `drive`: the step and the body say which.
        Route::post("/api/v1/deployments/{id}/rollout/steps/{step}", DRIVE_OR_RESUME, progress::report_step),
        Route::post("/api/v1/deployments/{id}/hand-over", DRIVE, hand_over::propose),
        Route::post("/api/v1/deployments/{id}/hand-over/acceptance", TAKE_OVER, hand_over::accept).without_body(),
        Route::get("/api/v1/exposures", READ, hand_over::exposures),
        Route::post("/api/v1/deployments/{id}/overrides", OVERRIDE, overrides::take),
        Route::get("/api/v1/deployments/{id}/overrides/{override}", READ, overrides::get),
        Route::post("/api/v1/deployments/{id}/overrides/{override}/confirmation", OVERRIDE, overrides::confirm)
            .without_body(),
    ]
}

/// The routes for changes and registers. Who may attest entries of a register follows from the configuration.
fn register_routes() -> Vec<Route<ApiState>> {
    vec![
        Route::get("/api/v1/changes/{id}", READ, changes::get),
        Route::get("/api/v1/drift", READ, changes::drift),
        Route::get("/api/v1/registers/{register}", READ, registers::list),
        Route::post("/api/v1/registers/{register}", REGISTER, registers::import).taking_evidence(),
        Route::get("/api/v1/registers/{register}/{id}", READ, registers::get),
        Route::put("/api/v1/registers/{register}/{id}", REGISTER, registers::put),
        Route::delete("/api/v1/registers/{register}/{id}", REGISTER, registers::withdraw).without_body(),
        Route::get("/api/v1/registers/{register}/{id}/history", READ, registers::history),
        Route::get("/api/v1/registers/kpis/{id}/samples", READ, registers::samples),
        Route::post("/api/v1/registers/kpis/{id}/samples", REGISTER, registers::record_samples),
    ]
}

/// The routes for waivers, delegations and overrides.
fn exception_routes() -> Vec<Route<ApiState>> {
    vec![
        Route::get("/api/v1/overrides", READ, overrides::list),
        Route::post("/api/v1/overrides/{override}/review", REVIEW, overrides::review),
        Route::get("/api/v1/waivers", READ, waivers::list),
        Route::post("/api/v1/waivers", WAIVE, waivers::grant),
        Route::get("/api/v1/waivers/{id}", READ, waivers::get),
        Route::delete("/api/v1/waivers/{id}", WAIVE, waivers::end).without_body(),
        Route::get("/api/v1/delegations", READ, delegations::list),
        Route::post("/api/v1/delegations", APPROVE, delegations::lend),
        Route::delete("/api/v1/delegations", ADMINISTER, delegations::end_all).without_body(),
        Route::get("/api/v1/delegations/{id}", READ, delegations::get),
        Route::delete("/api/v1/delegations/{id}", ADMINISTER_OR_APPROVE, delegations::end).without_body(),
    ]
}

/// The routes for stops of the line, what is due, and what people are told.
fn line_routes() -> Vec<Route<ApiState>> {
    vec![
        Route::get("/api/v1/stops", READ, stops::list),
        Route::post("/api/v1/stops", STOP, stops::place),
        Route::get("/api/v1/stops/{id}", READ, stops::get),
        Route::delete("/api/v1/stops/{id}", STOP, stops::lift).without_body(),
        Route::get("/api/v1/due", READ, due::list),
        Route::get("/api/v1/notifications", ADMINISTER_AUDIT_OR_GOVERN, notifications::list),
    ]
}

/// The routes for decisions, models, identities and the API's description.
fn record_routes() -> Vec<Route<ApiState>> {
    vec![
        Route::get("/api/v1/decisions", READ, decisions::list),
        Route::get("/api/v1/decisions/{id}", READ, decisions::get),
        Route::get("/api/v1/decisions/{id}/proof", READ, decisions::proof),
        Route::get("/api/v1/models", READ, catalogue::models),
        Route::get("/api/v1/plugins", READ, catalogue::plugins),
        Route::post("/api/v1/reload", GOVERN, catalogue::reload).without_body(),
        Route::get("/api/v1/access", ADMINISTER_AUDIT_OR_GOVERN, access::review),
        Route::get("/api/v1/me", RouteAccess::Known, whoami::whoami),
        Route::get("/openapi.json", RouteAccess::Open, description),
    ]
}

/// The routes of the audit log. `S` is any state that gives access to a ledger.
fn audit_routes<S>() -> Vec<Route<S>>
where
    AuditState: FromRef<S>,
    S: Clone + Send + Sync + 'static,
{
    vec![
        Route::get("/api/v1/audit/head", AUDIT, log::head),
        Route::get("/api/v1/audit/checkpoint", AUDIT, log::checkpoint),
        Route::get("/api/v1/audit/key", AUDIT, log::key),
        Route::get("/api/v1/audit/entries", AUDIT, log::entries),
        Route::get("/api/v1/audit/nodes", AUDIT, log::nodes),
        Route::get("/api/v1/audit/checkpoints", AUDIT, log::checkpoints),
        Route::get("/api/v1/audit/contents", AUDIT, content::contents),
        Route::get("/api/v1/audit/content/{digest}", AUDIT, content::content),
        Route::get("/api/v1/audit/inclusion/{index}", AUDIT, prove::inclusion),
        Route::get("/api/v1/audit/consistency", AUDIT, prove::consistency),
    ]
}

/// AuthZEN 1.0.
fn authzen_routes() -> Vec<Route<ApiState>> {
    vec![
        Route::post(metadata::EVALUATION, DECIDE, evaluate::evaluation).deciding(),
        Route::post(metadata::EVALUATIONS, DECIDE, evaluate::evaluations).deciding(),
        Route::get(metadata::CONFIGURATION, RouteAccess::Open, metadata::configuration),
    ]
}

/// The data API of OPA.
fn opa_routes() -> Vec<Route<ApiState>> {
    vec![
        Route::get("/v1/data/lockgate/{stage}/{phase}", DECIDE, query::get_gate).deciding().for_opa(),
        Route::post("/v1/data/lockgate/{stage}/{phase}", DECIDE, query::post_gate).deciding().for_opa(),
        Route::get("/v1/data/lockgate/{stage}/{phase}/{*part}", DECIDE, query::get_part).deciding().for_opa(),
        Route::post("/v1/data/lockgate/{stage}/{phase}/{*part}", DECIDE, query::post_part).deciding().for_opa(),
        Route::get("/v1/data", DECIDE, query::get_all).for_opa(),
        Route::post("/v1/data", DECIDE, query::post_all).for_opa(),
        Route::get("/v1/data/{*path}", DECIDE, query::get_undefined).for_opa(),
        Route::post("/v1/data/{*path}", DECIDE, query::post_undefined).for_opa(),
    ]
}

/// The routes for the server's health and metrics, which do not wait for their turn.
fn health_routes(metrics: MetricsAccess) -> Vec<Route<ServerState>> {
    let metrics = match metrics {
        MetricsAccess::Off => None,
        MetricsAccess::On => Some(READ),
        MetricsAccess::Open => Some(RouteAccess::Open),
    };
    let open = [
        Route::get("/livez", RouteAccess::Open, health::livez),
        Route::get("/readyz", RouteAccess::Open, health::readyz),
        Route::get("/health", RouteAccess::Open, health::health),
        Route::get("/v1/status", RouteAccess::Open, health::status),
    ];
    open.into_iter().chain(metrics.map(|access| Route::get("/metrics", access, health::metrics))).collect()
}

/// All routes except those about the server's health.
pub fn router(state: &ServerState) -> Router {
    let limits = Arc::new(state.config.limits.clone());
    let (service, catalogue) = (state.service.clone(), Arc::clone(&state.catalogue));
    let rules = GrantingRule::all(&state.config.auth).into();
    let api = ApiState::new(service, catalogue, limits, state.lifecycle.clone(), rules);
    let backpressure = Some(Backpressure::new(&state.decision_log, &state.metrics));
    let intake = Some(RequestIntake::new(&state.config.limits, &state.metrics));
    mount_with(&api, &RouteMounter { authenticator: Arc::clone(&state.authenticator), intake, backpressure })
}

/// All routes except those about the server's health, for a server without a decision log that holds decisions up.
pub fn mount(state: &ApiState, authenticator: &Arc<Authenticator>) -> Router {
    let intake = Some(RequestIntake::new(&state.limits, &Arc::default()));
    mount_with(state, &RouteMounter { authenticator: Arc::clone(authenticator), intake, backpressure: None })
}

/// All routes except those about the server's health.
pub(super) fn mount_with(state: &ApiState, doorkeeper: &RouteMounter) -> Router {
    doorkeeper.router(api_routes(), &state.limits).with_state(state.clone())
}

/// The routes of the audit log without any checks: everybody may read that log.
pub fn audit_router<S>() -> Router<S>
where
    AuditState: FromRef<S>,
    S: Clone + Send + Sync + 'static,
{
    audit_routes().into_iter().fold(Router::new(), |router, route| router.route(route.row.path, route.handler))
}

/// The routes about the server's health, which do not wait for their turn.
pub(crate) fn health_router(state: &ServerState) -> Router {
    let doorkeeper = RouteMounter { authenticator: Arc::clone(&state.authenticator), intake: None, backpressure: None };
    let routes = health_routes(state.config.observe.metrics);
    doorkeeper.router(routes, &state.config.limits).with_state(state.clone())
}

/// Whether a path belongs to the routes about the server's health.
pub(crate) fn is_about_health(path: &str) -> bool {
    static PATHS: LazyLock<Vec<&'static str>> =
        LazyLock::new(|| health_routes(MetricsAccess::Off).iter().map(|route| route.row.path).collect());
    PATHS.contains(&path)
}

/// The description of the API, as JSON.
pub fn openapi() -> Value {
    super::openapi::document(&route_rows())
}

/// The description as text: the answer of `/openapi.json`, and the content of `docs/openapi.json`.
pub fn openapi_text() -> String {
    format!("{:#}\n", openapi())
}

/// Answers with the description; [`openapi`](super::openapi) describes this route too.
async fn description() -> impl IntoResponse {
    static TEXT: LazyLock<String> = LazyLock::new(openapi_text);
    ([(CONTENT_TYPE, "application/json")], TEXT.as_str())
}

/// Replaces the tables of rights between their markers in a page.
///
/// # Errors
/// If the page lacks a marker.
pub fn with_rights_tables(page: &str) -> Result<String, UnmarkedPage> {
    rights_tables::with_rights_tables(page, route_rows())
}
