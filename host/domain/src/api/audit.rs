//! `/api/v1/audit`: the pages of the audit log.
//!
//! A page holds leaves, hashes and signed notes, as the ledger does. The reader verifies a page, and believes nothing
//! else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::merkle::Hash;

/// The prefix of all paths of the audit log.
pub const PATH: &str = "/api/v1/audit";

/// The header with the kind of content.
pub const KIND_HEADER: &str = "lockgate-content-kind";
/// The header with the content's own media type. The answer itself has another one.
pub const MEDIA_TYPE_HEADER: &str = "lockgate-content-media-type";
/// The header with the size of content when it was stored, in bytes.
pub const SIZE_HEADER: &str = "lockgate-content-size";
/// The header with the moment at which content was stored.
pub const STORED_HEADER: &str = "lockgate-content-stored";

/// The most items of a page.
pub const MOST_ITEMS: usize = 1000;
/// The most nodes that one request can ask for.
pub const MOST_NODES: usize = 256;

/// The head of the audit log: its size and its root, signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeadDocument {
    /// The number of entries in the log.
    pub size: u64,
    /// The root hash of the Merkle tree over all entries, in base64.
    pub root: Hash,
    /// The size and the root as a signed note (c2sp.org/tlog-checkpoint).
    pub checkpoint: String,
    /// The current verifying key of the log: `<name>+<id>+<base64>`.
    pub key: String,
}

/// A page of entries of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entries {
    /// The entries in the order of their indexes; with `newest_first`, in reverse.
    #[serde(rename = "items")]
    pub entries: Vec<EntryDocument>,
    /// The withheld entries between them, in the same order: those of other teams or of no team. Always empty if the
    /// request names a stream, kind, id or team.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<WithheldEntryDocument>,
    /// The `from` of the next page; with `newest_first`, its `before`. Absent if there is no next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// A withheld entry: only what is needed to build the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithheldEntryDocument {
    /// The index of the entry in the log, counted from 0.
    pub index: u64,
    /// The hash of the entry's leaf, in base64.
    pub hash: Hash,
}

/// An entry as the ledger stores it. Only the leaf is proved; the other members are the keys under which it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntryDocument {
    /// The index of the entry in the log, counted from 0.
    pub index: u64,
    /// The stream under which the entry is stored.
    pub stream: String,
    /// The number of the entry in its stream, counted from 1.
    pub sequence: u64,
    /// The kind under which the entry is stored.
    pub kind: String,
    /// The id under which the entry is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The time under which the entry is stored (RFC 3339).
    pub at: Timestamp,
    /// The team under which the entry is stored, if it belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The hash of the leaf as it is stored, in base64.
    pub hash: Hash,
    /// The leaf of the entry in the tree: canonical JSON, in base64. Empty if the ledger cannot read it.
    #[schemars(extend("contentEncoding" = "base64"))]
    pub leaf: String,
    /// Why the ledger cannot read the bytes, if it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

impl EntryDocument {
    /// The bytes of the leaf. None if they are not valid base64.
    pub fn leaf_bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.leaf).ok()
    }
}

/// Hashes of nodes of the Merkle tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nodes {
    /// The hashes in the order of the request, in base64. `null` for a node that does not exist or is not complete yet.
    pub hashes: Vec<Option<Hash>>,
}

/// A page of stored checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoints {
    /// The stored checkpoints, the smallest size first.
    #[serde(rename = "items")]
    pub checkpoints: Vec<KeptCheckpoint>,
    /// The `above` of the next page. Absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// A stored checkpoint: a signed head of the log at an earlier size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptCheckpoint {
    /// The number of entries that the log had.
    pub size: u64,
    /// The checkpoint as a signed note (c2sp.org/tlog-checkpoint).
    pub note: String,
}

/// A page of the digests of content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contents {
    /// The SHA-256 digests of the content, in ascending order.
    #[serde(rename = "items")]
    pub contents: Vec<String>,
    /// The `after` of the next page. Absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The members of the problem that the server answers for content which retention deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedContent {
    /// The kind of the content, for example `snapshot` or `evidence`.
    pub kind: String,
    /// The media type that it was uploaded with.
    pub media_type: String,
    /// The size of the content in bytes.
    pub size: u64,
    /// When the content was stored.
    pub stored: Timestamp,
    /// When retention deleted the content.
    pub deleted: Timestamp,
}
