//! Evidence: files that others attest, found by name.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CredentialKind, Digest, FactSource, PersonId, Provenance, Timestamp};

/// The result of verifying a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verification {
    /// Nothing was signed.
    #[default]
    Absent,
    /// A signature exists, and nobody checked it.
    Unchecked,
    /// The signature is right.
    Verified,
    /// The signature is wrong.
    Failed,
}

/// A signature that stands beside what was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetachedSignature {
    /// The signature as base64: 64 bytes for Ed25519, DER for ECDSA.
    pub signature: String,
    /// The id of the key in its register, for example `build`, or with its holder `supplier:acme#build`. Absent: any key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// The credential of what nobody can tell.
pub(crate) fn unknown_credential() -> String {
    "unknown".to_owned()
}

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
    /// The person or tool that made the evidence, as the person or tool that attached it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_source: Option<String>,
    /// When the evidence was made (RFC 3339), as the person or tool that attached it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Timestamp>,
    /// The id of the person or service that attached the evidence and so vouches for it; the server sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attester: Option<PersonId>,
    /// The kind of the attester's credential; the server sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attester_kind: Option<CredentialKind>,
    /// The roles that the attester held; the server sets them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attester_roles: Vec<String>,
    /// The credential with which it was attached; `unknown` if nobody knows it. The server sets it.
    #[serde(default = "unknown_credential")]
    pub credential: String,
    /// When the evidence was attached (RFC 3339); the server sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attested: Option<Timestamp>,
    /// From when on the evidence is no longer valid (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// The result of verifying its signature.
    #[serde(default)]
    pub verification: Verification,
    /// The key or authority that its signature was verified with: `supplier:`, or `person:`, the id, `#` and the id of the
    /// key. Several keys stand in a line each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_by: Option<String>,
    /// The digests of the things that the evidence is about.
    #[serde(default)]
    pub subjects: Vec<Digest>,
    /// The bytes as they were handed in.
    #[serde(skip)]
    #[schemars(skip)]
    pub content: Arc<Vec<u8>>,
}

impl Evidence {
    /// Who says what the evidence says: the person or service that attached it.
    pub fn provenance(&self) -> Provenance {
        Provenance {
            attester: self.attester.clone(),
            kind: self.attester_kind,
            roles: self.attester_roles.clone(),
            credential: self.credential.clone(),
            as_of: self.made.or(self.attested),
            recorded: self.attested,
            valid_until: self.valid_until,
            entry: Some(self.digest),
            verification: self.verification,
            ..Provenance::from_source(FactSource::Evidence)
        }
    }

    /// The digest of what an approval covers: the content, and the uploader's statements about it (media type, source,
    /// and when it was made). The same bytes with another date are other evidence.
    #[expect(clippy::expect_used, reason = "texts and times have a canonical form")]
    pub fn statement(&self) -> Digest {
        let Self { digest, media_type, claimed_source, made, .. } = self;
        Digest::of_canonical(&(digest, media_type, claimed_source, made))
            .expect("texts and times have a canonical form")
    }

    /// Those whose keys verified its signatures, for example `supplier:acme` or `person:rita`. Nobody if it is not
    /// verified.
    pub fn signers(&self) -> impl Iterator<Item = &str> {
        let is_verified = self.verification == Verification::Verified;
        let keys = self.verified_by.as_deref().filter(|_| is_verified).unwrap_or_default().lines();
        keys.filter_map(|key| Some(key.rsplit_once('#')?.0))
    }

    /// Evidence with this content. The digest is computed here.
    pub fn new(content: Vec<u8>, media_type: impl Into<String>) -> Self {
        Self {
            digest: Digest::of(&content),
            size: content.len() as u64,
            media_type: media_type.into(),
            claimed_source: None,
            made: None,
            attester: None,
            attester_kind: None,
            attester_roles: Vec::new(),
            credential: unknown_credential(),
            attested: None,
            valid_until: None,
            verification: Verification::Absent,
            verified_by: None,
            subjects: Vec::new(),
            content: Arc::new(content),
        }
    }
}
