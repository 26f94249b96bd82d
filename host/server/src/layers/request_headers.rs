//! Checks the headers that the server reads: each occurs once, and none of our own families is unknown.
//!
//! For a header that occurs twice, nobody knows which one counts, and a proxy may have read the other one.

use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, IF_MATCH};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lockgate_domain::closest;

use crate::problem::{Problem, REQUEST_ID};

/// The header that makes it safe to send a write twice.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The header with the last event that a client of a stream has seen.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The header that names the source of evidence.
pub(crate) const EVIDENCE_SOURCE: HeaderName = HeaderName::from_static("x-evidence-source");

/// The header that says when evidence was made.
pub(crate) const EVIDENCE_MADE: HeaderName = HeaderName::from_static("x-evidence-made");

/// The header with the signature of evidence, as base64.
pub(crate) const EVIDENCE_SIGNATURE: HeaderName = HeaderName::from_static("x-evidence-signature");

/// The header with the id of the key that made the signature of evidence.
pub(crate) const EVIDENCE_KEY: HeaderName = HeaderName::from_static("x-evidence-key");

/// The prefix of the headers about evidence.
const EVIDENCE: &str = "x-evidence-";

/// All headers about evidence.
static ABOUT_EVIDENCE: [HeaderName; 4] = [EVIDENCE_KEY, EVIDENCE_MADE, EVIDENCE_SIGNATURE, EVIDENCE_SOURCE];

/// The headers with one value. `Authorization` is checked where the credential is read, because its refusal has a
/// challenge.
static SINGLE: [HeaderName; 6] = [CONTENT_ENCODING, CONTENT_TYPE, IF_MATCH, IDEMPOTENCY_KEY, LAST_EVENT_ID, REQUEST_ID];

/// A header occurs more than once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RepeatedHeader;

/// The header with this name.
///
/// # Errors
/// If it occurs more than once.
pub(crate) fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h HeaderValue>, RepeatedHeader> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (first, None) => Ok(first),
        _ => Err(RepeatedHeader),
    }
}

/// Checks the headers of a request.
///
/// # Errors
/// If a header with one value occurs twice, or one about evidence is unknown.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |detail: String| Err(Problem::of_status(StatusCode::BAD_REQUEST).detail(detail));
    let all = SINGLE.iter().chain(&ABOUT_EVIDENCE);
    if let Some(twice) = all.filter(|name| single(headers, name).is_err()).min_by_key(|name| name.as_str()) {
        return refused(format!("the header `{twice}` appears more than once: send it once"));
    }
    let unknown = headers.keys().find(|name| name.as_str().starts_with(EVIDENCE) && !ABOUT_EVIDENCE.contains(name));
    let Some(unknown) = unknown else { return Ok(()) };
    let known = ABOUT_EVIDENCE.each_ref().map(HeaderName::as_str);
    let meant = closest(unknown.as_str(), known).map_or_else(|| known.join("` or `"), str::to_owned);
    refused(format!("unknown header `{unknown}`: did you mean `{meant}`?"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn said(headers: &[(&HeaderName, &'static str)]) -> Option<String> {
        let headers =
            headers.iter().map(|(name, value)| ((*name).clone(), HeaderValue::from_static(value))).collect::<Vec<_>>();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value);
        }
        check(&map).err().map(|problem| problem.document(None).detail.unwrap())
    }

    #[test]
    fn a_header_that_is_read_is_there_once() {
        for name in SINGLE.iter().chain(&ABOUT_EVIDENCE) {
            assert_eq!(said(&[(name, "a")]), None);
            let twice = format!("the header `{name}` appears more than once: send it once");
            assert_eq!(said(&[(name, "a"), (name, "a")]), Some(twice));
        }
        let accept = axum::http::header::ACCEPT;
        assert_eq!(said(&[(&accept, "a/b"), (&accept, "c/d")]), None);
    }

    #[test]
    fn an_unknown_header_about_evidence_is_refused_with_the_one_that_is_meant() {
        let header = |name: &'static str| said(&[(&HeaderName::from_static(name), "a")]).unwrap();
        assert_eq!(header("x-evidence-maid"), "unknown header `x-evidence-maid`: did you mean `x-evidence-made`?");
        assert_eq!(
            header("x-evidence-collected"),
            "unknown header `x-evidence-collected`: did you mean `x-evidence-key` or `x-evidence-made` or \
             `x-evidence-signature` or `x-evidence-source`?"
        );
    }
}
