//! The questions and answers of `http`, as the tape of an evaluation holds them.

use serde::{Deserialize, Serialize};

use super::super::base64_bytes::Base64Bytes;
use super::method::HttpMethod;

/// The request of a plugin, unchecked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpRequest {
    pub(crate) method: HttpMethod,
    pub(crate) url: String,
    /// Names and values.
    pub(crate) headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Base64Bytes>,
}

/// A response of any status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    /// Names in lower case and values, sorted by name; those of one name in the order of the response.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Base64Bytes,
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HttpError {
    /// The origin, or the method on it, that is not granted.
    NotGranted(String),
    /// What is wrong with the request.
    InvalidRequest(String),
    /// The address that the name resolves to, which is not granted.
    AddressRefused(String),
    /// Why no safe connection can be made.
    Unreachable(String),
    /// The time limit, in milliseconds.
    TimedOut(u64),
    /// The largest body, in bytes.
    TooLarge(u64),
    /// The most redirects.
    TooManyRedirects(u32),
    /// Why the response is not valid.
    InvalidResponse(String),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_question_and_its_answer_come_back_from_the_tape_as_they_were() {
        let request = HttpRequest {
            method: HttpMethod::Post,
            url: "https://scanner.example.com/scans".into(),
            headers: vec![("accept".into(), "*/*".into())],
            body: Some(Base64Bytes(vec![0xff])),
        };
        let written = serde_json::to_value(&request).unwrap();
        assert_eq!(
            written,
            json!({
                "method": "post",
                "url": "https://scanner.example.com/scans",
                "headers": [["accept", "*/*"]],
                "body": "/w==",
            })
        );
        assert_eq!(serde_json::from_value::<HttpRequest>(written).unwrap(), request);

        let answer: Result<HttpResponse, HttpError> = Err(HttpError::TimedOut(2_000));
        let written = serde_json::to_value(&answer).unwrap();
        assert_eq!(written, json!({ "Err": { "timed-out": 2_000 } }));
        assert_eq!(serde_json::from_value::<Result<HttpResponse, HttpError>>(written).unwrap(), answer);
    }
}
