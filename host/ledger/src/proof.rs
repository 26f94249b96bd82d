//! Proofs as files: this module makes them from a storage, and [`verify`](crate::verify) checks them.
//!
//! A proof holds everything that a check needs, except the key: the entry itself, the path to the root, the signed
//! checkpoint, and the changes from the first key of the log to the one that signed. It is JSON that people can read.

use lockgate_domain::counted;
use serde::{Deserialize, Serialize};

use crate::entry::LEDGER_STREAM;
use crate::note::{Checkpoint, Note};
use crate::storage::{EntryQuery, LogSource};
use crate::system_entries::LOG_KEY;
use crate::tree::{CompleteNodes, Hash, consistency_path, inclusion_path, root_of};
use crate::{Entry, Error, SourceEntry, StoredEntry};

/// Proves that an entry is in the log of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    pub format: InclusionFormat,
    /// The entry, which names its own place in the log.
    pub entry: Entry,
    /// The path from the entry to the root (RFC 6962, 2.1.1).
    pub hashes: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// The changes of keys of the log, in order.
    #[serde(default)]
    pub keys: Vec<KeyChange>,
}

/// Proves that the log of one checkpoint grew to the log of another, and that nothing else changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyProof {
    pub format: ConsistencyFormat,
    /// The signed checkpoint of the smaller log.
    pub older: String,
    /// The signed checkpoint of the larger log.
    pub newer: String,
    /// The proof between them (RFC 6962, 2.1.2).
    pub hashes: Vec<Hash>,
    /// The changes of keys of the log, in order.
    #[serde(default)]
    pub keys: Vec<KeyChange>,
}

/// Proves that the log made a key the current one, while the key before it still signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyChange {
    /// The entry that announces the new key.
    pub entry: Entry,
    /// The path from the entry to the root of the checkpoint.
    pub hashes: Vec<Hash>,
    /// A checkpoint that the previous key has signed.
    pub checkpoint: String,
}

/// The format of an inclusion proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InclusionFormat {
    #[serde(rename = "lockgate-inclusion-proof/v1")]
    V1,
}

/// The format of a consistency proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsistencyFormat {
    #[serde(rename = "lockgate-consistency-proof/v1")]
    V1,
}

impl InclusionProof {
    /// The proof in the format of c2sp.org/tlog-proof, for other tools. It contains neither the entry, which is handed
    /// over beside it as [its leaf](Entry::leaf), nor the changes of keys.
    pub fn to_tlog_proof(&self) -> String {
        let mut text = format!("c2sp.org/tlog-proof@v1\nindex {}\n", self.entry.index);
        for hash in &self.hashes {
            text.push_str(&format!("{hash}\n"));
        }
        format!("{text}\n{}", self.checkpoint)
    }
}

/// Proves that the entry with this index is in the log as it is now.
///
/// # Errors
/// If there is no such entry, the source withholds it, or the log cannot be read.
pub fn prove_inclusion(storage: &dyn LogSource, index: u64) -> Result<InclusionProof, Error> {
    let head = storage.head()?;
    let none = || {
        Error::NotFound(format!(
            "the log has no entry {index}: it has {}, numbered from 0",
            counted(head.size, "entry", "entries")
        ))
    };
    let query = EntryQuery { from: index, before: Some(index + 1), limit: 1, ..EntryQuery::default() };
    let entry = match storage.entries_with_withheld(&query)?.first().ok_or_else(none)? {
        SourceEntry::Whole(stored) => read(stored)?,
        SourceEntry::Withheld(withheld) => return Err(Error::Withheld(withheld.index)),
    };
    let hashes = hashes(storage, inclusion_path(index, head.size).ok_or_else(none)?)?;
    Ok(InclusionProof {
        format: InclusionFormat::V1,
        entry,
        hashes,
        checkpoint: head.checkpoint,
        keys: key_changes(storage)?,
    })
}

/// Proves that the log as it is now grew from the log of a checkpoint, which is given as a signed note.
///
/// # Errors
/// If the note is not a checkpoint, is of another or a larger log, or the log cannot be read.
pub fn prove_consistency(storage: &dyn LogSource, older: &str) -> Result<ConsistencyProof, Error> {
    let head = storage.head()?;
    let not_found = |message: String| Error::NotFound(message);
    let note = Note::parse(older).map_err(|error| not_found(error.to_string()))?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(|error| not_found(error.to_string()))?;
    let folds = consistency_path(checkpoint.size, head.size).ok_or_else(|| {
        not_found(format!(
            "the checkpoint is of {}, and the log has {}",
            counted(checkpoint.size, "entry", "entries"),
            head.size
        ))
    })?;
    Ok(ConsistencyProof {
        format: ConsistencyFormat::V1,
        older: older.to_owned(),
        newer: head.checkpoint,
        hashes: hashes(storage, folds)?,
        keys: key_changes(storage)?,
    })
}

fn key_changes(storage: &dyn LogSource) -> Result<Vec<KeyChange>, Error> {
    let (stream, kind) = (Some(LEDGER_STREAM.to_owned()), Some(LOG_KEY.to_owned()));
    let keys = storage.entries(&EntryQuery { stream, kind, from: 1, limit: usize::MAX, ..EntryQuery::default() })?;
    let change = |stored: &StoredEntry| {
        let lost = || Error::corrupt(format!("the checkpoint of the change of keys at {} is gone", stored.index));
        let (size, checkpoint) = storage.checkpoints(stored.index, 1)?.pop().ok_or_else(lost)?;
        let hashes = hashes(storage, inclusion_path(stored.index, size).ok_or_else(lost)?)?;
        Ok(KeyChange { entry: read(stored)?, hashes, checkpoint })
    };
    keys.iter().map(change).collect()
}

fn read(stored: &StoredEntry) -> Result<Entry, Error> {
    stored.read().map_err(Error::corrupt)
}

fn hashes(storage: &dyn LogSource, folds: Vec<CompleteNodes>) -> Result<Vec<Hash>, Error> {
    folds.iter().map(|fold| Ok(root_of(&storage.nodes(fold)?))).collect()
}
