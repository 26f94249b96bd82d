//! The audit log over HTTP: enough to verify all of it, and to prove one entry, without the file.
//!
//! The routes serve [what an audit reads](lockgate_ledger::LogSource), page by page, as the ledger holds it: leaves,
//! hashes, signed notes. `lockgate audit` on the other side verifies all of it. The pages are defined in
//! [`lockgate_domain::api::audit`]. The table in `routes` says who may read the log. [`AuditState::ask`], which every
//! handler calls, limits what they see to their teams.

pub(super) mod content;
mod form;
pub(super) mod log;
mod parameters;
pub(super) mod prove;
mod state;

use utoipa::OpenApi;

pub use form::{ConsistencyHashes, InclusionProofDocument, KeyChangeDocument, LogEntry};
pub use prove::{decision_proof, proof_of_decision};
pub use state::AuditState;

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
