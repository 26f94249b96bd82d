//! What is asked and answered, as it stands on the tape of an evaluation.

use serde::{Deserialize, Serialize};

use super::super::base64_bytes::Base64Bytes;
use super::method::HttpMethod;

/// What a plugin asks. Nothing of it has been looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpRequest {
    pub(crate) method: HttpMethod,
    pub(crate) url: String,
    /// Name and value.
    pub(crate) headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Base64Bytes>,
}

/// What came back, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    /// Name, in lower case, and value; by name, and as they came among those of one name.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Base64Bytes,
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HttpError {
    /// What is not: an origin, or a method on it.
    NotGranted(String),
    /// What is wrong with the request.
    InvalidRequest(String),
    /// An address that a name stands for and that was not granted.
    AddressRefused(String),
    /// Why there is no connection, or no safe one.
    Unreachable(String),
    /// What is allowed, in milliseconds.
    TimedOut(u64),
    /// What is allowed, in bytes.
    TooLarge(u64),
    /// What is allowed.
    TooManyRedirects(u32),
    /// Why what came back is no answer.
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
