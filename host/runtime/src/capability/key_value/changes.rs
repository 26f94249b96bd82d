//! What one call changes in a namespace.

use std::collections::BTreeMap;

use lockgate_domain::{Failure, FailureKind};

use super::namespaces::NamespaceError;

/// New values, and keys that go. A change names its key alone, so changes of different keys never undo one another,
/// and of two changes of one key the later one holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueChanges(BTreeMap<String, Option<Vec<u8>>>);

impl ValueChanges {
    /// Gives a key a value.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.0.insert(key.into(), Some(value.into()));
    }

    /// Takes a key away, if it is there.
    pub fn delete(&mut self, key: impl Into<String>) {
        self.0.insert(key.into(), None);
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that change, in the order of their bytes; each with its new value, or none if it goes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_deref()))
    }

    /// Makes the changes, unless more than the quota would then be taken: the rule for every store.
    ///
    /// # Errors
    /// [`NamespaceError::QuotaExceeded`]. The values are then not to be used.
    pub fn apply(
        &self,
        namespace: &str,
        values: &mut BTreeMap<String, Vec<u8>>,
        quota: u64,
    ) -> Result<(), NamespaceError> {
        let before = size_of(values);
        for (key, value) in self.iter() {
            match value {
                Some(value) => values.insert(key.to_owned(), value.to_owned()),
                None => values.remove(key),
            };
        }
        let needed = size_of(values);
        if fits(before, needed, quota) {
            return Ok(());
        }
        Err(NamespaceError::QuotaExceeded { namespace: namespace.to_owned(), needed, quota })
    }
}

/// What one call wants to be kept in its namespace. The runtime keeps nothing itself: whoever calls a plugin keeps it
/// together with what the answer is used for, or drops it where the call was only a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceChanges {
    /// The namespace.
    pub namespace: String,
    /// How much all keys and values of the namespace may take together, in bytes.
    pub quota: u64,
    /// What changes.
    pub changes: ValueChanges,
}

impl NamespaceChanges {
    /// Makes the changes to the values of the namespace, unless more than the quota would then be taken.
    ///
    /// # Errors
    /// As [`ValueChanges::apply`].
    pub fn apply(&self, values: &mut BTreeMap<String, Vec<u8>>) -> Result<(), NamespaceError> {
        self.changes.apply(&self.namespace, values, self.quota)
    }

    /// The failure of the call whose changes cannot be kept: an answer never counts without them.
    pub fn not_kept(error: &NamespaceError) -> Failure {
        let message = format!("what it changed in its namespace cannot be kept: {error}");
        Failure { kind: FailureKind::HostFailed, message, code: None, limit: None, used: None }
    }
}

/// The size of all keys and values together, in bytes.
pub(super) fn size_of(values: &BTreeMap<String, Vec<u8>>) -> u64 {
    values.iter().map(|(key, value)| entry_size(key, value)).sum()
}

/// The size of one key and its value, in bytes.
pub(super) fn entry_size(key: &str, value: &[u8]) -> u64 {
    (key.len() as u64).saturating_add(value.len() as u64)
}

/// Whether a namespace may change its size, in bytes: one that exceeds the quota already may shrink, and not grow.
pub(super) fn fits(before: u64, after: u64, quota: u64) -> bool {
    after <= quota || after <= before
}
