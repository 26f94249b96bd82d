//! The pages of the log, as they travel: written by the server and read by [`RemoteSource`](super::RemoteSource), so
//! that their form is said once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lockgate_domain::Timestamp;
use lockgate_ledger::tree::Hash;
use lockgate_ledger::{SourceEntry, StoredEntry, WithheldEntry};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The head of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeadDocument {
    /// How many entries there are.
    pub size: u64,
    /// The root of the tree over them, in base64.
    #[schema(value_type = String)]
    pub root: Hash,
    /// Both as a signed note (c2sp.org/tlog-checkpoint).
    pub checkpoint: String,
    /// The verifying key that signs now: `<name>+<id>+<base64>`.
    pub key: String,
}

/// A page of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entries {
    /// The entries, in order.
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

impl Entries {
    /// How many places of the log it has.
    pub(super) fn len(&self) -> usize {
        self.entries.len() + self.withheld.len()
    }

    /// Adds the next entry.
    pub(super) fn push(&mut self, entry: SourceEntry) {
        match entry {
            SourceEntry::Whole(entry) => self.entries.push(EntryDocument::from(entry)),
            SourceEntry::Withheld(WithheldEntry { index, hash }) => {
                self.withheld.push(WithheldEntryDocument { index, hash });
            }
        }
    }
}

/// What is left of an entry that is withheld: enough to build the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithheldEntryDocument {
    /// Its place in the log, from 0.
    pub index: u64,
    /// The hash of its leaf, in base64.
    #[schema(value_type = String)]
    pub hash: Hash,
}

/// An entry as the ledger holds it: the leaf is what counts, the rest says what it was filed under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The team that it was filed under, if it belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The hash that was stored with it, in base64.
    #[schema(value_type = String)]
    pub hash: Hash,
    /// The bytes that stand for it in the tree, in base64: canonical JSON.
    #[schema(content_encoding = "base64")]
    pub leaf: String,
}

impl From<StoredEntry> for EntryDocument {
    fn from(stored: StoredEntry) -> Self {
        let StoredEntry { index, stream, sequence, kind, id, at, team, hash, leaf } = stored;
        Self { index, stream, sequence, kind, id, at, team, hash, leaf: STANDARD.encode(leaf) }
    }
}

impl EntryDocument {
    /// The entry; none if the leaf is no base64.
    pub fn stored(self) -> Option<StoredEntry> {
        let Self { index, stream, sequence, kind, id, at, team, hash, leaf } = self;
        Some(StoredEntry { index, stream, sequence, kind, id, at, team, hash, leaf: STANDARD.decode(leaf).ok()? })
    }
}

/// Hashes of nodes of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Nodes {
    /// In the order asked for, in base64; `null` where the node is not there, or not complete yet.
    #[schema(value_type = Vec<Option<String>>)]
    pub hashes: Vec<Option<Hash>>,
}

/// A page of the checkpoints that were kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checkpoints {
    /// The checkpoints, by size.
    #[serde(rename = "items")]
    pub checkpoints: Vec<KeptCheckpoint>,
    /// The next `above`, if there may be more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// A checkpoint that was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptCheckpoint {
    /// How many entries the log had.
    pub size: u64,
    /// The signed note.
    pub note: String,
}

/// A page of the digests of content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Contents {
    /// The digests, in order.
    #[serde(rename = "items")]
    pub contents: Vec<String>,
    /// The next `after`, if there may be more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The hashes between the roots of two sizes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsistencyHashes {
    /// The smaller size.
    pub from: u64,
    /// The larger size.
    pub to: u64,
    /// The proof between them (RFC 6962, 2.1.2), in base64.
    #[schema(value_type = Vec<String>)]
    pub hashes: Vec<Hash>,
}

/// An entry of the log, as its leaf says it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LogEntry {
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What happened: the shape is that of its kind.
    pub body: Value,
    /// What it is found by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its place in the log, from 0.
    pub index: u64,
    /// What kind of thing happened.
    pub kind: String,
    /// The digests of the content that it refers to.
    pub references: Vec<String>,
    /// If it is the first entry that a request with an idempotency key wrote: what binds the answer of that request to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Its place in its stream, from 1.
    pub sequence: u64,
    /// The stream that it belongs to.
    pub stream: String,
    /// The team that it belongs to, if it belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

/// That an entry is in the log of a checkpoint: described here, made by
/// [`prove_inclusion`](lockgate_ledger::prove_inclusion).
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct InclusionProofDocument {
    /// `lockgate-inclusion-proof/v1`
    pub format: String,
    /// The entry.
    pub entry: LogEntry,
    /// The path from the entry to the root (RFC 6962, 2.1.1), in base64.
    pub hashes: Vec<String>,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// The changes of keys of the log, in order.
    pub keys: Vec<KeyChangeDocument>,
}

/// That the log made a key the current one, while the one before it still signed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct KeyChangeDocument {
    /// The entry that says so.
    pub entry: LogEntry,
    /// The path from the entry to the root of the checkpoint, in base64.
    pub hashes: Vec<String>,
    /// A checkpoint that the key before it has signed.
    pub checkpoint: String,
}
