//! The ledger's own entries: the keys it signs with, and what was deleted from it. Whoever verifies reads them, so their
//! form is as fixed as that of a proof.

use lockgate_domain::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::note::VerifyingKey;

/// The kind of the entry that makes a key the current one.
pub(crate) const LOG_KEY: &str = "log-key";
/// The kind of the entry that says what content was deleted.
pub(crate) const CONTENT_DELETED: &str = "content-deleted";

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
