//! What an operator grants.

use std::io;
use std::path::PathBuf;

use super::super::name;

/// A directory that a plugin may read, with everything below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryGrant {
    /// Where it is. It is opened once, when the plugin is loaded: whatever is put in its place later is not read.
    pub path: PathBuf,
    /// The largest file that is handed over, in bytes. Default: 1 MiB.
    pub file_size: u64,
    /// How many names a directory may hold to be listed. Default: 10,000.
    pub entries: usize,
}

impl DirectoryGrant {
    /// Grants the directory there, with the default limits.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file_size: 1 << 20, entries: 10_000 }
    }
}

/// Why a directory cannot be granted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryGrantError {
    /// Its name cannot be one.
    #[error("`{name}` cannot be the name of a directory that is granted: write {rule}", rule = name::RULE)]
    InvalidName {
        /// The name that was given.
        name: String,
    },
    /// There is no directory that can be opened.
    #[error(
        "the directory `{name}` is granted as `{}`, which cannot be opened as a directory: {error}",
        .path.display()
    )]
    Unopenable {
        /// The name that it was given.
        name: String,
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}
