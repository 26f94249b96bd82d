//! An operator's grant of `directory`.

use std::io;
use std::path::PathBuf;

use super::super::name;

/// A directory that a plugin may read, with everything below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryGrant {
    /// The path of the directory. It is opened once, when the plugin is loaded; another directory that is moved there later is
    /// not read.
    pub path: PathBuf,
    /// The largest file that can be read, in bytes. Default: 1 MiB.
    pub file_size: u64,
    /// The most names of a directory that can be listed. Default: 10,000.
    pub entries: usize,
}

impl DirectoryGrant {
    /// A grant of the directory at that path with the default limits.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file_size: 1 << 20, entries: 10_000 }
    }
}

/// Why a grant of `directory` is invalid.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryGrantError {
    /// The name of the grant is invalid.
    #[error("`{name}` is not a valid name of a granted directory: use {rule}", rule = name::RULE)]
    InvalidName {
        /// The invalid name.
        name: String,
    },
    /// The directory cannot be opened.
    #[error(
        "cannot open `{}`, which is granted as directory `{name}`: {error}",
        .path.display()
    )]
    Unopenable {
        /// The name of the grant.
        name: String,
        /// The path of the grant.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
}
