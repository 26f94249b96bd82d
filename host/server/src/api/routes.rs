//! The one table of routes: where each is, who may come to it, and what it does.
//!
//! The router ([`super::mount`]), the description ([`super::openapi`]) and the tables of `docs/authentication.md`
//! ([`super::rights_tables`]) are made of it. A route that is not in this file does not exist.

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use lockgate_domain::Right;
use lockgate_service::authority::{Actor, Forbidden};

use super::audit::{AuditState, content, log, prove};
use super::authzen::{evaluate, metadata};
use super::opa::query;
use super::state::ApiState;
use super::{
    ServerState, access, approvals, authzen, catalogue, decisions, delegations, deployments, events, evidence, gates,
};
use super::{health, me, openapi, overrides, progress, wait, waivers};
use crate::config::MetricsAccess;
use crate::problem::Problem;

/// Who may come to a route. The engine may ask for more, once it knows which deployment it is about and what is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody: nobody has to say who they are.
    Open,
    /// Everybody who is known, by any valid credential.
    Known,
    /// Whoever has at least one of these rights.
    Any(&'static [Right]),
}

impl Access {
    /// Checks whether somebody who is known may come.
    ///
    /// # Errors
    /// Says what is missing: all the rights of which any is enough.
    pub fn check(self, actor: &Actor) -> Result<(), Forbidden> {
        match self {
            Self::Any(rights @ [_, ..]) => actor.require_any(rights),
            Self::Open | Self::Known | Self::Any([]) => Ok(()),
        }
    }
}

/// A row of the table: what is to be known of a route beside its handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRow {
    /// The method. A `GET` also answers `HEAD`.
    pub method: Method,
    /// The full path, with the names of its parameters as axum writes them: `{id}`, and `{*part}` for one of several steps.
    pub path: &'static str,
    /// Who may come.
    pub access: Access,
    /// Whether a decision of a gate may come of it. It then waits for the sinks of the decision log, where they are to keep up.
    pub decides: bool,
}

impl RouteRow {
    /// The path as OpenAPI writes it, which knows no parameter of several steps.
    pub fn described_path(&self) -> String {
        self.path.replace("{*", "{")
    }
}

/// How large a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyLimit {
    /// `limits.body`.
    Usual,
    /// `limits.evidence`.
    Evidence,
    /// There is none: a body that says something is refused.
    None,
}

/// A route: its row, and how it is answered. `S` is the state that its handler takes.
pub(super) struct Route<S> {
    pub(super) row: RouteRow,
    pub(super) handler: MethodRouter<S>,
    pub(super) body: BodyLimit,
    /// Gives the refusal of somebody who may not come the form that clients of this interface look for.
    pub(super) refusal: fn(Problem) -> Problem,
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    fn new<T: 'static>(
        (method, filter): (Method, MethodFilter),
        path: &'static str,
        access: Access,
        handler: impl Handler<T, S>,
    ) -> Self {
        Self {
            row: RouteRow { method, path, access, decides: false },
            handler: on(filter, handler),
            body: BodyLimit::Usual,
            refusal: std::convert::identity,
        }
    }

    fn get<T: 'static>(path: &'static str, access: Access, handler: impl Handler<T, S>) -> Self {
        Self::new((Method::GET, MethodFilter::GET), path, access, handler)
    }

    fn post<T: 'static>(path: &'static str, access: Access, handler: impl Handler<T, S>) -> Self {
        Self::new((Method::POST, MethodFilter::POST), path, access, handler)
    }

    fn put<T: 'static>(path: &'static str, access: Access, handler: impl Handler<T, S>) -> Self {
        Self::new((Method::PUT, MethodFilter::PUT), path, access, handler)
    }

    fn patch<T: 'static>(path: &'static str, access: Access, handler: impl Handler<T, S>) -> Self {
        Self::new((Method::PATCH, MethodFilter::PATCH), path, access, handler)
    }

    fn delete<T: 'static>(path: &'static str, access: Access, handler: impl Handler<T, S>) -> Self {
        Self::new((Method::DELETE, MethodFilter::DELETE), path, access, handler)
    }

    /// The same; a decision of a gate may come of it.
    fn deciding(mut self) -> Self {
        self.row.decides = true;
        self
    }

    /// The same; its body is evidence.
    fn taking_evidence(self) -> Self {
        Self { body: BodyLimit::Evidence, ..self }
    }

    /// The same; all that it takes stands in its address and headers.
    fn without_body(self) -> Self {
        Self { body: BodyLimit::None, ..self }
    }

    /// The same; its clients look for errors in the form of OPA's.
    fn for_opa(self) -> Self {
        Self { refusal: query::as_opa, ..self }
    }
}

const ADMINISTER: Access = Access::Any(&[Right::Administer]);
const ADMINISTER_OR_APPROVE: Access = Access::Any(&[Right::Approve, Right::Administer]);
const ADMINISTER_AUDIT_OR_GOVERN: Access = Access::Any(&[Right::Administer, Right::Audit, Right::Govern]);
const APPROVE: Access = Access::Any(&[Right::Approve]);
const ATTEST: Access = Access::Any(&[Right::Attest]);
const AUDIT: Access = Access::Any(&[Right::Audit]);
const DECIDE: Access = Access::Any(&[Right::Decide]);
const DECIDE_OR_DRIVE: Access = Access::Any(&[Right::Decide, Right::Drive]);
const DRIVE: Access = Access::Any(&[Right::Drive]);
const DRIVE_OR_APPROVE: Access = Access::Any(&[Right::Drive, Right::Approve]);
const DRIVE_OR_RESUME: Access = Access::Any(&[Right::Drive, Right::Resume]);
const GOVERN: Access = Access::Any(&[Right::Govern]);
const OVERRIDE: Access = Access::Any(&[Right::Override]);
const READ: Access = Access::Any(&[Right::Read]);
const REQUEST: Access = Access::Any(&[Right::Request]);
const REVIEW: Access = Access::Any(&[Right::Review]);
const WAIVE: Access = Access::Any(&[Right::Waive]);

