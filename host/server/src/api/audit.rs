//! The audit log over HTTP: enough to check all of it, and to have one entry of it proved, without the file.
//!
//! What stands here is [what an audit reads](lockgate_ledger::Source), page by page, as it lies in the ledger: leaves,
//! hashes, signed notes. Nothing of it asks to be believed, and [`RemoteSource`] on the other side believes none of it.
//! Who may read it, the table in `routes` says; how much of it they see goes by their teams, in [`AuditState::ask`], which
//! every handler goes through.

pub(super) mod content;
mod form;
pub(super) mod log;
mod parameters;
pub(super) mod prove;
mod remote;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use lockgate_ledger::{Cause, Error, Source, Storage, TeamView, Unavailable};
use lockgate_service::authority::{Actor, Teams};
use utoipa::OpenApi;

use super::errors::damaged;
use super::routes::audit_routes;
use super::state::reading;
use crate::problem::Problem;

pub use form::{
    Checkpoints, ConsistencyHashes, Contents, Entries, EntryDocument, HeadDocument, InclusionProofDocument,
    KeptCheckpoint, KeyChangeDocument, LogEntry, Nodes, WithheldEntryDocument,
};
pub use prove::{decision_proof, proof_of_decision};
pub use remote::{InvalidServer, RemoteSource};

/// The path that all routes of the audit log begin with.
const PREFIX: &str = "/api/v1/audit";

/// The header with the kind of content.
const KIND_HEADER: &str = "lockgate-content-kind";
/// The header with the media type of content, which is not the one that it is sent as.
const MEDIA_TYPE_HEADER: &str = "lockgate-content-media-type";
/// The header with the size that was noted when content was stored, in bytes.
const SIZE_HEADER: &str = "lockgate-content-size";
/// The header with the moment at which content was stored.
const STORED_HEADER: &str = "lockgate-content-stored";

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
    components(schemas(crate::problem::ProblemDocument)),
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
