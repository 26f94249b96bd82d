//! The log itself: its head, its entries, its tree, and its signed checkpoints.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use lockgate_domain::api::audit::{Checkpoints, Entries, HeadDocument, KeptCheckpoint, Nodes};
use lockgate_ledger::{EntryQuery, Error, LogSource, SourceEntry};

use super::super::url_parts::QueryParams;
use super::AuditState;
use super::form::push;
use super::parameters::{CheckpointsQuery, EntriesQuery, NodesQuery};
use crate::api::extract::Authenticated;
use crate::api::openapi_parts::AnyError;
use crate::problem::Problem;

/// How many entries are read at once, and how many bytes of them are sent at once: one entry may have 16 MiB.
const AT_ONCE: usize = 32;
const LARGEST: usize = 8 << 20;

/// Get the head of the log
///
/// Size, root, signed checkpoint and current key at one moment.
#[utoipa::path(
    get,
    path = "/api/v1/audit/head",
    operation_id = "audit_head",
    tag = "audit",
    responses(
        (status = 200, description = "The head.", body = ref("#/components/schemas/HeadDocument")),
        AnyError,
    )
)]
pub(in crate::api) async fn head(
    State(state): State<AuditState>,
    Authenticated(actor): Authenticated,
) -> Result<Json<HeadDocument>, Problem> {
    let head = state.ask(actor, |source| source.head()).await?;
    let key = head.key.to_string();
    Ok(Json(HeadDocument { size: head.size, root: head.root, checkpoint: head.checkpoint, key }))
}

/// Get a signed checkpoint of the log
///
/// Keep it: it proves later that no entry of the log was changed or removed.
#[utoipa::path(
    get,
    path = "/api/v1/audit/checkpoint",
    operation_id = "audit_checkpoint",
    tag = "audit",
    responses(
        (status = 200, description = "A signed note (c2sp.org/tlog-checkpoint).", body = String, content_type = "text/plain"),
        AnyError,
    )
)]
pub(in crate::api) async fn checkpoint(
    State(state): State<AuditState>,
    Authenticated(actor): Authenticated,
) -> Result<impl IntoResponse, Problem> {
    let head = state.ask(actor, |source| source.head()).await?;
    Ok(plain(head.checkpoint))
}

/// Get the current verifying key
#[utoipa::path(
    get,
    path = "/api/v1/audit/key",
    operation_id = "audit_key",
    tag = "audit",
    responses(
        (status = 200, description = "The key: `<name>+<id>+<base64>` (c2sp.org/signed-note).", body = String, content_type = "text/plain"),
        AnyError,
    )
)]
pub(in crate::api) async fn key(
    State(state): State<AuditState>,
    Authenticated(actor): Authenticated,
) -> Result<impl IntoResponse, Problem> {
    let head = state.ask(actor, |source| source.head()).await?;
    Ok(plain(format!("{}\n", head.key)))
}

fn plain(text: String) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}

/// List entries of the log
///
/// Entries as the ledger stores them, with their index fields. Of other teams' entries you get only index and hash, and only
/// without the parameters `stream`, `kind`, `id` and `team`. Every auditor sees the ledger's own entries.
#[utoipa::path(
    get,
    path = "/api/v1/audit/entries",
    operation_id = "audit_entries",
    tag = "audit",
    params(EntriesQuery),
    responses(
        (status = 200, description = "A page of entries.", body = ref("#/components/schemas/Entries")),
        AnyError,
    )
)]
pub(in crate::api) async fn entries(
    State(state): State<AuditState>,
    QueryParams(query): QueryParams<EntriesQuery>,
    Authenticated(actor): Authenticated,
) -> Result<Json<Entries>, Problem> {
    let limit = query.limit()?;
    let query = EntryQuery {
        stream: query.stream,
        kind: query.kind,
        id: query.id,
        team: query.team.map(|team| team.to_string()),
        from: query.from.unwrap_or(0),
        before: query.before,
        newest_first: query.newest_first.unwrap_or(false),
        limit,
    };
    state.ask(actor, move |source| page(source, query)).await.map(Json)
}

/// As many entries as fit into a page, and the index from which to continue.
fn page(source: &dyn LogSource, mut query: EntryQuery) -> Result<Entries, Error> {
    let (limit, mut page, mut bytes) = (query.limit, Entries::default(), 0);
    while places(&page) < limit {
        query.limit = AT_ONCE.min(limit - places(&page));
        let more = source.entries_with_withheld(&query)?;
        let all = more.len() < query.limit;
        for entry in more {
            match query.newest_first {
                true => query.before = Some(entry.index()),
                false => query.from = entry.index() + 1,
            }
            if let SourceEntry::Whole(entry) = &entry {
                bytes += entry.leaf.len();
            }
            push(&mut page, entry);
            if bytes >= LARGEST {
                return Ok(Entries { next: next(&query), ..page });
            }
        }
        if all {
            return Ok(page);
        }
    }
    Ok(Entries { next: next(&query), ..page })
}

/// How many places of the log a page has.
fn places(page: &Entries) -> usize {
    page.entries.len() + page.withheld.len()
}

fn next(query: &EntryQuery) -> Option<u64> {
    if query.newest_first { query.before } else { Some(query.from) }
}

/// Get hashes of the Merkle tree (RFC 6962)
#[utoipa::path(
    get,
    path = "/api/v1/audit/nodes",
    operation_id = "audit_nodes",
    tag = "audit",
    params(NodesQuery),
    responses(
        (status = 200, description = "The hashes.", body = ref("#/components/schemas/Nodes")),
        AnyError,
    )
)]
pub(in crate::api) async fn nodes(
    State(state): State<AuditState>,
    QueryParams(query): QueryParams<NodesQuery>,
    Authenticated(actor): Authenticated,
) -> Result<Json<Nodes>, Problem> {
    let numbers = query.numbers()?;
    let hashes = state.ask(actor, move |source| source.nodes_found(&numbers)).await?;
    Ok(Json(Nodes { hashes }))
}

/// List stored checkpoints
///
/// The ledger keeps the first checkpoint after each change of keys, and one for each minute.
#[utoipa::path(
    get,
    path = "/api/v1/audit/checkpoints",
    operation_id = "audit_checkpoints",
    tag = "audit",
    params(CheckpointsQuery),
    responses(
        (status = 200, description = "A page of checkpoints, by size.", body = ref("#/components/schemas/Checkpoints")),
        AnyError,
    )
)]
pub(in crate::api) async fn checkpoints(
    State(state): State<AuditState>,
    QueryParams(query): QueryParams<CheckpointsQuery>,
    Authenticated(actor): Authenticated,
) -> Result<Json<Checkpoints>, Problem> {
    let (above, limit) = (query.above.unwrap_or(0), query.limit()?);
    let found = state.ask(actor, move |source| source.checkpoints(above, limit)).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|(size, _)| *size);
    let checkpoints = found.into_iter().map(|(size, note)| KeptCheckpoint { size, note }).collect();
    Ok(Json(Checkpoints { checkpoints, next }))
}
