//! The questions and answers of `directory`, as the tape of an evaluation holds them.

use serde::{Deserialize, Serialize};

/// A path in a granted directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DirectoryPath {
    /// The name of the granted directory.
    pub(crate) directory: String,
    /// The path in it: names joined by `/`; empty for the directory itself.
    pub(crate) path: String,
}

/// The kind of an entry, or of the target of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EntryKind {
    File,
    Directory,
    /// A device, a socket, a pipe, or a link that is broken or leads out of the directory.
    Other,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DirectoryEntry {
    pub(crate) name: String,
    pub(crate) kind: EntryKind,
    /// The size of a file, in bytes; 0 for other entries.
    pub(crate) size: u64,
}

/// The entries of a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DirectoryListing {
    /// Sorted by the bytes of their names.
    pub(crate) entries: Vec<DirectoryEntry>,
    /// The number of further entries whose names cannot be part of a path.
    pub(crate) unnamed: u32,
}

/// Why a file or directory cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DirectoryError {
    /// The name of the directory that is not granted.
    NotGranted(String),
    /// What is wrong with the path.
    InvalidPath(String),
    Missing,
    /// A link leads out of the directory.
    Outside,
    /// The kind that the path has instead.
    WrongKind(EntryKind),
    /// The limit: for a file in bytes, for a directory in names.
    TooLarge(u64),
    /// Why the host cannot read it.
    Unreadable(String),
}
