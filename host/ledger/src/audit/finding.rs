//! Something that does not fit, and where.

use std::fmt;

use lockgate_domain::{Digest, counted};

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFinding {
    /// Where.
    pub place: FindingPlace,
    /// What. For people.
    pub message: String,
}

/// Where something does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FindingPlace {
    /// The entry at that place in the log.
    Entry(u64),
    /// One of the entries from the first up to the last.
    Entries {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// A piece of content.
    Content(Digest),
    /// The checkpoint that was kept for that size.
    Checkpoint(u64),
    /// The head.
    Head,
    /// A key.
    Key,
    /// A checkpoint that was handed in, of that size.
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
