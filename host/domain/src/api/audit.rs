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
    /// The root of the tree over them, in base64.
    pub root: Hash,
    /// The size and the root as a signed note (c2sp.org/tlog-checkpoint).
    pub checkpoint: String,
    /// The verifying key that signs now: `<name>+<id>+<base64>`.
    pub key: String,
}

/// A page of entries of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entries {
    /// The entries in the order of their indexes; with `newest_first`, in reverse.
    #[serde(rename = "items")]
    pub entries: Vec<EntryDocument>,
    /// The places between them whose entries belong to other teams than those of who asks, or to none, in the same order.
    /// Where a stream, kind, id or team is asked for, there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<WithheldEntryDocument>,
    /// Where to go on, if there may be more: the next `from`, or with `newest_first` the next `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// What is left of an entry that is withheld: enough to build the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithheldEntryDocument {
    /// Its place in the log, from 0.
    pub index: u64,
    /// The hash of its leaf, in base64.
    pub hash: Hash,
}

/// An entry as the ledger holds it: the leaf is what counts, the rest says what it was filed under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntryDocument {
    /// Its place in the log, from 0.
    pub index: u64,
    /// The stream that it was filed under.
    pub stream: String,
    /// Its place in that stream, from 1.
    pub sequence: u64,
    /// The kind that it was filed under.
    pub kind: String,
    /// The id that it was filed under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The moment that it was filed under.
    pub at: Timestamp,
    /// The team that it was filed under, if it belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The hash that was stored with it, in base64.
    pub hash: Hash,
    /// The bytes that stand for it in the tree, in base64: canonical JSON. Empty if the ledger cannot read them.
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

/// Hashes of nodes of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nodes {
    /// In the order asked for, in base64; `null` where the node is not there, or not complete yet.
    pub hashes: Vec<Option<Hash>>,
}

/// A page of the checkpoints that were kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoints {
    /// The stored checkpoints, the smallest size first.
    #[serde(rename = "items")]
    pub checkpoints: Vec<KeptCheckpoint>,
    /// The next `above`, if there may be more.
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
    /// The next `after`, if there may be more.
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
