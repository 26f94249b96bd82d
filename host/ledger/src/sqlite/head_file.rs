//! The head file, `ledger.db-head` beside `ledger.db`: how many entries the log had after the last commit, and their root.
//!
//! The ledger alone cannot tell that its newest entries are gone, for example with a write-ahead file that somebody
//! The ledger alone cannot tell that its newest entries are gone, for example with a write-ahead file that somebody
//! removed. The head file can: the writer updates it after each commit, before it answers anybody. The file is not
//! synced to the disk, so after a power cut it may name fewer entries than the ledger holds, but never more. Its one
//! record is smaller than a sector, is overwritten in place, and has a checksum. All processes that write the ledger
//! take turns by a lock on the file, and the size in it never goes down, except when somebody accepts a loss.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::connection::cause_of;
use super::files::{FileIdentity, sync_folder};
use crate::Error;
use crate::error::{FailureCause, StorageFailure};
use crate::storage::TreeHead;
use crate::tree::Hash;

/// The beginning of the record.
const FORMAT: &str = "lockgate-ledger-head/v1";
/// The length of the record in bytes: format, size in 20 digits, root and checksum in base64, each followed by one
/// byte.
const LENGTH: usize = FORMAT.len() + 1 + 20 + 1 + 44 + 1 + 44 + 1;
/// The pause before the next attempt to lock.
const AGAIN: Duration = Duration::from_millis(1);

/// How often an invalid record is read again.
const READ_AGAIN: u32 = 20;
/// The longest wait for the lock. Writers hold it for much less.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The content of a head file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HeadRecord {
    /// There is no file, or it is empty.
    Missing,
    /// The checksum does not fit the record.
    Unreadable,
    Head(TreeHead),
}

/// A head file.
pub(super) struct HeadFile {
    path: PathBuf,
    busy: Duration,
    open: Option<(File, Option<FileIdentity>)>,
}

impl HeadFile {
    /// The head file of a ledger. Another process may hold its lock for up to `busy`.
    pub(super) fn beside(ledger: &Path, busy: Duration) -> Self {
        Self { path: head_file_of(ledger), busy: busy.min(LONGEST_WAIT), open: None }
    }

    /// Reads the record. It writes nothing and takes no lock, so that no writer waits for a reader.
    pub(super) fn read(&self) -> Result<HeadRecord, Error> {
        let read = || match File::open(&self.path) {
            Ok(file) => whole_record_in(&file),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(HeadRecord::Missing),
            Err(error) => Err(error),
        };
        read().map_err(|error| self.unavailable(&error).into())
    }

    /// Writes a head, unless the file holds an equal or larger one: another process may have committed more meanwhile.
    pub(super) fn raise(&mut self, head: TreeHead) -> Result<(), StorageFailure> {
        self.write(head, |recorded| match recorded {
            HeadRecord::Head(recorded) => recorded.size < head.size,
            HeadRecord::Missing | HeadRecord::Unreadable => true,
        })
    }

    /// Writes a head, whatever the file holds.
    pub(super) fn replace(&mut self, head: TreeHead) -> Result<(), StorageFailure> {
        self.write(head, |_| true)
    }

    fn write(&mut self, head: TreeHead, is_due: impl FnOnce(&HeadRecord) -> bool) -> Result<(), StorageFailure> {
        let written = self.try_write(head, is_due);
        written.map_err(|error| {
            self.open = None;
            self.unavailable(&error)
        })
    }

    fn try_write(&mut self, head: TreeHead, is_due: impl FnOnce(&HeadRecord) -> bool) -> io::Result<()> {
        // A file that was removed or replaced is opened or made again.
        let standing = FileIdentity::of(&self.path);
        if self.open.as_ref().is_none_or(|(_, opened)| standing != *opened) {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(&self.path)?;
            self.open = Some((file, FileIdentity::of(&self.path)));
        }
        let Some((file, _)) = &self.open else { return Err(ErrorKind::NotFound.into()) };
        self.wait_for(|| file.try_lock())?;
        let written = record_in(file).and_then(|recorded| {
            if !is_due(&recorded) {
                return Ok(());
            }
            let mut file = file;
            file.rewind()?;
            file.write_all(text_of(&head).as_bytes())?;
            match recorded {
                HeadRecord::Head(_) => Ok(()),
                HeadRecord::Unreadable => file.set_len(LENGTH as u64),
                // Only once: a name that is not on the disk would be missing after a power cut.
                HeadRecord::Missing => file.sync_all().and_then(|()| sync_folder(&self.path)),
            }
        });
        written.and(file.unlock())
    }

    /// Waits for the lock. Other processes hold it for as long as a write takes.
    fn wait_for(&self, try_lock: impl Fn() -> Result<(), TryLockError>) -> io::Result<()> {
        let begun = Instant::now();
        loop {
            match try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if begun.elapsed() >= self.busy => {
                    return Err(io::Error::new(ErrorKind::ResourceBusy, "another process holds its lock"));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(AGAIN),
            }
        }
    }

