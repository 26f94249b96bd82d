//! Decisions wait where the decision log is to keep up with them: `decision-log.max-behind` says how far a sink may fall
//! behind before it holds decisions up, and `max-wait` for how long until they are turned away.

use std::sync::{Arc, Weak};

use axum::http::StatusCode;

use crate::observe::{DecisionLog, Metrics, Shed};
use crate::problem::Problem;

/// Holds decisions up. It does not keep the log from being closed.
#[derive(Clone)]
pub(super) struct Backpressure {
    log: Weak<DecisionLog>,
    metrics: Arc<Metrics>,
}

impl Backpressure {
    pub(super) fn new(log: &Arc<DecisionLog>, metrics: &Arc<Metrics>) -> Self {
        Self { log: Arc::downgrade(log), metrics: Arc::clone(metrics) }
    }

    /// Waits until the sinks are near enough for another decision.
    ///
    /// # Errors
    /// If that takes too long: the problem to answer with.
    pub(super) async fn admit(&self) -> Result<(), Problem> {
        let Some(log) = self.log.upgrade() else { return Ok(()) };
        let admitted = log.admit().await;
        drop(log);
        admitted.map_err(|too_far| {
            self.metrics.shed(Shed::DecisionLogBehind);
            let problem =
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "decision-log-behind", "The decision log is behind");
            problem.detail(too_far.to_string()).with("sink", too_far.sink).retry_after(1)
        })
    }
}
