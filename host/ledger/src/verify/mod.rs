//! Checks a proof with nothing but the proof and a key: no ledger, no network, no clock.
//!
//! Any current or former key of the log is enough to check every later proof, because a proof carries the changes of
//! keys: the log announced each new key while the previous one still signed.

mod chain;

use ct_merkle::{ConsistencyProof as Between, InclusionProof as Path, RootHash};
use lockgate_domain::counted;
use sha2::Sha256;

use crate::note::{Checkpoint, MalformedCheckpoint, Note, NoteError, VerifyingKey};
use crate::proof::{ConsistencyProof, InclusionProof};
use crate::tree::Hash;
use crate::{Entry, tree};

/// Why a proof proves nothing.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The text does not have the form of a proof.
    #[error("not a proof: {0}")]
    Malformed(String),
    /// A signature is missing or wrong.
    #[error("the checkpoint of {}: {error}", counted(*.size, "entry", "entries"))]
    Signature {
        /// The size that the checkpoint names.
        size: u64,
        error: NoteError,
    },
    /// The note is not a checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] MalformedCheckpoint),
    /// The checkpoint is of another log than the key.
    #[error("the checkpoint is of the log `{origin}`, but the key is of `{name}`")]
    OtherLog {
        /// The log that the checkpoint names.
        origin: String,
        /// The log that the key names.
        name: String,
    },
    /// The entry, its place, or the path to the root was changed.
    #[error("entry {index} is not in the log of {} that was signed: the entry or the path was changed", counted(*.size, "entry", "entries"))]
    NotIncluded {
        /// The index that the entry names.
        index: u64,
        size: u64,
    },
    /// The older log is not the beginning of the newer one.
    #[error("the log of {} did not grow from that of {older}: history or proof was changed", counted(*.newer, "entry", "entries"))]
    NotConsistent { older: u64, newer: u64 },
    /// An entry for a change of keys does not say what it must.
    #[error("the change of keys at entry {index}: {message}")]
    KeyChange {
        /// The index of the entry.
        index: u64,
        message: &'static str,
    },
}

/// What an inclusion proof proves.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenInclusion {
    pub entry: Entry,
    /// The log that holds the entry, at this size.
    pub checkpoint: Checkpoint,
    /// The key that signed the checkpoint.
    pub key: VerifyingKey,
}

/// What a consistency proof proves: every entry of the older log is in the newer one, at the same place.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenConsistency {
    /// The smaller log.
    pub older: Checkpoint,
    /// The larger log.
    pub newer: Checkpoint,
}

/// Checks the text of an inclusion proof with the current or a former key of the log.
///
/// # Errors
/// If it does not prove anything.
pub fn inclusion(proof: &str, key: &VerifyingKey) -> Result<ProvenInclusion, ProofError> {
    let proof: InclusionProof =
        serde_json::from_str(proof).map_err(|error| ProofError::Malformed(error.to_string()))?;
    let keys = chain::follow(key, &proof.keys)?;
    let (checkpoint, key) = signed(&proof.checkpoint, &keys)?;
    included(&proof.entry, &proof.hashes, &checkpoint)?;
    Ok(ProvenInclusion { entry: proof.entry, checkpoint, key })
}

/// Checks the text of a consistency proof with a key of the log: the one that signed the older checkpoint, or an
/// earlier one.
///
/// # Errors
/// If it does not prove anything.
pub fn consistency(proof: &str, key: &VerifyingKey) -> Result<ProvenConsistency, ProofError> {
    let proof: ConsistencyProof =
        serde_json::from_str(proof).map_err(|error| ProofError::Malformed(error.to_string()))?;
    let keys = chain::follow(key, &proof.keys)?;
    let ((older, _), (newer, _)) = (signed(&proof.older, &keys)?, signed(&proof.newer, &keys)?);
    let between = Between::<Sha256>::try_from_bytes(concatenated(&proof.hashes));
    let fits = between.is_ok_and(|between| root(&newer).verify_consistency(&root(&older), &between).is_ok());
    if fits {
        Ok(ProvenConsistency { older, newer })
    } else {
        Err(ProofError::NotConsistent { older: older.size, newer: newer.size })
    }
}

/// Checks a signed checkpoint with a key of the log.
///
/// # Errors
/// If the key did not sign it, or it is of another log.
pub fn checkpoint(note: &str, key: &VerifyingKey) -> Result<Checkpoint, ProofError> {
    signed(note, std::slice::from_ref(key)).map(|(checkpoint, _)| checkpoint)
}

/// Takes a checkpoint from a note that one of the keys has signed.
pub(crate) fn signed(note: &str, keys: &[VerifyingKey]) -> Result<(Checkpoint, VerifyingKey), ProofError> {
    let note = Note::parse(note).map_err(|error| ProofError::Malformed(error.to_string()))?;
    let checkpoint = Checkpoint::parse(note.text())?;
    let key = note.verify(&keys.iter().collect::<Vec<_>>());
    let key = key.map_err(|error| ProofError::Signature { size: checkpoint.size, error })?;
    if checkpoint.origin != key.name() {
        return Err(ProofError::OtherLog { origin: checkpoint.origin, name: key.name().to_owned() });
    }
    Ok((checkpoint, key.clone()))
}

/// Checks that the entry is at the place that it names, in the tree of the checkpoint.
fn included(entry: &Entry, hashes: &[Hash], checkpoint: &Checkpoint) -> Result<(), ProofError> {
    let (index, size) = (entry.index, checkpoint.size);
    let leaf = entry.leaf().map_err(|error| ProofError::Malformed(error.to_string()))?;
    let path = Path::<Sha256>::try_from_bytes(concatenated(hashes));
    // Sizes come from `Checkpoint::parse`, which keeps them far below what `ct-merkle` can count.
    let fits = index < size && path.is_ok_and(|path| root(checkpoint).verify_inclusion(&leaf, index, &path).is_ok());
    if fits { Ok(()) } else { Err(ProofError::NotIncluded { index, size }) }
}

fn root(checkpoint: &Checkpoint) -> RootHash<Sha256> {
    RootHash::new((*checkpoint.root.as_bytes()).into(), checkpoint.size)
}

fn concatenated(hashes: &[tree::Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}
