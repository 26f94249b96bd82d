//! What an audit finds wrong, and where.

use std::fmt;

use lockgate_domain::{Digest, counted};

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFinding {
    pub place: FindingPlace,
    /// The message for people.
    pub message: String,
}

/// The part of the log that a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FindingPlace {
    /// The entry with this index in the log.
    Entry(u64),
    /// One of the entries from `first` to `last`.
    Entries {
        first: u64,
        last: u64,
    },
    /// The content with this digest.
    Content(Digest),
    /// The stored checkpoint for this size.
    Checkpoint(u64),
    Head,
    Key,
    /// A checkpoint of this size that the caller handed in.
    Elsewhere(u64),
}

impl fmt::Display for FindingPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(index) => write!(f, "entry {index}"),
            Self::Entries { first, last } => write!(f, "entries {first} to {last}"),
            Self::Content(digest) => write!(f, "content {digest}"),
            Self::Checkpoint(size) => write!(f, "checkpoint of {}", counted(*size, "entry", "entries")),
            Self::Head => f.write_str("head"),
            Self::Key => f.write_str("key"),
            Self::Elsewhere(size) => write!(f, "kept checkpoint of {}", counted(*size, "entry", "entries")),
        }
    }
}

impl fmt::Display for AuditFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}
