//! Proofs: that an entry is in the log, and that the log only grew.

use axum::Json;
use axum::extract::{Path, State};
use lockgate_domain::counted;
use lockgate_ledger::tree::{Hash, consistency_path, root_of};
use lockgate_ledger::{EntryQuery, Error, InclusionProof, LogSource, prove_inclusion};

use super::super::url_parts::{PathParts, QueryParams};
use super::AuditState;
use super::form::{ConsistencyHashes, InclusionProofDocument};
use super::parameters::ConsistencyQuery;
use crate::api::extract::Authenticated;
use crate::api::openapi_parts::AnyError;
use crate::problem::Problem;

/// Prove that an entry is in the log
///
/// `lockgate audit check` verifies the proof without this server.
#[utoipa::path(
    get,
    path = "/api/v1/audit/inclusion/{index}",
    operation_id = "audit_inclusion",
    tag = "audit",
    params(("index" = u64, Path, description = "The index of the entry in the log, from 0.", maximum = 9007199254740992i64)),
    responses(
        (status = 200, description = "The proof.", body = InclusionProofDocument),
        (status = 403, description = "The entry belongs to a team that you are not in.", body = ref("#/components/schemas/ProblemDocument"), content_type = "application/problem+json"),
        (status = 404, description = "No such entry.", body = ref("#/components/schemas/ProblemDocument"), content_type = "application/problem+json"),
        AnyError,
    )
)]
pub(in crate::api) async fn inclusion(
    State(state): State<AuditState>,
    PathParts(index): PathParts<u64>,
    Authenticated(actor): Authenticated,
) -> Result<Json<InclusionProof>, Problem> {
    state.ask(actor, move |source| prove(source, index)).await.map(Json)
}

fn prove(source: &dyn LogSource, index: u64) -> Result<InclusionProof, Error> {
    let size = source.head()?.size;
    if index >= size {
        return Err(Error::NotFound(format!(
            "the log has no entry {index}: it has {}, numbered from 0",
            counted(size, "entry", "entries")
        )));
    }
    prove_inclusion(source, index)
}

/// Get the consistency proof between two sizes of the log
///
/// With a checkpoint of each size, it proves that the log only grew (RFC 6962, 2.1.2).
#[utoipa::path(
    get,
    path = "/api/v1/audit/consistency",
    operation_id = "audit_consistency",
    tag = "audit",
    params(ConsistencyQuery),
    responses(
        (status = 200, description = "The hashes.", body = ConsistencyHashes),
        (status = 404, description = "The log has fewer entries.", body = ref("#/components/schemas/ProblemDocument"), content_type = "application/problem+json"),
        AnyError,
    )
)]
pub(in crate::api) async fn consistency(
    State(state): State<AuditState>,
    QueryParams(query): QueryParams<ConsistencyQuery>,
    Authenticated(actor): Authenticated,
) -> Result<Json<ConsistencyHashes>, Problem> {
    state.ask(actor, move |source| between(source, query.from, query.to)).await.map(Json)
}

fn between(source: &dyn LogSource, from: u64, to: Option<u64>) -> Result<ConsistencyHashes, Error> {
    let size = source.head()?.size;
    let to = to.unwrap_or(size);
    let none = || {
        let message = format!(
            "no log grows from {from} to {}: `from` is 1 to `to`, `to` is at most {size}",
            counted(to, "entry", "entries")
        );
        Error::NotFound(message)
    };
    let folds = consistency_path(from, to).filter(|_| to <= size).ok_or_else(none)?;
    let hash = |fold: Vec<u64>| Ok(root_of(&source.nodes(&fold)?));
    let hashes: Vec<Hash> = folds.into_iter().map(hash).collect::<Result<_, Error>>()?;
    Ok(ConsistencyHashes { from, to, hashes })
}

/// Prove that a decision is in the log
///
/// The proof contains the decision. `lockgate audit check` verifies it without this server.
#[utoipa::path(
    get,
    path = "/api/v1/decisions/{id}/proof",
    operation_id = "decision_proof",
    tag = "audit",
    params(("id" = String, Path, description = "The id of the decision.")),
    responses(
        (status = 200, description = "The proof.", body = InclusionProofDocument),
        (status = 404, description = "No such decision.", body = ref("#/components/schemas/ProblemDocument"), content_type = "application/problem+json"),
        AnyError,
    )
)]
pub async fn decision_proof(
    State(state): State<AuditState>,
    Path(id): Path<String>,
    Authenticated(actor): Authenticated,
) -> Result<Json<InclusionProof>, Problem> {
    state.ask(actor, move |source| proof_of_decision(source, &id)).await.map(Json)
}

/// The proof of a decision. If several entries hold it, the proof is of the first.
///
/// # Errors
/// If there is no such decision, or the log cannot be read.
pub fn proof_of_decision(storage: &dyn LogSource, id: &str) -> Result<InclusionProof, Error> {
    let (kind, id) = (Some("decision".to_owned()), Some(id.to_owned()));
    let found = storage.entries(&EntryQuery { kind, id: id.clone(), limit: 1, ..EntryQuery::default() })?;
    let none = || Error::NotFound(format!("the log has no decision `{}`", id.unwrap_or_default()));
    prove_inclusion(storage, found.first().ok_or_else(none)?.index)
}
