//! A ledger that every server opens for itself.

use std::path::PathBuf;
use std::sync::Arc;

use lockgate_ledger::{KeyFile, SqliteOptions, SqliteStorage};
use tempfile::TempDir;

/// A folder with a ledger and its key.
pub(crate) struct Database {
    pub(crate) folder: TempDir,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// As one more server opens it.
    pub(crate) fn open(&self) -> Arc<SqliteStorage> {
        let key = KeyFile::new(self.folder.path().join("ledger.key"));
        Arc::new(key.open(&self.path(), "engine.example/ledger", SqliteOptions::default()).unwrap())
    }
}
