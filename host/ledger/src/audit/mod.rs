//! The audit of a whole log: reads everything, computes everything again, and reports what does not fit.
//!
//! The audit trusts no column, hash or signature that it can check, and needs nothing but a [`LogSource`] to read from:
//! the file of a running server, a backup, or another kind of database. The audit cannot see that a log was cut back to
//! an earlier state as a whole. A later checkpoint that somebody kept shows that, so hand those in.
//!
//! A source may [withhold](crate::WithheldEntry) entries of other teams. Their hashes are part of the tree, so the
//! audit compares the whole log with its signatures. It does not read the text of withheld entries.

mod content;
mod finding;
mod walk;

use lockgate_domain::Timestamp;

use crate::Error;
use crate::note::VerifyingKey;
use crate::storage::LogSource;
use crate::system_entries::{BackupRestored, LossAccepted};

pub use finding::{AuditFinding, FindingPlace};

/// What the audit compares the log with.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// A current or former key of the log. Without a key, the audit only shows that the log is consistent with itself.
    pub key: Option<VerifyingKey>,
    /// Checkpoints that people kept outside the log, as signed notes.
    pub checkpoints: Vec<String>,
}

/// The result of an audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReport {
    /// How many entries were read.
    pub entries: u64,
    /// How many more entries the source withheld. The audit read only their hashes.
    pub withheld: u64,
    /// How many pieces of content were read and digested.
    pub content: u64,
    /// How many pieces of content retention had deleted, according to the log.
    pub deleted: u64,
    /// How many checkpoints were checked, including those that the caller handed in.
    pub checkpoints: u64,
    /// The keys of the log, in order: the last one is the current one.
    pub keys: Vec<VerifyingKey>,
    /// The signed checkpoint of the head.
    pub checkpoint: String,
    /// The losses that somebody accepted. If there are any, the log is intact from its first entry to its last, but it
    /// lacks other entries that were signed as well.
    pub losses: Vec<SystemEntry<LossAccepted>>,
    /// The backups that replaced the ledger.
    pub restores: Vec<SystemEntry<BackupRestored>>,
    /// What does not fit. Empty if the log is sound.
    pub findings: Vec<AuditFinding>,
}

/// An entry that the ledger itself wrote, as an audit reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemEntry<T> {
    /// The index in the log.
    pub index: u64,
    /// When the ledger wrote the entry.
    pub at: Timestamp,
    pub body: T,
}

/// Audits a log as it is when the audit begins. Other threads and processes may append meanwhile.
///
/// # Errors
/// If the log cannot be read. Anything that does not fit is a finding and no error.
pub fn audit(storage: &dyn LogSource, against: &Audit) -> Result<AuditReport, Error> {
    let head = storage.head()?;
    let mut walk = walk::LogWalk::begin(&head, against);
    walk.entries(storage)?;
    let walked = walk.finish(storage, &head, against)?;
    let mut report = AuditReport {
        entries: walked.entries,
        withheld: walked.withheld,
        content: 0,
        deleted: 0,
        checkpoints: walked.checkpoints,
        keys: walked.keys,
        checkpoint: head.checkpoint,
        losses: walked.losses,
        restores: walked.restores,
        findings: walked.findings,
    };
    content::check(storage, walked.referenced, walked.deleted, head.size, &mut report)?;
    report.findings.sort_by_key(|finding| finding.place);
    Ok(report)
}
