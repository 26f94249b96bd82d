//! The content that entries refer to: snapshots and evidence, by digest.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use lockgate_domain::api::audit::{
    Contents, DeletedContent, KIND_HEADER, MEDIA_TYPE_HEADER, SIZE_HEADER, STORED_HEADER,
};
use lockgate_domain::{Digest, Timestamp};
use lockgate_ledger::{ContentState, StoredContent};

use super::super::url_parts::{PathParts, QueryParams};
use super::AuditState;
use super::parameters::{ContentsQuery, wrong};
use crate::api::extract::Authenticated;
use crate::api::openapi_parts::AnyError;
use crate::problem::Problem;

/// List the digests of all content
///
/// The list includes content that retention deleted. An auditor of some teams gets the content that entries of these teams
/// refer to.
#[utoipa::path(
    get,
    path = "/api/v1/audit/contents",
    operation_id = "audit_contents",
    tag = "audit",
    params(ContentsQuery),
    responses(
        (status = 200, description = "A page of digests.", body = ref("#/components/schemas/Contents")),
        AnyError,
    )
)]
pub(in crate::api) async fn contents(
    State(state): State<AuditState>,
    QueryParams(query): QueryParams<ContentsQuery>,
    Authenticated(actor): Authenticated,
) -> Result<Json<Contents>, Problem> {
    let (after, limit) = (query.after, query.limit()?);
    let found = state.ask(actor, move |source| source.contents(after, limit)).await?;
    let contents: Vec<String> = found.iter().map(Digest::text).collect();
    let next = contents.last().filter(|_| contents.len() == limit).cloned();
    Ok(Json(Contents { contents, next }))
}

/// Get content by digest
///
/// The bytes as they were uploaded: do not display them as they are. The answer is 404 if no entry that you may see refers
/// to the content.
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
                ("lockgate-content-kind" = String, description = "The kind of the content."),
                ("lockgate-content-media-type" = String, description = "The media type that it was uploaded with."),
                ("lockgate-content-size" = String, description = "Its size in bytes."),
                ("lockgate-content-stored" = String, description = "When it was stored."),
            )
        ),
        (status = 410, description = "Retention deleted it.", body = ref("#/components/schemas/ProblemDocument"), content_type = "application/problem+json"),
        AnyError,
    )
)]
pub(in crate::api) async fn content(
    State(state): State<AuditState>,
    PathParts(digest): PathParts<String>,
    Authenticated(actor): Authenticated,
) -> Result<Response, Problem> {
    let digest: Digest = digest.parse().map_err(|error: lockgate_domain::DigestError| wrong(error.to_string()))?;
    let found = state.ask(actor, move |source| source.content(&digest)).await?;
    let none = || {
        let detail = format!("no content `{digest}`, or no entry of your teams refers to it");
        Problem::of_status(StatusCode::NOT_FOUND).detail(detail)
    };
    let StoredContent { kind, media_type, size, stored, state } = found.ok_or_else(none)?;
    match state {
        ContentState::Present(bytes) => Ok((headers(&kind, &media_type, size, stored), bytes).into_response()),
        ContentState::Deleted(deleted) => Err(Problem::new(StatusCode::GONE, "deleted", "Deleted by retention")
            .detail(format!("retention deleted the content `{digest}` at {deleted}, as an entry of the log shows"))
            .with_all(&DeletedContent { kind, media_type, size, stored, deleted })),
    }
}

fn headers(kind: &str, media_type: &str, size: u64, stored: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // Never with the content's own media type: a browser would run evidence as a page of this server.
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
        // Names in the ledger hold no control characters, so all of them can be header values.
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}
