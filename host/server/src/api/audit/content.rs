//! What entries refer to: snapshots and evidence, by digest.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use lockgate_domain::{Digest, Timestamp};
use lockgate_ledger::{ContentState, StoredContent};

use super::form::Contents;
use super::parameters::{ContentsQuery, wrong};
use super::{AuditState, KIND_HEADER, MEDIA_TYPE_HEADER, SIZE_HEADER, STORED_HEADER};
use crate::api::extract::Who;
use crate::problem::{Problem, ProblemDocument};

/// The digests of all content
///
/// What was deleted by retention is among them. For people of some teams: of the content that entries of these teams refer
/// to.
#[utoipa::path(
    get,
    path = "/api/v1/audit/contents",
    operation_id = "audit_contents",
    tag = "audit",
    params(ContentsQuery),
    responses(
        (status = 200, description = "A page of digests.", body = Contents),
        (status = "default", description = "A problem.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn contents(
    State(state): State<AuditState>,
    Query(query): Query<ContentsQuery>,
    Who(actor): Who,
) -> Result<Json<Contents>, Problem> {
    let (after, limit) = (query.after, query.limit()?);
    let found = state.ask(actor, move |source| source.contents(after, limit)).await?;
    let contents: Vec<String> = found.iter().map(Digest::text).collect();
    let next = contents.last().filter(|_| contents.len() == limit).cloned();
    Ok(Json(Contents { contents, next }))
}

/// Content by digest
///
/// The bytes, to be kept and not to be shown: they are whatever somebody handed in. Content that no entry refers to which
/// who asks may see is answered like content that never was.
#[utoipa::path(
    get,
    path = "/api/v1/audit/content/{digest}",
    operation_id = "audit_content",
    tag = "audit",
    params(("digest" = String, Path, description = "The digest.", pattern = "^sha256:[0-9a-f]{64}$")),
    responses(
        (
            status = 200, description = "The bytes.", body = Vec<u8>, content_type = "application/octet-stream",
            headers(
                ("lockgate-content-kind" = String, description = "The kind that it was stored under."),
                ("lockgate-content-media-type" = String, description = "Its media type, as it was handed in."),
                ("lockgate-content-size" = String, description = "Its size in bytes, as it was noted when it was stored."),
                ("lockgate-content-stored" = String, description = "When it was stored."),
            )
        ),
        (status = 410, description = "It was deleted by retention.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "default", description = "A problem.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn content(
    State(state): State<AuditState>,
    Path(digest): Path<String>,
    Who(actor): Who,
) -> Result<Response, Problem> {
    let digest: Digest = digest.parse().map_err(|error: lockgate_domain::DigestError| wrong(error.to_string()))?;
    let found = state.ask(actor, move |source| source.content(&digest)).await?;
    let none = || {
        let detail = format!("there is no content `{digest}`, or no entry of your teams refers to it");
        Problem::of_status(StatusCode::NOT_FOUND).detail(detail)
    };
    let StoredContent { kind, media_type, size, stored, state } = found.ok_or_else(none)?;
    match state {
        ContentState::Present(bytes) => Ok((headers(&kind, &media_type, size, stored), bytes).into_response()),
        ContentState::Deleted(deleted) => Err(Problem::new(StatusCode::GONE, "deleted", "It was deleted by retention")
            .detail(format!("the content `{digest}` was deleted at {deleted}: an entry of the log says so"))
            .with("kind", kind)
            .with("media_type", media_type)
            .with("size", size)
            .with("stored", stored)
            .with("deleted", deleted)),
    }
}

fn headers(kind: &str, media_type: &str, size: u64, stored: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // Never as what it says it is: a browser would run somebody's evidence as a page of this server.
    for (name, value) in [
        (CONTENT_TYPE, "application/octet-stream"),
        (CONTENT_DISPOSITION, "attachment"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in [
        (KIND_HEADER, kind),
        (MEDIA_TYPE_HEADER, media_type),
        (SIZE_HEADER, &size.to_string()),
        (STORED_HEADER, &stored.to_string()),
    ] {
        // Names in the ledger hold no control characters, so all of them can stand in a header.
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}
