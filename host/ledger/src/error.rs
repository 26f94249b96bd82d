//! The errors of the ledger, by what the caller can do: change the request, or try again later.

use std::fmt;

use lockgate_domain::{Digest, Timestamp, counted};

use crate::InvalidEntry;
use crate::loss::Loss;
use crate::note::InvalidKey;
use crate::storage::TreeHead;

/// Why the ledger did not do what the caller asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another writer was faster. Read and decide again.
    #[error("{0}")]
    Conflict(Conflict),
    /// The idempotency key was used for another request.
    #[error("the key `{key}` was used for another request: choose a new key, or send the same request")]
    KeyReused { key: String },
    /// An entry refers to content that is neither in the ledger nor in the same append.
    #[error("the content `{0}` is not in the ledger: hand it in first, or together with the entry")]
    UnknownContent(Digest),
    /// The append can never be written as it is.
    #[error(transparent)]
    Invalid(#[from] InvalidEntry),
    /// The append is larger than the limit.
    #[error("{size} bytes at once are too many: at most {limit}")]
    TooLarge {
        /// How many bytes the append has.
        size: u64,
        /// How many bytes an append may have.
        limit: u64,
    },
    /// Too many writes are waiting. Nothing was written; a later attempt may succeed.
    #[error("the ledger is busy: {} waiting, of at most {limit}", counted(*.waiting, "write is", "writes are"))]
    Overloaded {
        /// How many writes wait.
        waiting: usize,
        /// How many writes may wait.
        limit: usize,
    },
    /// The disk, the file or the process failed. Nobody knows whether the append was written: send the same request
    /// under the same idempotency key to find out.
    #[error(transparent)]
    Unavailable(#[from] StorageFailure),
    /// A part of the ledger is lost. The ledger writes nothing until the part is back, or somebody accepts the loss.
    #[error(transparent)]
    Loss(Box<Loss>),
    /// There is no loss to accept.
    #[error("nothing is lost: the ledger has {0}, and all that is known to have been in it")]
    NothingLost(TreeHead),
    /// The log has another current key than the one that this process signs with.
    #[error("{message}: give it the current key")]
    KeyRetired {
        /// The verifying key that the log says is current.
        current: String,
        /// What the log says about the change of keys.
        message: String,
    },
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// The log does not hold what the caller asked for.
    #[error("{0}")]
    NotFound(String),
    /// The entry with this index is in the log, but the reader may not see it.
    #[error("entry {0} is withheld: it belongs to another team, or to none; only its hash can be seen")]
    Withheld(u64),
}

/// What another writer changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    Stream {
        stream: String,
        /// The version that the append expected.
        expected: u64,
        /// The version that the stream has.
        actual: u64,
    },
    Namespace {
        namespace: String,
        /// The version that the append expected.
        expected: u64,
        /// The version that the namespace has.
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

/// Why the ledger does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureCause {
    /// The disk is full.
    DiskFull,
    /// The file is read-only.
    ReadOnly,
    /// The disk or the file system fails.
    Io,
    /// Another process locks the file for longer than the ledger waits.
    Busy,
    /// The file holds impossible values, or is not a ledger.
    Corrupt,
    /// A part of the ledger is lost: [`Loss`].
    Loss,
    /// A newer version of the ledger wrote the file.
    TooNew,
    /// The ledger was closed.
    Closed,
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
#[error("{}{message}", unavailable(*cause))]
pub struct StorageFailure {
    pub cause: FailureCause,
    /// The message for people.
    pub message: String,
}

/// What the message of a failure begins with: nothing where the message says all.
fn unavailable(cause: FailureCause) -> String {
    match cause {
        FailureCause::Other => String::new(),
        cause => format!("the ledger is unavailable ({}): ", cause.as_str()),
    }
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
    /// Since when the ledger takes no entries, and why. None while it does. The ledger keeps trying by itself.
    pub failing: Option<(Timestamp, StorageFailure)>,
    /// How many writes wait.
    pub waiting: usize,
    /// How many writes may wait before more are turned away.
    pub limit: usize,
}
