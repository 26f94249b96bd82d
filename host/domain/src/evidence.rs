//! Evidence: files that others attest, found by name.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, Timestamp};

/// A piece of evidence. This document names its content by digest; the content itself is separate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The SHA-256 digest of the content.
    pub digest: Digest,
    /// The size of the content in bytes.
    pub size: u64,
    /// The IANA media type of the content.
    pub media_type: String,
    /// The person or tool that made the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When the evidence was made (RFC 3339), as the person or tool that attached it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Timestamp>,
    /// When the evidence was attached (RFC 3339); the server sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attested: Option<Timestamp>,
    /// The bytes as they were handed in.
    #[serde(skip)]
    #[schemars(skip)]
    pub content: Arc<Vec<u8>>,
}

impl Evidence {
    /// The digest of what an approval covers: the content, and the uploader's statements about it (media type, source,
    /// and when it was made). The same bytes with another date are other evidence.
    #[expect(clippy::expect_used, reason = "texts and times have a canonical form")]
    pub fn statement(&self) -> Digest {
        let Self { digest, media_type, source, made, .. } = self;
        Digest::of_canonical(&(digest, media_type, source, made)).expect("texts and times have a canonical form")
    }

    /// Evidence with this content. The digest is computed here.
    pub fn new(content: Vec<u8>, media_type: impl Into<String>) -> Self {
        Self {
            digest: Digest::of(&content),
            size: content.len() as u64,
            media_type: media_type.into(),
            source: None,
            made: None,
            attested: None,
            content: Arc::new(content),
        }
    }
}
