//! Keeps what happened so that it survives a crash, cannot be changed without notice, and can be proved to people who
//! trust neither the server nor its database.
//!
//! The ledger knows nothing of deployments: it keeps *entries* in *streams*, *content* by digest, and *values* by
//! namespace. The engine above it gives them their meaning. Everything that one answer to a client depends on goes in
//! as one [`Append`]. When [`Storage::append`] returns, the append is on the disk, and only then may the answer leave.
//!
//! # The way of an append
//!
//! [`EntryDraft`] (canonical JSON, on the caller's thread) → [`Append`] with its conditions → [`Storage::submit`] → one
//! transaction together with whatever else waits → [`tree`] → signed [checkpoint](note::Checkpoint) → on the disk →
//! [`CommittedAppend`].
//!
//! - **Streams.** A deployment is a stream, and its entries say what state it is in. [`ExpectedVersion`] names the
//!   version that a stream must have, so that of two writers who saw the same version only one can write
//!   ([`Error::Conflict`]).
//! - **Requests.** With an [`IdempotentRequest`], a repeated request gets the first answer again. That is also the way
//!   out after [`Error::Unavailable`], which cannot say whether the write happened. The first entry of a request names
//!   a digest over the request and its answer, so the ledger never gives an answer that somebody changed.
//! - **Teams.** An entry may say which team it [belongs to](EntryDraft::of_team). A [`TeamView`] shows a team its own entries
//!   and the hashes of all others, so that its auditors can verify the whole log.
//! - **Content.** Snapshots and evidence, by SHA-256, once each. [`Storage::forget`] deletes old bytes and records that
//!   in the log. The digests stay, so every proof still verifies.
//! - **Values** by namespace, written in the same append: the data that a plugin remembers of a decision is there if
//!   and only if the decision is. Values are not in the log: an audit says nothing about them.
//!
//! ```
//! # use lockgate_domain::Timestamp;
//! # use lockgate_ledger::{Append, ExpectedVersion, KeyFile, EntryDraft, SqliteOptions, Storage, prove_inclusion, verify};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let (key, file) = (folder.path().join("ledger.key"), folder.path().join("ledger.db"));
//! let ledger = KeyFile::new(key).open(&file, "deploy.example.com/ledger", SqliteOptions::default())?;
//!
//! let verdict = serde_json::json!({ "verdict": "allow" });
//! let decision = EntryDraft::new("deployment/d-42", "decision", Timestamp::now(), &verdict)?.with_id("d-42-1")?;
//! let appended = ledger.append(Append {
//!     entries: vec![decision],
//!     expect: vec![ExpectedVersion { stream: "deployment/d-42".to_owned(), version: 0 }],
//!     ..Append::default()
//! })?;
//!
//! let index = appended.entries[0].index;
//! let proof = serde_json::to_string(&prove_inclusion(&ledger, index)?)?;
//! let public = lockgate_ledger::LogSource::head(&ledger)?.key;
//! assert_eq!(verify::inclusion(&proof, &public)?.entry.body, verdict);
//! # Ok(())
//! # }
//! ```
//!
//! # The audit log
//!
//! All entries are the leaves of one Merkle tree (RFC 6962). Its head is signed with every transaction, as a C2SP
//! checkpoint, so the state on the disk is always a signed one. [`prove_inclusion`] and [`prove_consistency`] make proofs
//! that [`verify`] checks with nothing but a key; [`audit()`](audit::audit) goes through everything and says which entry
//! was changed. The names of keys, the form of entries and of proofs are fixed: other people keep them.
//!
//! The ledger does not protect against an administrator who has the file *and* the signing key: they can write another
//! history. Anybody who kept a checkpoint, even as one line in a mail, can show that, so hand checkpoints out.
//!
//! # Failure
//!
//! A *head file* beside the ledger holds the number of its entries and their root. If the ledger holds less, because
//! somebody removed a part of it or replaced it by an older copy, it is not written to ([`Error::Loss`]) until the part
//! is back, or [`KeyFile::accept_loss`] has recorded the loss in the log.
//!
//! When the disk is full or fails, appends fail with [`Error::Unavailable`], and [`Storage::health`] says since when and
//! why. The writer keeps trying, and is healthy again as soon as a write works.

#![allow(missing_docs, reason = "no crate but ours builds on it")]

mod append;
pub mod audit;
mod binding;
mod clock;
mod compression;
mod entry;
mod error;
mod key_file;
mod loss;
pub mod note;
mod proof;
mod sqlite;
mod storage;
mod system_entries;
mod team_view;
pub mod tree;
pub mod verify;

pub use append::{
    Append, CommittedAppend, ContentBlob, EntryPosition, ExpectedVersion, IdempotentRequest, ValueChanges,
    WriteAttempts,
};
pub use clock::{LedgerClock, SystemClock};
pub use entry::{
    Entry, EntryDraft, InvalidEntry, LEDGER_STREAM, SourceEntry, StoredEntry, WithheldEntry, check_stream_name,
};
pub use error::{Conflict, Error, FailureCause, StorageFailure, StorageHealth};
pub use key_file::{KeyFile, KeyFileError};
pub use loss::{ExpectedHead, Loss};
pub use proof::{
    ConsistencyFormat, ConsistencyProof, InclusionFormat, InclusionProof, KeyChange, prove_consistency, prove_inclusion,
};
pub use sqlite::{BackupReport, HeldContent, LedgerHoldings, SCHEMA_VERSION, SqliteOptions, SqliteStorage};
pub use storage::{
    AppendCallback, ContentState, EntryQuery, KEEPS_NEWEST, LogHead, LogSource, NamespaceValues, RetentionReport,
    RetentionRule, Storage, StoredContent, TreeHead,
};
pub use system_entries::{BackupRestored, LossAccepted};
pub use team_view::TeamView;
