//! The documents that only this server writes. Clients read an entry and its proof as the ledger defines them; this
//! module describes them. The pages of the log are in [`lockgate_domain::api::audit`], for clients.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lockgate_domain::Timestamp;
use lockgate_domain::api::audit::{Entries, EntryDocument, WithheldEntryDocument};
use lockgate_ledger::tree::Hash;
use lockgate_ledger::{SourceEntry, StoredEntry, WithheldEntry};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Adds the next entry to a page.
pub(super) fn push(page: &mut Entries, entry: SourceEntry) {
    match entry {
        SourceEntry::Whole(entry) => page.entries.push(entry_document(entry)),
        SourceEntry::Withheld(WithheldEntry { index, hash }) => {
            page.withheld.push(WithheldEntryDocument { index, hash });
        }
    }
}

fn entry_document(stored: StoredEntry) -> EntryDocument {
    let StoredEntry { index, stream, sequence, kind, id, at, team, hash, leaf, damage } = stored;
    EntryDocument { index, stream, sequence, kind, id, at, team, hash, leaf: STANDARD.encode(leaf), damage }
}

/// The hashes between the roots of two sizes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConsistencyHashes {
    /// The smaller size of the log, in entries.
    pub from: u64,
    /// The larger size of the log, in entries.
    pub to: u64,
    /// The proof between them (RFC 6962, 2.1.2), in base64.
    #[schema(value_type = Vec<String>)]
    pub hashes: Vec<Hash>,
}

/// An entry of the log, as its leaf has it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LogEntry {
    /// When the entry was written (RFC 3339), by the clock of the ledger.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The body of the entry, in the shape of its kind.
    pub body: Value,
    /// The id under which the entry is found, for example that of a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The index of the entry in the log, counted from 0.
    pub index: u64,
    /// The kind of the entry, for example `decision`.
    pub kind: String,
    /// The digests of the content that the entry refers to.
    pub references: Vec<String>,
    /// The digest over the request and its answer. Present only on the first entry that a request with an idempotency
    /// key wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The number of the entry in its stream, counted from 1.
    pub sequence: u64,
    /// The stream that the entry belongs to.
    pub stream: String,
    /// The team that the entry belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

/// A proof that an entry is in the log of a checkpoint. [`prove_inclusion`](lockgate_ledger::prove_inclusion) makes it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct InclusionProofDocument {
    /// The name of the format: `lockgate-inclusion-proof/v1`.
    pub format: String,
    /// The entry that the proof is about.
    pub entry: LogEntry,
    /// The path from the entry to the root (RFC 6962, 2.1.1), in base64.
    pub hashes: Vec<String>,
    /// The signed checkpoint of the log that contains the entry, as a signed note.
    pub checkpoint: String,
    /// The changes of keys of the log, in order.
    pub keys: Vec<KeyChangeDocument>,
}

/// A proof that the log made a new key its current one, signed with the key before it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct KeyChangeDocument {
    /// The entry of the log that announces the new key.
    pub entry: LogEntry,
    /// The path from the entry to the root of the checkpoint, in base64.
    pub hashes: Vec<String>,
    /// A checkpoint that is signed with the earlier key.
    pub checkpoint: String,
}
