//! The ledger's own entries: the keys it signs with, what was deleted from it, and what it lost. Whoever verifies reads them, so their
//! form is as fixed as that of a proof.

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

/// From this entry on, that key signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogKey {
    pub(crate) key: VerifyingKey,
    /// The key before it; the first one replaces none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaces: Option<VerifyingKey>,
}

/// The bytes of that content were deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContentDeleted {
    /// The rule: content of that kind ...
    pub(crate) kind: String,
    /// ... that nothing referred to since.
    pub(crate) before: Timestamp,
    pub(crate) content: Vec<Digest>,
}

/// A part of the ledger was lost, and somebody went on without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossAccepted {
    /// What the ledger should have held; none if that was lost as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<TreeHead>,
    /// What it held; none if its file was gone, and it began anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<TreeHead>,
    /// Why it went on without the rest, in the words of the person who decided that.
    pub reason: String,
}

/// A backup was opened to write for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupRestored {
    /// When the backup was made.
    pub backed_up: Timestamp,
    /// What was in it.
    pub found: TreeHead,
}
