//! The log itself: its head, its entries, its tree, and what was signed on the way.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use lockgate_ledger::{Error, Query as Wanted, Source, SourceEntry};

use super::AuditState;
use super::form::{Checkpoints, Entries, HeadDocument, KeptCheckpoint, Nodes};
use super::parameters::{CheckpointsQuery, EntriesQuery, NodesQuery};
use crate::api::extract::Who;
use crate::problem::{Problem, ProblemDocument};

/// How many entries are read at once, and how many bytes of them are sent at once: one may have 16 MiB.
const AT_ONCE: usize = 32;
const LARGEST: usize = 8 << 20;

/// The head of the log
///
/// Size, root, signed checkpoint and current key, all of one moment.
#[utoipa::path(
    get,
    path = "/api/v1/audit/head",
    operation_id = "audit_head",
    tag = "audit",
    responses(
        (status = 200, description = "The head.", body = HeadDocument),
        (status = "default", description = "A problem.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn head(
    State(state): State<AuditState>,
    Who(actor): Who,
) -> Result<Json<HeadDocument>, Problem> {
    let head = state.ask(actor, |source| source.head()).await?;
    let key = head.key.to_string();
    Ok(Json(HeadDocument { size: head.size, root: head.root, checkpoint: head.checkpoint, key }))
}

/// The signed checkpoint of the log as it is now
///
/// Keep it: it shows later that nothing of what was in the log was changed or taken away.
#[utoipa::path(
    get,
    path = "/api/v1/audit/checkpoint",
    operation_id = "audit_checkpoint",
    tag = "audit",
    responses(
        (status = 200, description = "A signed note (c2sp.org/tlog-checkpoint).", body = String, content_type = "text/plain"),
        (status = "default", description = "A problem.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn checkpoint(
    State(state): State<AuditState>,
    Who(actor): Who,
) -> Result<impl IntoResponse, Problem> {
    let head = state.ask(actor, |source| source.head()).await?;
    Ok(plain(head.checkpoint))
}

/// The key that verifies what the log signs now
#[utoipa::path(
    get,
    path = "/api/v1/audit/key",
    operation_id = "audit_key",
    tag = "audit",
    responses(
        (status = 200, description = "The key: `<name>+<id>+<base64>` (c2sp.org/signed-note).", body = String, content_type = "text/plain"),
        (status = "default", description = "A problem.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn key(
    State(state): State<AuditState>,
    Who(actor): Who,
) -> Result<impl IntoResponse, Problem> {
    let head = state.ask(actor, |source| source.head()).await?;
    Ok(plain(format!("{}\n", head.key)))
}

fn plain(text: String) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}

/// Entries of the log
///
/// As they lie in the ledger, with what they were filed under. Of entries that belong to none of the teams of who asks there
/// are only places and hashes, and only where no stream, kind, id or team is asked for; the ledger's own entries are for
/// every auditor.
#[utoipa::path(
    get,
    path = "/api/v1/audit/entries",
    operation_id = "audit_entries",
    tag = "audit",
    params(EntriesQuery),
    responses(
        (status = 200, description = "A page of entries.", body = Entries),
        (status = "default", description = "A problem.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn entries(
    State(state): State<AuditState>,
    Query(query): Query<EntriesQuery>,
    Who(actor): Who,
) -> Result<Json<Entries>, Problem> {
    let limit = query.limit()?;
    let wanted = Wanted {
        stream: query.stream,
        kind: query.kind,
        id: query.id,
        team: query.team,
        from: query.from.unwrap_or(0),
        before: query.before,
        newest_first: query.newest_first.unwrap_or(false),
        limit,
    };
    state.ask(actor, move |source| page(source, wanted)).await.map(Json)
}

/// As many entries as fit into a page, and where to go on.
fn page(source: &dyn Source, mut wanted: Wanted) -> Result<Entries, Error> {
    let (limit, mut page, mut bytes) = (wanted.limit, Entries::default(), 0);
    while page.len() < limit {
        wanted.limit = AT_ONCE.min(limit - page.len());
        let more = source.entries_with_withheld(&wanted)?;
        let all = more.len() < wanted.limit;
        for entry in more {
            match wanted.newest_first {
                true => wanted.before = Some(entry.index()),
                false => wanted.from = entry.index() + 1,
            }
            if let SourceEntry::Whole(entry) = &entry {
                bytes += entry.leaf.len();
            }
            page.push(entry);
            if bytes >= LARGEST {
                return Ok(Entries { next: next(&wanted), ..page });
            }
        }
        if all {
            return Ok(page);
        }
    }
    Ok(Entries { next: next(&wanted), ..page })
}

fn next(wanted: &Wanted) -> Option<u64> {
    if wanted.newest_first { wanted.before } else { Some(wanted.from) }
}

/// Hashes of the tree over the entries (RFC 6962)
#[utoipa::path(
    get,
    path = "/api/v1/audit/nodes",
    operation_id = "audit_nodes",
    tag = "audit",
    params(NodesQuery),
    responses(
        (status = 200, description = "The hashes.", body = Nodes),
        (status = "default", description = "A problem.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn nodes(
    State(state): State<AuditState>,
    Query(query): Query<NodesQuery>,
    Who(actor): Who,
) -> Result<Json<Nodes>, Problem> {
    let numbers = query.numbers()?;
    let hashes = state.ask(actor, move |source| source.nodes_found(&numbers)).await?;
    Ok(Json(Nodes { hashes }))
}

/// The checkpoints that were kept
///
/// The first after each change of keys is kept for ever, and of the others one for each minute.
#[utoipa::path(
    get,
    path = "/api/v1/audit/checkpoints",
    operation_id = "audit_checkpoints",
    tag = "audit",
    params(CheckpointsQuery),
    responses(
        (status = 200, description = "A page of checkpoints, by size.", body = Checkpoints),
        (status = "default", description = "A problem.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn checkpoints(
    State(state): State<AuditState>,
    Query(query): Query<CheckpointsQuery>,
    Who(actor): Who,
) -> Result<Json<Checkpoints>, Problem> {
    let (above, limit) = (query.above.unwrap_or(0), query.limit()?);
    let found = state.ask(actor, move |source| source.checkpoints(above, limit)).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|(size, _)| *size);
    let checkpoints = found.into_iter().map(|(size, note)| KeptCheckpoint { size, note }).collect();
    Ok(Json(Checkpoints { checkpoints, next }))
}
