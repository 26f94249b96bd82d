//! The metadata of this decision point: its features and addresses, open to everybody.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{CACHE_CONTROL, HOST, VARY};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::openapi_parts::AnyError;
use crate::layers::SpeaksTls;
use crate::problem::Problem;

/// The path for a single evaluation.
pub(in crate::api) const EVALUATION: &str = "/access/v1/evaluation";

/// The path for several evaluations.
pub(in crate::api) const EVALUATIONS: &str = "/access/v1/evaluations";

/// The path of the metadata.
pub(in crate::api) const CONFIGURATION: &str = "/.well-known/authzen-configuration";

/// The endpoints of this decision point. It has no search endpoints.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuthZenConfiguration {
    /// The URL of this decision point, made from the `Host` header of the request.
    #[schema(format = "uri", examples("https://lockgate.example.org"))]
    policy_decision_point: String,
    /// The URL of the endpoint for one evaluation.
    #[schema(format = "uri")]
    access_evaluation_endpoint: String,
    /// The URL of the endpoint for several evaluations.
    #[schema(format = "uri")]
    access_evaluations_endpoint: String,
}

/// Get the AuthZEN configuration
///
/// The URLs are made from the `Host` header of the request, because clients compare them.
#[utoipa::path(
    get,
    path = "/.well-known/authzen-configuration",
    operation_id = "authzen_configuration",
    tag = "authzen",
    responses(
        (status = 200, description = "The configuration.", body = AuthZenConfiguration),
        AnyError,
    )
)]
pub(in crate::api) async fn configuration(
    tls: Option<Extension<SpeaksTls>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(host) = uri.authority().map(ToString::to_string).or(host.map(str::to_owned)).filter(|host| is_host(host))
    else {
        return Err(Problem::of_status(StatusCode::BAD_REQUEST).detail("the `Host` header is missing: send it"));
    };
    let tls = tls.is_some_and(|Extension(SpeaksTls(tls))| tls);
    let base = format!("{}://{host}", scheme(&uri, &headers, tls, &host));
    let configuration = AuthZenConfiguration {
        access_evaluation_endpoint: format!("{base}{EVALUATION}"),
        access_evaluations_endpoint: format!("{base}{EVALUATIONS}"),
        policy_decision_point: base,
    };
    let kept = [
        (CACHE_CONTROL, HeaderValue::from_static("max-age=3600")),
        (VARY, HeaderValue::from_static("Host, X-Forwarded-Proto")),
    ];
    Ok((kept, Json(configuration)).into_response())
}

/// Whether the text is only a name or an address, perhaps with a port, so that it cannot change the rest of an address.
fn is_host(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    (1..=255).contains(&host.len()) && host.bytes().all(allowed)
}

/// The scheme of the addresses. The standard allows only `https`. Without TLS the server is either a trial on one
/// machine, or behind a proxy that forwards the scheme.
fn scheme(uri: &Uri, headers: &HeaderMap, tls: bool, host: &str) -> &'static str {
    let forwarded = headers.get("x-forwarded-proto").and_then(|scheme| scheme.to_str().ok());
    match uri.scheme_str().or(forwarded) {
        Some("http") => "http",
        None if !tls && is_loopback(host) => "http",
        Some(_) | None => "https",
    }
}

fn is_loopback(host: &str) -> bool {
    let named = host.parse::<Authority>().is_ok_and(|authority| authority.host() == "localhost");
    let address = |host: &str| host.parse::<IpAddr>().ok().or(host.parse::<SocketAddr>().ok().map(|a| a.ip()));
    named || address(host.trim_matches(['[', ']'])).or(address(host)).is_some_and(|address| address.is_loopback())
}
