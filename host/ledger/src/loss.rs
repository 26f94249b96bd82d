//! A ledger that has lost entries, or holds other ones: what is known of the loss, and how people can repair it.

use std::fmt;
use std::path::PathBuf;

use lockgate_domain::Timestamp;

use crate::storage::TreeHead;
use crate::tree::Hash;

/// A part of a ledger is missing, or is not what was written. The ledger is not written to until the part is back, or
/// somebody [accepted the loss](crate::KeyFile::accept_loss).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Loss {
    /// The path of the ledger.
    pub ledger: PathBuf,
    /// What the ledger should hold at least.
    pub expected: ExpectedHead,
    /// What the ledger holds. None if the file is gone or empty.
    pub found: Option<TreeHead>,
    /// The root of the ledger's first entries, as many as are expected. None if it has fewer.
    pub root: Option<Hash>,
    /// When the backup was made, if the file is a backup that replaced the ledger.
    pub backed_up: Option<Timestamp>,
}

/// A person's decision to go on in spite of a loss.
pub(crate) struct LossAcceptance {
    pub(crate) reason: String,
    /// The loss, if the files of the ledger do not show it.
    pub(crate) lost: Option<Loss>,
}

/// What a ledger should hold at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpectedHead {
    /// The content of the head file.
    Recorded(TreeHead),
    /// The head that this process has read or written itself.
    Known(TreeHead),
    /// Unknown: the ledger had a head file, which is missing.
    Missing,
    /// Unknown: only the key is left, and its file says that it has signed a log.
    Signed,
    /// Unknown: the content of the head file does not fit its checksum.
    Unreadable,
}

impl ExpectedHead {
    /// Size and root, if they are known.
    pub fn tree(&self) -> Option<TreeHead> {
        match self {
            Self::Recorded(head) | Self::Known(head) => Some(*head),
            Self::Missing | Self::Unreadable | Self::Signed => None,
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ledger = self.ledger.display();
        match &self.found {
            Some(head) => write!(f, "the ledger `{ledger}` has {head}")?,
            None => write!(f, "nothing is left of the ledger `{ledger}`")?,
        }
        if let Some(moment) = self.backed_up {
            write!(f, " and is a backup of {moment}")?;
        }
        match &self.expected {
            ExpectedHead::Recorded(head) => write!(f, ", but its head file `{ledger}-head` says that it had {head}")?,
            ExpectedHead::Known(head) => write!(f, ", but this process has seen {head} in it")?,
            ExpectedHead::Signed => {}
            ExpectedHead::Missing => {
                write!(
                    f,
                    ", but its head file `{ledger}-head` is missing, so nobody can tell whether that is all of it"
                )?;
            }
            ExpectedHead::Unreadable => {
                write!(
                    f,
                    ", but its head file `{ledger}-head` is damaged, so nobody can tell whether that is all of it"
                )?;
            }
        }
        if self.expected == ExpectedHead::Signed {
            f.write_str(", but its key has signed a log. For a log that is really new, move the key file away")?;
        }
        if let (Some(root), Some(expected)) = (self.root, self.expected.tree()) {
            write!(f, "; the root of its first {} is {root}", expected.size)?;
        }
        f.write_str(
            ". Bring back what is missing (`ledger.db`, or the `ledger.db-wal` that was beside it), or accept the loss with \
             `lockgate ledger accept-loss --reason <why>`, which writes it into the log",
        )
    }
}
