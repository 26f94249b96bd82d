//! The ledger's own entries: its signing keys, its deletions and its losses. Verifiers read them, so their form is as
//! fixed as that of a proof.

use lockgate_domain::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::note::VerifyingKey;
use crate::storage::TreeHead;

/// The kind of the entry that makes a key the current one.
pub(crate) const LOG_KEY: &str = "log-key";
/// The kind of the entry that says what content was deleted.
pub(crate) const CONTENT_DELETED: &str = "content-deleted";

/// The kind of the entry that says that a part of the ledger was lost.
pub(crate) const LOSS_ACCEPTED: &str = "loss-accepted";
/// The kind of the entry that says that a backup took the place of the ledger.
pub(crate) const BACKUP_RESTORED: &str = "backup-restored";

/// The key that signs from this entry on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogKey {
    pub(crate) key: VerifyingKey,
    /// The previous key. The first key replaces none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaces: Option<VerifyingKey>,
}

/// Records that the bytes of content were deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContentDeleted {
    /// The kind of content that the retention rule names.
    pub(crate) kind: String,
    /// The moment since which nothing referred to the content.
    pub(crate) before: Timestamp,
    pub(crate) content: Vec<Digest>,
}

/// Records that a part of the ledger was lost, and that somebody accepted the loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossAccepted {
    /// What the ledger should have held. None if nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<TreeHead>,
    /// What the ledger held. None if its file was gone, and a new ledger began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<TreeHead>,
    /// The reason that the person who accepted the loss gave.
    pub reason: String,
}

/// Records that a backup was opened to write for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupRestored {
    /// When the backup was made.
    pub backed_up: Timestamp,
    /// The head of the log in the backup.
    pub found: TreeHead,
}
