//! Evidence: handed in as it is, under a name; given back the same, to be kept and not to be shown.

use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::answer::written;
use super::extract::{AtDeployment, Intent, TeamQuery, Who, bytes, unreadable};
use super::openapi::{Conditions, Reading, Writing};
use super::state::ApiState;
use crate::problem::Problem;

/// The header that says who or what evidence comes from.
pub const EVIDENCE_SOURCE: HeaderName = HeaderName::from_static("x-evidence-source");

/// The longest header that is taken over, in bytes.
const LONGEST: usize = 256;
/// What evidence is if nobody says.
const UNKNOWN: &str = "application/octet-stream";

/// Hands in evidence
///
/// The body as it is, in the place of what had that name before; the `Content-Type` is kept with it. What was approved
/// cannot be replaced.
#[utoipa::path(
    put,
    path = "/api/v1/deployments/{id}/evidence/{name}",
    operation_id = "put_evidence",
    tag = "evidence",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        TeamQuery,
        ("name" = String, Path, description = "The name: 1 to 128 letters, digits, `.`, `-` or `_`.", pattern = "^[A-Za-z0-9._-]{1,128}$"),
        ("X-Evidence-Source" = Option<String>, Header, description = "Who or what it comes from; without it, whoever asks.", max_length = 256),
        Conditions,
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "Anything, of any media type."),
    responses(
        (
            status = 200, description = "The evidence, without its bytes.", body = ref("#/components/schemas/Evidence"),
            headers(
                ("ETag" = String, description = "The version of the deployment since, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        Writing,
    )
)]
pub(super) async fn put(
    State(state): State<ApiState>,
    at: AtDeployment,
    Path((_, name)): Path<(String, String)>,
    intent: Intent,
    request: Request,
) -> Result<Response, Problem> {
    let media_type = text(request.headers(), &CONTENT_TYPE)?.unwrap_or_else(|| UNKNOWN.to_owned());
    let source = text(request.headers(), &EVIDENCE_SOURCE)?;
    let body = bytes(request, &state).await?;
    let attach = state.write_to(&at, intent, move |engine, write, at| {
        engine.attach(write, at, &name, &media_type, source.as_deref(), body.into())
    });
    let done = attach.await?;
    Ok(written(&done))
}

/// Gives evidence back
///
/// The bytes as they were handed in.
#[utoipa::path(
    get,
    path = "/api/v1/deployments/{id}/evidence/{name}",
    operation_id = "get_evidence",
    tag = "evidence",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        TeamQuery,
        ("name" = String, Path, description = "The name of the evidence."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what one has already."),
    ),
    responses(
        (
            status = 200, description = "The bytes, with the `Content-Type` that they were handed in with.",
            body = Vec<u8>, content_type = "*/*",
            headers(("ETag" = String, description = "The digest of the bytes, in quotes."))
        ),
        (status = 304, description = "It is still what one has."),
        Reading,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    at: AtDeployment,
    Path((_, name)): Path<(String, String)>,
    Who(actor): Who,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let evidence = state.run(move |engine| engine.evidence(&actor, at.name(), &name)).await?;
    let tag = format!("\"{}\"", evidence.digest);
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(','));
    let is_known = known.any(|value| matches!(value.trim(), "*") || value.trim().trim_start_matches("W/") == tag);
    let mut headers = HeaderMap::new();
    headers.extend(HeaderValue::from_str(&tag).map(|tag| (ETAG, tag)));
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    // A browser that is led here shall keep it, and not run somebody's evidence as a page of this server.
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let media_type = HeaderValue::from_str(&evidence.media_type);
    headers.insert(CONTENT_TYPE, media_type.unwrap_or(HeaderValue::from_static(UNKNOWN)));
    Ok((headers, Vec::clone(&evidence.content)).into_response())
}

/// The text of a header that is kept.
fn text(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match value.to_str().map(str::trim) {
        Ok(text) if (1..=LONGEST).contains(&text.len()) => Ok(Some(text.to_owned())),
        _ => Err(unreadable(format!("`{name}` has 1 to {LONGEST} printable ASCII characters"))),
    }
}
