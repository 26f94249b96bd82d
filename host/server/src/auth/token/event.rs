//! What can happen to a token, as entries of the ledger. The names are fixed: auditors read them.

use std::collections::BTreeSet;

use lockgate_domain::{CredentialKind, Digest, Person, Right, Teams, Timestamp};
use lockgate_ledger::{EntryDraft, InvalidEntry, StoredEntry};
use lockgate_service::lifecycle::EventActor;
use serde::{Deserialize, Serialize};

/// The stream that credentials are recorded in.
pub const ACCESS_STREAM: &str = "access";

/// What all kinds of entries about tokens begin with. The stream may hold others, which are not about tokens.
const KINDS: &str = "token-";
const ISSUED: &str = "token-issued";
const REVOKED: &str = "token-revoked";
const ROTATED: &str = "token-rotated";

/// Something that happened to a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenEvent {
    Issued(IssuedBody),
    Revoked(RevokedBody),
    Rotated(RotatedBody),
}

/// Entry `token-issued`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IssuedBody {
    pub(super) person: Person,
    /// Who or what uses the token.
    pub(super) kind: CredentialKind,
    pub(super) teams: Teams,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scopes: Option<BTreeSet<Right>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
    pub(super) by: EventActor,
    /// Of the whole text of the token.
    pub(super) digest: Digest,
}

/// Entry `token-revoked`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RevokedBody {
    pub(super) by: EventActor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// Entry `token-rotated`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RotatedBody {
    pub(super) by: EventActor,
    /// Of the whole new text.
    pub(super) digest: Digest,
    /// When the texts before it are no longer taken.
    pub(super) previous_until: Timestamp,
    /// When the token expires from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<Timestamp>,
}

impl TokenEvent {
    /// The entry for it.
    pub(super) fn entry(&self, id: &str, at: Timestamp) -> Result<EntryDraft, InvalidEntry> {
        let entry = match self {
            Self::Issued(body) => EntryDraft::new(ACCESS_STREAM, ISSUED, at, body),
            Self::Revoked(body) => EntryDraft::new(ACCESS_STREAM, REVOKED, at, body),
            Self::Rotated(body) => EntryDraft::new(ACCESS_STREAM, ROTATED, at, body),
        };
        entry?.with_id(id)
    }

    /// What an entry says, and of which token; none if it is not about tokens. An entry that cannot be read is an error,
    /// because it may be the one that revokes.
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
