//! The events of a token, as entries of the ledger. Their names are fixed, because auditors read them.

use std::collections::BTreeSet;

use lockgate_domain::{CredentialKind, Digest, Principal, Right, Teams, Timestamp};
use lockgate_ledger::{EntryDraft, InvalidEntry, StoredEntry};
use lockgate_service::lifecycle::EventActor;
use serde::{Deserialize, Serialize};

/// The stream for credentials.
pub const ACCESS_STREAM: &str = "access";

/// The prefix of all kinds of entries about tokens. The stream may hold other entries.
const KINDS: &str = "token-";
const ISSUED: &str = "token-issued";
const REVOKED: &str = "token-revoked";
const ROTATED: &str = "token-rotated";

/// An event of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenEvent {
    Issued(IssuedBody),
    Revoked(RevokedBody),
    Rotated(RotatedBody),
}

/// The body of a `token-issued` entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IssuedBody {
    pub(super) person: Principal,
    /// The kind of holder.
    pub(super) kind: CredentialKind,
    pub(super) teams: Teams,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scopes: Option<BTreeSet<Right>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
    pub(super) by: EventActor,
    /// The digest of the token's whole text.
    pub(super) digest: Digest,
}

/// The body of a `token-revoked` entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RevokedBody {
    pub(super) by: EventActor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// The body of a `token-rotated` entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RotatedBody {
    pub(super) by: EventActor,
    /// The digest of the whole new text.
    pub(super) digest: Digest,
    /// When the earlier texts stop being valid.
    pub(super) previous_until: Timestamp,
    /// When the token expires from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<Timestamp>,
}

impl TokenEvent {
    /// The ledger entry for the event.
    pub(super) fn entry(&self, id: &str, at: Timestamp) -> Result<EntryDraft, InvalidEntry> {
        let entry = match self {
            Self::Issued(body) => EntryDraft::new(ACCESS_STREAM, ISSUED, at, body),
            Self::Revoked(body) => EntryDraft::new(ACCESS_STREAM, REVOKED, at, body),
            Self::Rotated(body) => EntryDraft::new(ACCESS_STREAM, ROTATED, at, body),
        };
        entry?.with_id(id)
    }

    /// The event of an entry, and the token's id. None if the entry is not about tokens. An unreadable entry is an
    /// error, because it may be one that revokes.
    pub(super) fn read(stored: &StoredEntry) -> Result<Option<(String, Self)>, String> {
        if !stored.kind.starts_with(KINDS) {
            return Ok(None);
        }
        let unreadable = |why: String| format!("entry {} of the ledger is unreadable: {why}", stored.index);
        let entry = stored.read()?;
        let json = |error: serde_json::Error| unreadable(error.to_string());
        let event = match entry.kind.as_str() {
            ISSUED => Self::Issued(serde_json::from_value(entry.body).map_err(json)?),
            REVOKED => Self::Revoked(serde_json::from_value(entry.body).map_err(json)?),
            ROTATED => Self::Rotated(serde_json::from_value(entry.body).map_err(json)?),
            other => return Err(unreadable(format!("unknown kind `{other}`: a newer version wrote it"))),
        };
        let id = entry.id.ok_or_else(|| unreadable("it names no token".to_owned()))?;
        Ok(Some((id, event)))
    }
}
