//! The audit log over HTTP: enough to check all of it, and to have one entry of it proved, without the file.
//!
//! The routes serve [what an audit reads](lockgate_ledger::Source), page by page, as the ledger holds it: leaves, hashes, signed
//! notes. `lockgate audit` on the other side verifies all of it. The pages are defined in [`lockgate_domain::api::audit`].
//! Who may read it, the table in `routes` says; how much of it they see goes by their teams, in [`AuditState::ask`], which
//! every handler goes through.

pub(super) mod content;
mod form;
pub(super) mod log;
mod parameters;
pub(super) mod prove;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use lockgate_domain::Teams;
use lockgate_ledger::{Cause, Error, Source, Storage, TeamView, Unavailable};
use lockgate_service::authority::Actor;
use utoipa::OpenApi;

use super::errors::damaged;
use super::routes::audit_routes;
use super::state::reading;
use crate::problem::Problem;

pub use form::{ConsistencyHashes, InclusionProofDocument, KeyChangeDocument, LogEntry};
pub use prove::{decision_proof, proof_of_decision};

/// What the routes need.
#[derive(Clone)]
pub struct AuditState {
    storage: Arc<dyn Storage>,
}

impl AuditState {
    /// The routes of that ledger.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// Asks something of the log as the actor may see it, on a thread that reads.
    async fn ask<T: Send + 'static>(
        &self,
        actor: Actor,
        ask: impl FnOnce(&dyn Source) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let storage = Arc::clone(&self.storage);
        let of_actor = move || match &actor.teams {
            Teams::All => ask(storage.as_ref()),
            Teams::Named(teams) => ask(&TeamView::new(storage.as_ref(), teams)),
        };
        reading(of_actor).await?.map_err(problem)
    }
}

/// The routes with nothing in front of them: everybody may read that log.
pub fn routes<S>() -> Router<S>
where
    AuditState: FromRef<S>,
    S: Clone + Send + Sync + 'static,
{
    audit_routes().into_iter().fold(Router::new(), |router, route| router.route(route.row.path, route.handler))
}

/// The description of the routes, with their full paths, and of the proof of a decision.
#[derive(OpenApi)]
#[openapi(
    paths(
        log::head,
        log::checkpoint,
        log::key,
        log::entries,
        log::nodes,
        log::checkpoints,
        content::contents,
        content::content,
        prove::inclusion,
        prove::consistency,
        prove::decision_proof,
    ),
    tags((name = "audit", description = "The audit log. Clients can verify all of it without trusting the server."))
)]
pub struct AuditApi;

/// What an error of the ledger is to somebody who only reads.
fn problem(error: Error) -> Problem {
    match error {
        Error::NotFound(message) => Problem::of_status(StatusCode::NOT_FOUND).detail(message),
        Error::Withheld(_) => Problem::of_status(StatusCode::FORBIDDEN).detail(error.to_string()),
        Error::Unavailable(Unavailable { cause: Cause::Corrupt, message }) => {
            // An auditor is told where.
            damaged(&message).detail(message)
        }
        Error::Unavailable(Unavailable { cause, message }) => {
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
        let corrupt = || Error::Unavailable(Unavailable { cause: Cause::Corrupt, message: "page 7".to_owned() });
        let of_engine = |error| errors::problem(error).code();
        let codes = [
            problem(corrupt()).code(),
            of_engine(ServiceError::Ledger(corrupt())),
            of_engine(ServiceError::Damaged("entry 7".to_owned())),
        ];
        assert_eq!(codes, ["ledger-damaged"; 3]);
    }
}
