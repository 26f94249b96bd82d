//! Answers and their headers.

use axum::Json;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use lockgate_service::WriteAnswer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The header that marks a repeated answer to an earlier request.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A complete list, in the shape of a page without a next page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub(super) struct WholeList<T> {
    /// All items of the list.
    pub(super) items: Vec<T>,
}

/// A list as the answer.
pub(super) fn listed<T>(items: Vec<T>) -> Json<WholeList<T>> {
    Json(WholeList { items })
}

/// The answer to a read, with the version of the deployment.
pub(super) fn at_version(version: u64, value: &impl Serialize) -> Response {
    (tagged(version), Json(value)).into_response()
}

/// The answer to a write.
pub(super) fn written<T: Serialize>(written: &WriteAnswer<T>) -> Response {
    (headers(written), Json(&written.value)).into_response()
}

/// The answer to several writes at once.
pub(super) fn all_written<T: Serialize + Clone>(written: &WriteAnswer<Vec<T>>) -> Response {
    (headers(written), listed(written.value.clone())).into_response()
}

/// The answer for a new resource, with its address.
pub(super) fn created<T: Serialize>(written: &WriteAnswer<T>, location: &str) -> Response {
    let mut headers = headers(written);
    if let Ok(location) = HeaderValue::from_str(location) {
        headers.insert(LOCATION, location);
    }
    (StatusCode::CREATED, headers, Json(&written.value)).into_response()
}

fn headers<T>(written: &WriteAnswer<T>) -> HeaderMap {
    // Only deployments and entries of registers have versions.
    let mut headers = if written.version > 0 { tagged(written.version) } else { HeaderMap::new() };
    if written.repeated {
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    headers
}

/// The `ETag` of a version.
pub(super) fn tagged(version: u64) -> HeaderMap {
    let tag = HeaderValue::from_str(&format!("\"{version}\""));
    tag.into_iter().map(|tag| (ETAG, tag)).collect()
}
