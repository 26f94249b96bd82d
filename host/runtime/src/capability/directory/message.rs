//! What is asked and answered, as it stands on the tape of an evaluation.

use serde::{Deserialize, Serialize};

/// A place in a directory that was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DirectoryPath {
    /// The name of the directory.
    pub(crate) directory: String,
    /// The path in it: names joined by `/`; empty for the directory itself.
    pub(crate) path: String,
}

/// What stands under a name, or what the link there leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EntryKind {
    File,
    Directory,
    /// A device, a socket, a pipe, a link that leads nowhere or out.
    Other,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DirectoryEntry {
    pub(crate) name: String,
    pub(crate) kind: EntryKind,
    /// In bytes; 0 unless it is a file.
    pub(crate) size: u64,
}

/// What a directory holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DirectoryListing {
    /// In the order of the bytes of their names.
    pub(crate) entries: Vec<DirectoryEntry>,
    /// How many more there are whose names nobody can ask for.
    pub(crate) unnamed: u32,
}

/// Why something cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DirectoryError {
    /// No directory of that name was granted.
    NotGranted(String),
    /// What is wrong with the path.
    InvalidPath(String),
    Missing,
    /// A link leads out of the directory.
    Outside,
    /// Something else is there than what was asked for.
    WrongKind(EntryKind),
    /// What is allowed: of a file in bytes, of a directory in names.
    TooLarge(u64),
    /// Why the host cannot read it.
    Unreadable(String),
}
