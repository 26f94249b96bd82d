//! Follows the log's changes of keys.

use super::{ProofError, included, signed};
use crate::entry::LEDGER_STREAM;
use crate::note::VerifyingKey;
use crate::proof::KeyChange;
use crate::system_entries::{LOG_KEY, LogKey};

/// The keys to trust, given a first one: that key and the keys that the log changed to after it. Earlier changes are
/// skipped: they are not needed, and cannot be checked.
pub(super) fn follow(key: &VerifyingKey, changes: &[KeyChange]) -> Result<Vec<VerifyingKey>, ProofError> {
    let mut keys = vec![key.clone()];
    for change in changes {
        let index = change.entry.index;
        let wrong = |message| ProofError::KeyChange { index, message };
        let said: LogKey =
            serde_json::from_value(change.entry.body.clone()).map_err(|_| wrong("its body is not a change of keys"))?;
        if change.entry.stream != LEDGER_STREAM || change.entry.kind != LOG_KEY {
            return Err(wrong("it is another kind of entry"));
        }
        let Some(current) = keys.last().filter(|current| said.replaces.as_ref() == Some(current)) else { continue };
        // The previous key must have signed the log that announces the next one.
        let (checkpoint, _) = signed(&change.checkpoint, std::slice::from_ref(current))?;
        included(&change.entry, &change.hashes, &checkpoint)?;
        if said.key.name() != current.name() {
            return Err(wrong("the next key is of another log"));
        }
        keys.push(said.key);
    }
    Ok(keys)
}
