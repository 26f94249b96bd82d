//! Errors as RFC 9457 problem documents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The media type of problems.
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// The prefix of every problem's `type`; the rest is its code.
pub const PROBLEM_TYPE_PREFIX: &str = "urn:lockgate:problem:";

/// The code of a problem: a part of the ledger cannot be read, or does not fit the rest.
pub const LEDGER_DAMAGED: &str = "ledger-damaged";

/// A problem document (RFC 9457, section 3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = { "description": "More members for programs; which ones depends on the kind." }))]
pub struct ProblemDocument {
    /// The kind of the problem: `urn:lockgate:problem:` and a stable code for programs.
    #[serde(rename = "type")]
    #[schemars(extend("format" = "uri", "examples" = ["urn:lockgate:problem:not-found"]))]
    pub kind: String,
    /// The name of the kind. It is the same for every problem of the kind.
    pub title: String,
    /// The status code of the HTTP response.
    #[schemars(range(min = 400, max = 599))]
    pub status: u16,
    /// What is wrong in this case, and how to mend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The request: `urn:lockgate:request:` and its id, which is also in `X-Request-ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "uri"))]
    pub instance: Option<String>,
    /// More members for programs; which ones depends on the kind.
    #[serde(flatten)]
    pub members: Map<String, Value>,
}

impl ProblemDocument {
    /// The code for programs, for example `not-found`. None if the problem is not one of Lockgate's.
    pub fn code(&self) -> Option<&str> {
        self.kind.strip_prefix(PROBLEM_TYPE_PREFIX)
    }
}
