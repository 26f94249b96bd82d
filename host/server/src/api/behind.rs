//! Decisions wait where the decision log is to keep up with them: `decision-log.max-behind` says how far a sink may fall
//! behind before it holds decisions up, and `max-wait` for how long until they are turned away.

use std::sync::{Arc, Weak};

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::observe::{DecisionLog, Metrics, Shed};
use crate::problem::Problem;

/// What holds decisions up. It does not keep the log from being closed.
#[derive(Clone)]
pub(super) struct Behind {
    log: Weak<DecisionLog>,
    metrics: Arc<Metrics>,
}

impl Behind {
    pub(super) fn new(log: &Arc<DecisionLog>, metrics: &Arc<Metrics>) -> Self {
        Self { log: Arc::downgrade(log), metrics: Arc::clone(metrics) }
    }
}

/// A middleware: has requests for decisions wait until the sinks are near enough, and turns them away after a while.
pub(super) async fn keep_up(State(behind): State<Behind>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let decides = path.contains("/gates/") || path.starts_with("/access/v1/") || path.starts_with("/v1/data/");
    if let Some(log) = behind.log.upgrade().filter(|_| decides && request.method() == Method::POST) {
        let admitted = log.admit().await;
        drop(log);
        if let Err(too_far) = admitted {
            behind.metrics.shed(Shed::DecisionLogBehind);
            let problem =
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "decision-log-behind", "The decision log is behind");
            return problem.detail(too_far.to_string()).with("sink", too_far.sink).retry_after(1).into_response();
        }
    }
    next.run(request).await
}
