//! Evidence: files that others attest, found by name.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, Timestamp};

/// One piece of evidence. Its content travels beside the JSON form, which names it by digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The digest of the content.
    pub digest: Digest,
    /// The size of the content in bytes.
    pub size: u64,
    /// Its IANA media type.
    pub media_type: String,
    /// Who or what it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected: Option<Timestamp>,
    /// The bytes as they were handed in.
    #[serde(skip)]
    #[schemars(skip)]
    pub content: Arc<Vec<u8>>,
}

impl Evidence {
    /// Evidence with that content, digested here.
    pub fn new(content: Vec<u8>, media_type: impl Into<String>) -> Self {
        Self {
            digest: Digest::of(&content),
            size: content.len() as u64,
            media_type: media_type.into(),
            source: None,
            collected: None,
            content: Arc::new(content),
        }
    }
}