/// All rows of the table, in the order of the document that describes them. `/metrics` stands there as it is if nobody
/// configures it.
pub fn route_rows() -> Vec<RouteRow> {
    let health = health_routes(MetricsAccess::default());
    api_routes().into_iter().map(|route| route.row).chain(health.into_iter().map(|route| route.row)).collect()
}

/// The routes that wait for their turn: all but those about the server's health.
pub(super) fn api_routes() -> Vec<Route<ApiState>> {
    [deployment_routes(), exception_routes(), record_routes(), audit_routes(), authzen_routes(), opa_routes()]
        .into_iter()
        .flatten()
        .collect()
}

/// What is done with one deployment.
fn deployment_routes() -> Vec<Route<ApiState>> {
    vec![
        Route::get("/api/v1/deployments", READ, deployments::list),
        Route::post("/api/v1/deployments", REQUEST, deployments::request),
        Route::get("/api/v1/deployments/{id}", READ, deployments::get),
        Route::patch("/api/v1/deployments/{id}", REQUEST, deployments::revise),
        Route::get("/api/v1/deployments/{id}/events", READ, events::events),
        Route::get("/api/v1/deployments/{id}/wait", READ, wait::wait),
        Route::get("/api/v1/deployments/{id}/overlaps", READ, deployments::overlaps),
        // To ask is `decide`, to pass is `drive`: the query says which.
        Route::post("/api/v1/deployments/{id}/gates/{stage}/{phase}", DECIDE_OR_DRIVE, gates::pass)
            .deciding()
            .without_body(),
        Route::put("/api/v1/deployments/{id}/evidence/{name}", ATTEST, evidence::put).taking_evidence(),
        Route::get("/api/v1/deployments/{id}/evidence/{name}", READ, evidence::get),
        Route::post("/api/v1/deployments/{id}/approvals", APPROVE, approvals::give),
        Route::get("/api/v1/deployments/{id}/approvals/{approval}", READ, approvals::get),
        Route::delete("/api/v1/deployments/{id}/approvals/{approval}", APPROVE, approvals::revoke).without_body(),
        Route::post("/api/v1/deployments/{id}/activities", DRIVE, progress::report_activities),
        // To reject is `approve`, every other move is `drive`: the body says which.
        Route::post("/api/v1/deployments/{id}/moves", DRIVE_OR_APPROVE, progress::make_move),
        Route::post("/api/v1/deployments/{id}/rollout/next", DRIVE, progress::next_step).without_body(),
        // To end a hold is `resume`, every other report is `drive`: the step and the body say which.
        Route::post("/api/v1/deployments/{id}/rollout/steps/{step}", DRIVE_OR_RESUME, progress::report_step),
        Route::post("/api/v1/deployments/{id}/overrides", OVERRIDE, overrides::take),
        Route::get("/api/v1/deployments/{id}/overrides/{override}", READ, overrides::get),
        Route::post("/api/v1/deployments/{id}/overrides/{override}/confirmation", OVERRIDE, overrides::confirm)
            .without_body(),
    ]
}

/// What people grant, lend and review.
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

/// What was decided, what decides, who asks, and the description of it all.
fn record_routes() -> Vec<Route<ApiState>> {
    vec![
        Route::get("/api/v1/decisions", READ, decisions::list),
        Route::get("/api/v1/decisions/{id}", READ, decisions::get),
        Route::get("/api/v1/decisions/{id}/proof", READ, decisions::proof),
        Route::get("/api/v1/models", READ, catalogue::models),
        Route::get("/api/v1/plugins", READ, catalogue::plugins),
        Route::post("/api/v1/reload", GOVERN, catalogue::reload).without_body(),
        Route::get("/api/v1/access", ADMINISTER_AUDIT_OR_GOVERN, access::review),
        Route::get("/api/v1/me", Access::Known, me::me),
        Route::get("/openapi.json", Access::Open, openapi::serve),
    ]
}

/// The audit log. `S` is any state that leads to a ledger.
pub(super) fn audit_routes<S>() -> Vec<Route<S>>
where
    AuditState: axum::extract::FromRef<S>,
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
        Route::post(authzen::EVALUATION, DECIDE, evaluate::evaluation).deciding(),
        Route::post(authzen::EVALUATIONS, DECIDE, evaluate::evaluations).deciding(),
        Route::get(authzen::CONFIGURATION, Access::Open, metadata::configuration),
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

/// Whether the server lives, and what it counts: the routes that do not wait for their turn.
pub(super) fn health_routes(metrics: MetricsAccess) -> Vec<Route<ServerState>> {
    let metrics = match metrics {
        MetricsAccess::Off => None,
        MetricsAccess::On => Some(READ),
        MetricsAccess::Open => Some(Access::Open),
    };
    let open = [
        Route::get("/livez", Access::Open, health::livez),
        Route::get("/readyz", Access::Open, health::readyz),
        Route::get("/health", Access::Open, health::health),
        Route::get("/v1/status", Access::Open, health::status),
    ];
    open.into_iter().chain(metrics.map(|access| Route::get("/metrics", access, health::metrics))).collect()
}
