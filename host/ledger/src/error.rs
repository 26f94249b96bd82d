//! What can go wrong, by what the caller can do about it: ask again with other words, or not be answered now.

use std::fmt;

use lockgate_domain::{Digest, Timestamp, counted};

use crate::InvalidEntry;
use crate::loss::Loss;
use crate::note::InvalidKey;
use crate::storage::TreeHead;

/// Why the ledger did not do it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Somebody else was faster: read again, decide again.
    #[error("{0}")]
    Conflict(Conflict),
    /// The idempotency key was used for another request.
    #[error("the key `{key}` was used for another request: choose a new key, or send the same request")]
    KeyReused {
        /// The key.
        key: String,
    },
    /// An entry refers to content that is neither in the ledger nor in the same append.
    #[error("the content `{0}` is not in the ledger: hand it in first, or together with the entry")]
    UnknownContent(Digest),
    /// It can never be written as it is.
    #[error(transparent)]
    Invalid(#[from] InvalidEntry),
    /// More than is taken at once.
    #[error("{size} bytes at once are too many: at most {limit}")]
    TooLarge {
        /// How many bytes were handed in.
        size: u64,
        /// How many are taken.
        limit: u64,
    },
    /// Too many are waiting. Nothing was written; later it may go.
    #[error("the ledger is busy: {} waiting, of at most {limit}", counted(*.waiting, "write is", "writes are"))]
    Overloaded {
        /// How many wait.
        waiting: usize,
        /// How many may.
        limit: usize,
    },
    /// The disk, the file or the process is in the way. Whether it was written is not known: the same request under the
    /// same idempotency key tells.
    #[error(transparent)]
    Unavailable(#[from] StorageFailure),
    /// A part of the ledger is lost. Nothing is written until it is back, or the loss is accepted.
    #[error(transparent)]
    Loss(Box<Loss>),
    /// There is no loss to accept.
    #[error("nothing is lost: the ledger has {0}, and all that is known to have been in it")]
    NothingLost(TreeHead),
    /// The signing key is not the one that the log goes by.
    #[error("{message}: give it the current key")]
    KeyRetired {
        /// The verifying key that the log says is current.
        current: String,
        /// What is known of it.
        message: String,
    },
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// What is asked for is not in the log.
    #[error("{0}")]
    NotFound(String),
    /// The entry at that place is in the log, but is not for who asks.
    #[error("entry {0} is withheld: it belongs to another team, or to none; only its hash can be seen")]
    Withheld(u64),
}

/// What somebody else changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// A stream.
    Stream {
        /// The stream.
        stream: String,
        /// The version that was expected.
        expected: u64,
        /// The version that it has.
        actual: u64,
    },
    /// A namespace of values.
    Namespace {
        /// The namespace.
        namespace: String,
        /// The version that was expected.
        expected: u64,
        /// The version that it has.
        actual: u64,
    },
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name, expected, actual) = match self {
            Self::Stream { stream, expected, actual } => ("stream", stream, expected, actual),
            Self::Namespace { namespace, expected, actual } => ("namespace", namespace, expected, actual),
        };
        write!(f, "the {what} `{name}` has version {actual}, but {expected} was expected: somebody else changed it")
    }
}

/// What keeps the ledger from working.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureCause {
    /// No room on the disk.
    DiskFull,
    /// The file may not be written.
    ReadOnly,
    /// The disk or the file system fails.
    Io,
    /// Somebody else holds the file for longer than is waited.
    Busy,
    /// What is in the file cannot be right, or is not a ledger.
    Corrupt,
    /// A part of the ledger is lost: [`Loss`].
    Loss,
    /// A newer version of the ledger wrote the file.
    TooNew,
    /// The ledger was closed.
    Closed,
    /// Anything else.
    Other,
}

impl FailureCause {
    /// The code that health reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DiskFull => "disk-full",
            Self::ReadOnly => "read-only",
            Self::Io => "io-error",
            Self::Busy => "busy",
            Self::Corrupt => "corrupt",
            Self::Loss => "entries-lost",
            Self::TooNew => "too-new",
            Self::Closed => "closed",
            Self::Other => "other",
        }
    }
}

/// The ledger cannot be read or written at the moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger is unavailable ({}): {message}", cause.as_str())]
pub struct StorageFailure {
    /// What is in the way.
    pub cause: FailureCause,
    /// What is in the way, for people.
    pub message: String,
}

impl StorageFailure {
    pub(crate) fn new(cause: FailureCause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into() }
    }
}

impl Error {
    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::Unavailable(StorageFailure::new(FailureCause::Corrupt, message))
    }

    pub(crate) fn key_retired(current: String, own: &str) -> Self {
        let message = format!("the log is signed with `{current}`, but this process signs with `{own}`");
        Self::KeyRetired { current, message }
    }
}

/// Whether the ledger takes entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageHealth {
    /// Since when it does not, and why; none while it does. It keeps trying by itself.
    pub failing: Option<(Timestamp, StorageFailure)>,
    /// How many writes wait.
    pub waiting: usize,
    /// How many writes may wait before more are turned away.
    pub limit: usize,
}
