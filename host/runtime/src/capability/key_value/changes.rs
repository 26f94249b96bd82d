//! The changes of one call to a namespace.

use std::collections::BTreeMap;

use lockgate_domain::{Failure, FailureKind};

use super::namespaces::NamespaceError;

/// New values and deleted keys. Changes of different keys are independent; of two changes of one key the later one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueChanges(BTreeMap<String, Option<Vec<u8>>>);

impl ValueChanges {
    /// Sets the value of a key.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.0.insert(key.into(), Some(value.into()));
    }

    /// Deletes a key, if it exists.
    pub fn delete(&mut self, key: impl Into<String>) {
        self.0.insert(key.into(), None);
    }

    /// Whether there are no changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changed keys in the order of their bytes, with their new values; none for a deleted key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_deref()))
    }

    /// Applies the changes to the values of a namespace, by the rule for every store: the result must not exceed the quota,
    /// in bytes, unless it is smaller than before.
    ///
    /// # Errors
    /// [`NamespaceError::QuotaExceeded`]. The values must not be used then.
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

/// The changes of one call to its namespace. The runtime does not store them: the caller of the plugin stores them together
/// with what it uses the answer for, or drops them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceChanges {
    /// The name of the namespace.
    pub namespace: String,
    /// The largest size of all keys and values of the namespace together, in bytes.
    pub quota: u64,
    /// The changes.
    pub changes: ValueChanges,
}

impl NamespaceChanges {
    /// Applies the changes to the values of the namespace.
    ///
    /// # Errors
    /// As [`ValueChanges::apply`].
    pub fn apply(&self, values: &mut BTreeMap<String, Vec<u8>>) -> Result<(), NamespaceError> {
        self.changes.apply(&self.namespace, values, self.quota)
    }

    /// The failure of a call whose changes cannot be stored: its answer must not count without them.
    pub fn not_kept(error: &NamespaceError) -> Failure {
        let message = format!("the plugin's changes to its namespace cannot be stored: {error}");
        Failure { kind: FailureKind::HostFailed, message, code: None, transient: false, limit: None, used: None }
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
