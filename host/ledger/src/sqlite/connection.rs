//! Opens connections, in one way only, and sorts errors by what they mean for the caller.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::head_file::HeadFile;
use super::loss;
use crate::Error;
use crate::error::{FailureCause, StorageFailure};

/// Makes an empty file that only its owner can read, if there is no file: decisions are not for every user of the
/// machine. SQLite gives the files beside it the same permissions.
pub(super) fn create_private(path: &Path) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StorageFailure::new(cause_of(&error), format!("`{}`: {error}", path.display())).into()),
    }
}

/// The cause that an error of the file system stands for.
pub(super) fn cause_of(error: &std::io::Error) -> FailureCause {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => FailureCause::DiskFull,
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => FailureCause::ReadOnly,
        _ => FailureCause::Io,
    }
}

/// A connection that may write later, and changes no file until then.
pub(super) fn open_unchecked(path: &Path, busy: Duration) -> Result<Connection, Error> {
    open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, busy)
}

/// Opens a ledger that has lost everything: SQLite makes a new file, and removes the write-ahead file of the old one.
pub(super) fn open_anew(path: &Path, busy: Duration) -> Result<Connection, Error> {
    open_anyway(path, OpenFlags::SQLITE_OPEN_READ_WRITE, busy)
}

/// The page size of a new file, in bytes. `ARCHITECTURE.md` compares sizes. An existing file keeps its own.
const PAGE_SIZE: u32 = 4096;

/// Prepares a connection for writing.
pub(super) fn prepare_writer(connection: Connection, path: &Path) -> Result<Connection, Error> {
    connection.pragma_update(None, "page_size", PAGE_SIZE).map_err(unavailable)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(unavailable)?;
    if mode != "wal" {
        let message = format!("`{}` cannot be put into write-ahead mode: it is in mode `{mode}`", path.display());
        return Err(StorageFailure::new(FailureCause::Other, message).into());
    }
    // FULL: a commit has reached the disk when it returns. Everything that this crate promises depends on that.
    // Retention overwrites the bytes that it deletes.
    // The cache, 8 MiB, holds the edges of the indexes that every entry goes through. SQLite goes through all of its places
    // at the end of many transactions, so a larger one costs more than it gives.
    let pragmas = "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = ON;
                   PRAGMA cache_size = -8192;";
    connection.execute_batch(pragmas).map_err(unavailable)?;
    Ok(connection)
}

/// A connection that reads the database without its write-ahead file, and leaves all files as they are.
pub(super) fn open_alone(path: &Path) -> Result<Connection, Error> {
    let name = path.to_str().ok_or_else(|| Error::NotFound(format!("`{}` has no name in UTF-8", path.display())))?;
    let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{name}?immutable=1"), flags).map_err(|error| at(path, &error))
}

/// A connection that only moves committed pages into the database.
pub(super) fn open_beside(path: &Path, busy: Duration) -> Result<Connection, Error> {
    open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, busy)
}

/// A connection that only reads, and never waits for the one that writes.
pub(super) fn open_reader(path: &Path, busy: Duration) -> Result<Connection, Error> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY, busy)?;
    connection.execute_batch("PRAGMA query_only = ON;").map_err(unavailable)?;
    Ok(connection)
}

/// Sets that a connection moves the pages of the write-ahead file into the database if it is the last one to close.
pub(super) fn empty_wal_at_close(connection: &Connection) -> Result<(), Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(drop).map_err(unavailable)
}

fn open(path: &Path, flags: OpenFlags, busy: Duration) -> Result<Connection, Error> {
    match loss::find_gone(path, &HeadFile::beside(path, busy))? {
        Some(loss) => Err(Error::Loss(Box::new(loss))),
        None => open_anyway(path, flags, busy),
    }
}

fn open_anyway(path: &Path, flags: OpenFlags, busy: Duration) -> Result<Connection, Error> {
    // One thread uses a connection at a time, which Rust's types ensure: SQLite need not lock it as well.
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| at(path, &error))?;
    connection.busy_timeout(busy).map_err(unavailable)?;
    // The write-ahead file may belong to another database, or be all that is left of a ledger. So closing a connection
    // neither moves its pages nor removes it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(unavailable)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Statements are planned once, and not again for each bound value: that planning is a third of the writer's time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(unavailable)?;
    let pragmas = "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;";
    connection.execute_batch(pragmas).map_err(|error| at(path, &error))?;
    Ok(connection)
}

fn at(path: &Path, error: &rusqlite::Error) -> Error {
    StorageFailure::new(cause(error), format!("`{}`: {}", path.display(), message(error))).into()
}

/// The ledger's error for an error of SQLite.
pub(super) fn unavailable(error: rusqlite::Error) -> Error {
    StorageFailure::new(cause(&error), message(&error)).into()
}

fn cause(error: &rusqlite::Error) -> FailureCause {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => FailureCause::DiskFull,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => FailureCause::ReadOnly,
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::FileLockingProtocolFailed) => {
            FailureCause::Io
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => FailureCause::Busy,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => FailureCause::Corrupt,
        Some(_) => FailureCause::Other,
        // A value of another type than the schema says, or a row that has to be there and is not.
        None => FailureCause::Corrupt,
    }
}

/// SQLite's message, and the number that tells one I/O error from another.
fn message(error: &rusqlite::Error) -> String {
    match error.sqlite_error() {
        Some(code) => format!("{error} (SQLite {})", code.extended_code),
        None => error.to_string(),
    }
}
