//! Copies the whole ledger while it is in use: one consistent state, in a file of its own that is checked before it
//! gets its name.

use std::fs::{self, File};
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::connection::{create_private, unavailable};
use super::{SqliteStorage, migrate, sync_folder};
use crate::audit::{Audit, AuditReport, audit};
use crate::error::{FailureCause, StorageFailure};
use crate::note::VerifyingKey;
use crate::{Error, LogSource as _};

/// The result of a backup.
#[derive(Clone, Debug)]
pub struct BackupReport {
    /// The size of the copy, in bytes.
    pub bytes: u64,
    /// The audit of the copy: its size and checkpoint, and no findings.
    pub report: AuditReport,
}

impl SqliteStorage {
    /// Copies the ledger to a new file without stopping writers. Entries that they write meanwhile are not in the copy.
    /// The copy is audited in full before it gets its name, and it needs no other files beside it. It is marked as a
    /// backup: the first process that writes to it records that in the log.
    ///
    /// # Errors
    /// If the file exists already, cannot be written, or does not pass the audit.
    pub fn backup(&self, to: &Path) -> Result<BackupReport, Error> {
        let io = |error: std::io::Error| StorageFailure::new(FailureCause::Io, format!("`{}`: {error}", to.display()));
        if to.exists() {
            return Err(StorageFailure::new(FailureCause::Other, format!("`{}` exists already", to.display())).into());
        }
        let mut unfinished = to.as_os_str().to_owned();
        unfinished.push(".unfinished");
        let unfinished = Path::new(&unfinished);
        if let Some(loss) = self.loss()? {
            return Err(Error::Loss(Box::new(loss)));
        }
        // Before the copy is made: the log of the copy names every key that was current until then.
        let key = self.head()?.key;
        let report = self.copy(unfinished).and_then(|()| check(unfinished, key));
        let report = report.inspect_err(|_| drop(fs::remove_file(unfinished)))?;
        let bytes = fs::metadata(unfinished).map_err(io)?.len();
        fs::rename(unfinished, to).map_err(io)?;
        sync_folder(to).map_err(io)?;
        Ok(BackupReport { bytes, report })
    }

    fn copy(&self, to: &Path) -> Result<(), Error> {
        if to.exists() {
            let message = format!("`{}` is left from a backup that was cut off: remove it", to.display());
            return Err(StorageFailure::new(FailureCause::Other, message).into());
        }
        create_private(to)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut copy = Connection::open_with_flags(to, flags).map_err(unavailable)?;
        self.readers.read(|connection| {
            // In one step: it reads one state, and writers go on in the write-ahead log meanwhile.
            let backup = Backup::new(connection, &mut copy).map_err(unavailable)?;
            match backup.step(-1).map_err(unavailable)? {
                StepResult::Done => Ok(()),
                _ => Err(StorageFailure::new(FailureCause::Busy, "the ledger is locked by another process").into()),
            }
        })?;
        let mark = "UPDATE log SET has_head_file = 0, backed_up = ?1";
        copy.execute(mark, [self.clock.now().as_millis()]).map_err(unavailable)?;
        // A file in write-ahead mode needs others beside it even to be read.
        copy.pragma_update(None, "journal_mode", "DELETE").map_err(unavailable)?;
        drop(copy);
        let synced = File::open(to).and_then(|file| file.sync_all());
        synced.map_err(|error| StorageFailure::new(FailureCause::Io, format!("`{}`: {error}", to.display())).into())
    }
}

fn check(copy: &Path, key: VerifyingKey) -> Result<AuditReport, Error> {
    let opened = SqliteStorage::open_read_only(copy)?;
    opened.readers.read(migrate::version)?;
    if let Some(defect) = opened.defects()?.into_iter().chain(opened.changed_answers()?).next() {
        return Err(Error::corrupt(format!("the copy is damaged, as is the ledger: {defect}")));
    }
    let report = audit(&opened, &Audit { key: Some(key), ..Audit::default() })?;
    match report.findings.first() {
        None => Ok(report),
        Some(finding) => Err(Error::corrupt(format!("the copy does not pass the audit: {finding}"))),
    }
}
