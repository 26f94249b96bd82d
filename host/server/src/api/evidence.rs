//! Evidence: files that are uploaded under a name and returned byte for byte.

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use lockgate_domain::{DetachedSignature, Timestamp};
use lockgate_service::NewEvidence;

use super::answer::written;
use super::errors::unreadable;
use super::extract::{AtDeployment, Authenticated, TeamQuery, WriteRequest};
use super::json_body::bytes;
use super::openapi_parts::{ReadErrors, WriteConditions, WriteErrors};
use super::state::ApiState;
use super::url_parts::PathParts;
use crate::intake::MediaType;
use crate::layers::request_headers::{EVIDENCE_KEY, EVIDENCE_MADE, EVIDENCE_SIGNATURE, EVIDENCE_SOURCE};
use crate::problem::Problem;

/// The longest header value that is stored, in bytes.
const LONGEST: usize = 256;
/// The default media type of evidence.
const UNKNOWN: &str = "application/octet-stream";

/// Upload evidence
///
/// The body is the file; its `Content-Type` is stored with it. It replaces earlier evidence of the same name, unless that
/// was approved. A signature, beside it or in its DSSE envelope (`application/vnd.dsse.envelope.v1+json`), is verified with the
/// keys of the registers `suppliers` and `people`, now and at each gate. One that is wrong is recorded as `failed`.
#[utoipa::path(
    put,
    path = "/api/v1/deployments/{id}/evidence/{name}",
    operation_id = "put_evidence",
    tag = "evidence",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        TeamQuery,
        ("name" = String, Path, description = "The name of the evidence: 1 to 128 letters, digits, `.`, `-` or `_`.", pattern = "^[A-Za-z0-9._-]{1,128}$"),
        ("X-Evidence-Source" = Option<String>, Header, description = "The person or tool that the evidence comes from. Default: you.", max_length = 256),
        ("X-Evidence-Made" = Option<String>, Header, description = "When it was made (RFC 3339). The server adds the time of the upload as `attested`."),
        ("X-Evidence-Signature" = Option<String>, Header, description = "A signature of the bytes, as base64: 64 bytes for Ed25519, DER for ECDSA P-256.", max_length = 256),
        ("X-Evidence-Key" = Option<String>, Header, description = "The id of the key that made the signature, for example `build` or `supplier:acme#build`. Default: any key of the registers.", max_length = 256),
        WriteConditions,
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "A file of any media type."),
    responses(
        (
            status = 200, description = "The stored evidence, without its bytes, and what came of verifying its signature.", body = ref("#/components/schemas/AttachedEvidence"),
            headers(
                ("ETag" = String, description = "The deployment's new version, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn put(
    State(state): State<ApiState>,
    at: AtDeployment,
    PathParts((_, name)): PathParts<(String, String)>,
    write_request: WriteRequest,
    request: Request,
) -> Result<Response, Problem> {
    let media_type = match text(request.headers(), &CONTENT_TYPE)? {
        Some(media_type) => {
            let kind = MediaType::of(request.headers());
            kind.check_file()?;
            if kind.is_json() {
                kind.check_charset()?;
            }
            media_type
        }
        None => UNKNOWN.to_owned(),
    };
    let source = text(request.headers(), &EVIDENCE_SOURCE)?;
    let made = text(request.headers(), &EVIDENCE_MADE)?.map(|text| moment(&text)).transpose()?;
    let signature = text(request.headers(), &EVIDENCE_SIGNATURE)?;
    let key = text(request.headers(), &EVIDENCE_KEY)?;
    let signature = match (signature, key) {
        (None, Some(_)) => {
            return Err(unreadable(format!(
                "`{EVIDENCE_KEY}` names the key of a signature, and `{EVIDENCE_SIGNATURE}` is missing: send both, or neither"
            )));
        }
        (signature, key) => signature.map(|signature| DetachedSignature { signature, key }),
    };
    let body = bytes(request, &state).await?;
    let attach = state.write_to(&at, write_request, move |service, write, at| {
        let new =
            NewEvidence { source: source.as_deref(), made, signature, ..NewEvidence::new(&name, &media_type, body) };
        service.attach(write, at, new)
    });
    let done = attach.await?;
    Ok(written(&done))
}

/// Download evidence
///
/// The bytes as they were uploaded.
#[utoipa::path(
    get,
    path = "/api/v1/deployments/{id}/evidence/{name}",
    operation_id = "get_evidence",
    tag = "evidence",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        TeamQuery,
        ("name" = String, Path, description = "The name of the evidence."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the copy that you have."),
    ),
    responses(
        (
            status = 200, description = "The bytes, with the `Content-Type` that they were uploaded with.",
            body = Vec<u8>, content_type = "*/*",
            headers(("ETag" = String, description = "The digest of the bytes, in quotes."))
        ),
        (status = 304, description = "Your copy is current."),
        ReadErrors,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    at: AtDeployment,
    PathParts((_, name)): PathParts<(String, String)>,
    Authenticated(actor): Authenticated,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let evidence = state.read(move |service| service.evidence(&actor, at.name(), &name)).await?;
    let tag = format!("\"{}\"", evidence.digest);
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(','));
    let is_known = known.any(|value| matches!(value.trim(), "*") || value.trim().trim_start_matches("W/") == tag);
    let mut headers = HeaderMap::new();
    headers.extend(HeaderValue::from_str(&tag).map(|tag| (ETAG, tag)));
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    // A browser should save the file, and not run evidence as a page of this server.
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let media_type = HeaderValue::from_str(&evidence.media_type);
    headers.insert(CONTENT_TYPE, media_type.unwrap_or(HeaderValue::from_static(UNKNOWN)));
    Ok((headers, Vec::clone(&evidence.content)).into_response())
}

/// Parses a time in a header.
fn moment(text: &str) -> Result<Timestamp, Problem> {
    let wrong =
        |error| unreadable(format!("`{EVIDENCE_MADE}` is a time as in RFC 3339 (`2026-11-24T20:00:00Z`): {error}"));
    text.parse().map_err(wrong)
}

/// The text of a header that is stored.
fn text(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match value.to_str().map(str::trim) {
        Ok(text) if (1..=LONGEST).contains(&text.len()) => Ok(Some(text.to_owned())),
        _ => Err(unreadable(format!("the header `{name}` has to have 1 to {LONGEST} printable ASCII characters"))),
    }
}
