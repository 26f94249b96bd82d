//! The state of the audit log's routes: the ledger, as far as the actor may see it.

use std::sync::Arc;

use axum::extract::FromRef;
use axum::http::StatusCode;
use lockgate_domain::Teams;
use lockgate_ledger::{Error, FailureCause, LogSource, Storage, StorageFailure, TeamView};
use lockgate_service::authority::Actor;

use crate::api::errors::damaged;
use crate::api::state::{ApiState, ServerState, reading};
use crate::problem::Problem;

#[derive(Clone)]
pub struct AuditState {
    storage: Arc<dyn Storage>,
}

impl AuditState {
    /// The state for a ledger.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// Reads the log as the actor may see it, on a thread for reading.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        actor: Actor,
        ask: impl FnOnce(&dyn LogSource) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let storage = Arc::clone(&self.storage);
        let of_actor = move || match &actor.teams {
            Teams::All => ask(storage.as_ref()),
            Teams::Named(teams) => ask(&TeamView::new(storage.as_ref(), teams)),
        };
        reading(of_actor).await?.map_err(problem)
    }
}

impl FromRef<ServerState> for AuditState {
    fn from_ref(state: &ServerState) -> Self {
        Self::new(Arc::clone(&state.storage))
    }
}

impl FromRef<ApiState> for AuditState {
    fn from_ref(state: &ApiState) -> Self {
        Self::new(Arc::clone(state.service.storage()))
    }
}

/// The problem for an error of the ledger in a read.
fn problem(error: Error) -> Problem {
    match error {
        Error::NotFound(message) => Problem::of_status(StatusCode::NOT_FOUND).detail(message),
        Error::Withheld(_) => Problem::of_status(StatusCode::FORBIDDEN).detail(error.to_string()),
        Error::Unavailable(StorageFailure { cause: FailureCause::Corrupt, message }) => {
            // An auditor also gets the place.
            damaged(&message).detail(message)
        }
        Error::Unavailable(StorageFailure { cause, message }) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ledger-unavailable", "The ledger is unavailable")
                .detail(message)
                .with("cause", cause.as_str())
                .retry_after(1)
        }
        other => {
            tracing::error!(error = %other, "reading the audit log");
            Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

#[cfg(test)]
mod tests {
    use lockgate_service::ServiceError;

    use super::*;
    use crate::api::errors;

    #[test]
    fn a_damaged_ledger_has_one_code_whoever_reads_it() {
        let corrupt =
            || Error::Unavailable(StorageFailure { cause: FailureCause::Corrupt, message: "page 7".to_owned() });
        let of_engine = |error| errors::problem(error).code();
        let codes = [
            problem(corrupt()).code(),
            of_engine(ServiceError::Ledger(corrupt())),
            of_engine(ServiceError::Damaged("entry 7".to_owned())),
        ];
        assert_eq!(codes, ["ledger-damaged"; 3]);
    }
}
