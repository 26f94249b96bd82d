//! The audit of a whole log: reads everything, computes everything again, and says where something does not fit.
//!
//! It trusts no column, hash or signature that it can check, and needs nothing but a [`LogSource`] to read from: the file
//! of a server that runs, a backup, or a database of another kind. What it cannot see is a log that was cut back to an
//! earlier state as a whole; a later checkpoint that somebody kept shows that, so hand those in.
//!
//! A source may [withhold](crate::WithheldEntry) entries of other teams. Their hashes are part of the tree all the same, so
//! the whole log is held against what was signed; what these entries say is not looked at.

mod content;
mod finding;
mod walk;

use lockgate_domain::Timestamp;

use crate::Error;
use crate::note::VerifyingKey;
use crate::storage::LogSource;
use crate::system_entries::{BackupRestored, LossAccepted};

pub use finding::{AuditFinding, FindingPlace};

/// What the audit is to hold the log against.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// A key that the log has, or had: without one, the audit only shows that the log is consistent with itself.
    pub key: Option<VerifyingKey>,
    /// Checkpoints that were kept elsewhere, as signed notes.
    pub checkpoints: Vec<String>,
}

/// What the audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReport {
    /// How many entries were read.
    pub entries: u64,
    /// How many more entries the source withheld: only their hashes were read.
    pub withheld: u64,
    /// How many pieces of content were read and digested.
    pub content: u64,
    /// How many pieces of content had been deleted by retention, as the log says.
    pub deleted: u64,
    /// How many checkpoints were checked, those from elsewhere among them.
    pub checkpoints: u64,
    /// The keys of the log, in order: the last one is the current one.
    pub keys: Vec<VerifyingKey>,
    /// The signed checkpoint of the head.
    pub checkpoint: String,
    /// The losses that were accepted. Where there is one, the log is as it was signed from its first entry to its last, but
    /// other entries that were signed as well are not in it.
    pub losses: Vec<SystemEntry<LossAccepted>>,
    /// The backups that took the place of the ledger.
    pub restores: Vec<SystemEntry<BackupRestored>>,
    /// What does not fit. Nothing, if all is well.
    pub findings: Vec<AuditFinding>,
}

/// An entry of the ledger's own, as far as an audit tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemEntry<T> {
    /// Its place in the log.
    pub index: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub body: T,
}

/// Audits a log. Others may append meanwhile: it looks at the log as it was when it began.
///
/// # Errors
/// If the log cannot be read. What does not fit is not an error, but a finding.
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
