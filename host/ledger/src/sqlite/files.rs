//! Notices that another file has replaced an open file of the ledger.
//!
//! A process that has a file open goes on with it after somebody has put another one in its place. Whatever it would
//! write then is gone with the old file. So the writer checks before each transaction.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::error::{FailureCause, StorageFailure};

/// The identity of a file: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileIdentity(u64, u64);

impl FileIdentity {
    /// The file at this path. None if there is no file, or if the system does not tell files apart.
    #[cfg(unix)]
    pub(super) fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        // By name only: opening and closing the file would give up SQLite's locks on it.
        std::fs::metadata(path).ok().map(|metadata| Self(metadata.dev(), metadata.ino()))
    }

    #[cfg(not(unix))]
    pub(super) fn of(_: &Path) -> Option<Self> {
        None
    }
}

/// The database and its write-ahead file, as this process opened them.
pub(super) struct OpenFiles([OpenFile; 2]);

struct OpenFile {
    path: PathBuf,
    identity: Option<FileIdentity>,
    /// The length at the last check, in bytes. Neither file becomes shorter while it is in use.
    length: u64,
}

impl OpenFiles {
    /// The files at these paths now. The write-ahead file exists once a connection has read something.
    pub(super) fn of(ledger: &Path) -> Self {
        let open = |path: PathBuf| OpenFile { identity: FileIdentity::of(&path), length: length(&path), path };
        Self([ledger.to_owned(), wal_of(ledger)].map(open))
    }

    /// Whether both files are still at their paths, and not shorter than before.
    pub(super) fn are_in_place(&mut self) -> bool {
        self.0.iter_mut().all(OpenFile::is_in_place)
    }

    /// Whether the database alone is still at its path.
    pub(super) fn is_database_in_place(&mut self) -> bool {
        let [database, _] = &mut self.0;
        database.is_in_place()
    }

    /// Whether the write-ahead file at the path is missing, or another one than the open one.
    pub(super) fn is_wal_exchanged(&self) -> bool {
        let [_, wal] = &self.0;
        FileIdentity::of(&wal.path) != wal.identity
    }
}

impl OpenFile {
    fn is_in_place(&mut self) -> bool {
        let before = std::mem::replace(&mut self.length, length(&self.path));
        FileIdentity::of(&self.path) == self.identity && before <= self.length
    }
}

/// The path of a ledger's write-ahead file.
fn wal_of(ledger: &Path) -> PathBuf {
    let mut wal = OsString::from(ledger);
    wal.push("-wal");
    wal.into()
}

/// Whether the file of a ledger is empty or missing.
pub(super) fn is_empty(ledger: &Path) -> bool {
    length(ledger) == 0
}

/// Whether a ledger has a write-ahead file that is not empty.
pub(super) fn has_wal(ledger: &Path) -> bool {
    length(&wal_of(ledger)) > 0
}

/// Adds the likely cause to the error for a damaged ledger: a write-ahead file that belongs to another database.
pub(super) fn explain(ledger: &Path, error: Error) -> Error {
    match error {
        Error::Unavailable(StorageFailure { cause: FailureCause::Corrupt, message }) if has_wal(ledger) => {
            let name = ledger.display();
            Error::corrupt(format!(
                "`{name}` and `{name}-wal` do not belong together, or one of them is damaged: {message}. Nothing was \
                 changed. Bring back the files that were there together; or move `{name}-wal` away, keep it, and start \
                 again: what `{name}` lacks without it is said then, and can be accepted with `lockgate ledger \
                 accept-loss --reason <why>`"
            ))
        }
        other => other,
    }
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Makes the name of a new file as durable as what is in it.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
