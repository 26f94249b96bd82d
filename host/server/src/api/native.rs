//! The native routes, under `/api/v1`.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post, put};

use super::state::ApiState;
use super::{approvals, catalogue, decisions, delegations, deployments, events, evidence, gates, me, openapi};
use super::{overrides, progress, wait, waivers};

/// The native routes. Whoever mounts them puts `auth::authenticate` in front.
pub fn native(state: ApiState) -> Router {
    let evidence = put(evidence::put).get(evidence::get);
    let evidence = evidence.layer(DefaultBodyLimit::max(state.limits.evidence.as_usize()));
    let deployment = Router::new()
        .route("/", get(deployments::get).patch(deployments::revise))
        .route("/events", get(events::events))
        .route("/wait", get(wait::wait))
        .route("/overlaps", get(deployments::overlaps))
        .route("/gates/{stage}/{phase}", post(gates::pass))
        .route("/evidence/{name}", evidence)
        .route("/approvals", post(approvals::give))
        .route("/approvals/{approval}", get(approvals::get).delete(approvals::revoke))
        .route("/activities", post(progress::report_activities))
        .route("/moves", post(progress::make_move))
        .route("/rollout/next", post(progress::next_step))
        .route("/rollout/steps/{step}", post(progress::report_step))
        .route("/overrides", post(overrides::take))
        .route("/overrides/{override}", get(overrides::get))
        .route("/overrides/{override}/confirmation", post(overrides::confirm));
    let api = Router::new()
        .route("/deployments", get(deployments::list).post(deployments::request))
        .nest("/deployments/{id}", deployment)
        .route("/overrides", get(overrides::list))
        .route("/overrides/{override}/review", post(overrides::review))
        .route("/waivers", get(waivers::list).post(waivers::grant))
        .route("/waivers/{id}", get(waivers::get).delete(waivers::end))
        .route("/delegations", get(delegations::list).post(delegations::lend))
        .route("/delegations/{id}", delete(delegations::end).get(delegations::get))
        .route("/decisions", get(decisions::list))
        .route("/decisions/{id}", get(decisions::get))
        .route("/decisions/{id}/proof", get(decisions::proof))
        .route("/models", get(catalogue::models))
        .route("/plugins", get(catalogue::plugins))
        .route("/reload", post(catalogue::reload))
        .route("/me", get(me::me));
    Router::new().nest("/api/v1", api).with_state(state)
}

/// The description of the endpoint, which everybody may read.
pub fn description() -> Router {
    Router::new().route("/openapi.json", get(openapi::serve))
}