    fn unavailable(&self, error: &io::Error) -> StorageFailure {
        let cause = if error.kind() == ErrorKind::ResourceBusy { FailureCause::Busy } else { cause_of(error) };
        StorageFailure::new(cause, format!("`{}`: {error}", self.path.display()))
    }
}

/// The path of a ledger's head file.
pub(super) fn head_file_of(ledger: &Path) -> PathBuf {
    let mut path = OsString::from(ledger);
    path.push("-head");
    path.into()
}

/// Reads a record without a lock. Reads again if another process is writing the record.
fn whole_record_in(file: &File) -> io::Result<HeadRecord> {
    for _ in 0..READ_AGAIN {
        match record_in(file)? {
            HeadRecord::Unreadable => std::thread::sleep(AGAIN),
            record => return Ok(record),
        }
    }
    record_in(file)
}

fn record_in(file: &File) -> io::Result<HeadRecord> {
    let mut file = file;
    let mut bytes = Vec::with_capacity(LENGTH + 1);
    file.rewind()?;
    // One byte more than a record has, to recognise a longer file.
    file.take(LENGTH as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Ok(HeadRecord::Missing);
    }
    Ok(head_in(&bytes).map_or(HeadRecord::Unreadable, HeadRecord::Head))
}

fn head_in(bytes: &[u8]) -> Option<TreeHead> {
    let mut words = std::str::from_utf8(bytes).ok()?.split_whitespace().skip(1);
    let (size, root) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let head = TreeHead { size, root };
    (text_of(&head).as_bytes() == bytes).then_some(head)
}

fn text_of(head: &TreeHead) -> String {
    let TreeHead { size, root } = head;
    let record = format!("{FORMAT} {size:020} {root}");
    let checksum = Hash::from_bytes(Sha256::digest(&record).into());
    format!("{record} {checksum}\n")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use std::fs;

    use super::*;

    fn head(size: u64) -> TreeHead {
        TreeHead { size, root: Hash::from_bytes([u8::try_from(size % 251).unwrap(); 32]) }
    }

    fn in_folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger.db");
        (folder, ledger)
    }

    fn of(ledger: &Path) -> HeadFile {
        HeadFile::beside(ledger, Duration::from_millis(50))
    }

    #[test]
    fn the_record_fits_into_a_sector_whatever_it_says() {
        assert_eq!(text_of(&head(u64::MAX)).len(), LENGTH);
        assert_eq!(text_of(&head(0)).len(), LENGTH);
        const { assert!(LENGTH < 512) };
    }

    #[test]
    fn the_size_never_goes_down_whoever_writes_it() {
        let (_folder, ledger) = in_folder();
        let (mut one, mut other) = (of(&ledger), of(&ledger));
        assert_eq!(one.read().unwrap(), HeadRecord::Missing);
        one.raise(head(3)).unwrap();
        other.raise(head(7)).unwrap();
        one.raise(head(5)).unwrap();
        assert_eq!(one.read().unwrap(), HeadRecord::Head(head(7)));
        one.replace(head(5)).unwrap();
        assert_eq!(other.read().unwrap(), HeadRecord::Head(head(5)));
    }

    #[test]
    fn any_half_written_or_changed_record_is_unreadable() {
        let (_folder, ledger) = in_folder();
        of(&ledger).raise(head(42)).unwrap();
        let (path, whole) = (head_file_of(&ledger), text_of(&head(42)).into_bytes());
        let newer = text_of(&head(43)).into_bytes();
        for at in 1..LENGTH {
            let torn = [&newer[..at], &whole[at..]].concat();
            if torn == whole || torn == newer {
                continue;
            }
            fs::write(&path, torn).unwrap();
            assert_eq!(of(&ledger).read().unwrap(), HeadRecord::Unreadable, "torn at byte {at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(of(&ledger).read().unwrap(), HeadRecord::Unreadable, "cut at byte {at}");
        }
        fs::write(&path, [whole.as_slice(), b"x"].concat()).unwrap();
        assert_eq!(of(&ledger).read().unwrap(), HeadRecord::Unreadable);
        of(&ledger).raise(head(44)).unwrap();
        assert_eq!(of(&ledger).read().unwrap(), HeadRecord::Head(head(44)));
    }

    #[test]
    fn a_lock_that_somebody_keeps_is_not_waited_for_without_end() {
        let (_folder, ledger) = in_folder();
        of(&ledger).raise(head(1)).unwrap();
        let kept = File::open(head_file_of(&ledger)).unwrap();
        kept.lock().unwrap();
        assert_eq!(of(&ledger).raise(head(2)).unwrap_err().cause, FailureCause::Busy);
        kept.unlock().unwrap();
        of(&ledger).raise(head(2)).unwrap();
    }
}
