//! The session of one call with a namespace, and its questions as the tape of the evaluation holds them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::base64_bytes::Base64Bytes;
use super::changes::{NamespaceChanges, ValueChanges, entry_size, fits, size_of};
use super::namespaces::{KeyValueGrant, NamespaceAccess, NamespaceError, Namespaces};

/// The longest key, in bytes.
const LONGEST_KEY: usize = 256;

/// The key whose value a call asks for or deletes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyQuestion {
    pub(crate) key: String,
}

/// The prefix of the keys that a call asks for; empty for all keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrefixQuestion {
    pub(crate) prefix: String,
}

/// The key that a call sets, and its new value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignmentQuestion {
    pub(crate) key: String,
    pub(crate) value: Base64Bytes,
}

/// Why a value cannot be read or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyValueError {
    /// The namespace was granted for reading only.
    ReadOnly,
    /// What is wrong with the key, for people.
    InvalidKey(String),
    /// The quota of all keys and values together, in bytes.
    QuotaExceeded(u64),
    /// Why the host cannot read the values, for people.
    Unavailable(String),
}

/// The values of a namespace as they were when the call first asked, with the call's own changes made.
#[derive(Debug)]
pub(crate) struct NamespaceSession {
    grant: KeyValueGrant,
    namespaces: Arc<dyn Namespaces>,
    /// None until the call first asks. An error then stands for the rest of the call.
    values: Option<Result<NamespaceValues, KeyValueError>>,
    changes: ValueChanges,
}

/// All values of a namespace.
#[derive(Debug)]
struct NamespaceValues {
    values: BTreeMap<String, Vec<u8>>,
    /// The size of all keys and values together, in bytes.
    size: u64,
}

impl NamespaceSession {
    pub(crate) fn new(grant: KeyValueGrant, namespaces: Arc<dyn Namespaces>) -> Self {
        Self { grant, namespaces, values: None, changes: ValueChanges::default() }
    }

    /// The value of a key.
    pub(crate) fn get(&mut self, KeyQuestion { key }: &KeyQuestion) -> Result<Option<Base64Bytes>, KeyValueError> {
        check(key)?;
        Ok(self.values()?.values.get(key).cloned().map(Base64Bytes))
    }

    /// The keys that begin with the prefix, in the order of their bytes.
    pub(crate) fn keys(&mut self, PrefixQuestion { prefix }: &PrefixQuestion) -> Result<Vec<String>, KeyValueError> {
        let from = self.values()?.values.range(prefix.clone()..);
        Ok(from.map(|(key, _)| key).take_while(|key| key.starts_with(prefix.as_str())).cloned().collect())
    }

    /// Sets the value of a key.
    pub(crate) fn set(
        &mut self,
        AssignmentQuestion { key, value: Base64Bytes(value) }: &AssignmentQuestion,
    ) -> Result<(), KeyValueError> {
        self.may_write()?;
        check(key)?;
        let quota = self.grant.quota;
        let namespace = self.values()?;
        let freed = namespace.values.get(key).map_or(0, |old| entry_size(key, old));
        let after = namespace.size.saturating_sub(freed).saturating_add(entry_size(key, value));
        if !fits(namespace.size, after, quota) {
            return Err(KeyValueError::QuotaExceeded(quota));
        }
        namespace.size = after;
        namespace.values.insert(key.clone(), value.clone());
        self.changes.set(key.as_str(), value.as_slice());
        Ok(())
    }

    /// Deletes a key, if it exists. A key that another call adds meanwhile is deleted, too.
    pub(crate) fn delete(&mut self, KeyQuestion { key }: &KeyQuestion) -> Result<(), KeyValueError> {
        self.may_write()?;
        check(key)?;
        let namespace = self.values()?;
        if let Some(old) = namespace.values.remove(key) {
            namespace.size = namespace.size.saturating_sub(entry_size(key, &old));
        }
        self.changes.delete(key.as_str());
        Ok(())
    }

    /// The changes of the call; none if there are none. They count only if the call answered.
    pub(crate) fn into_changes(self) -> Option<NamespaceChanges> {
        let Self { grant: KeyValueGrant { namespace, quota, .. }, changes, .. } = self;
        (!changes.is_empty()).then_some(NamespaceChanges { namespace, quota, changes })
    }

    fn may_write(&self) -> Result<(), KeyValueError> {
        match self.grant.access {
            NamespaceAccess::ReadWrite => Ok(()),
            NamespaceAccess::ReadOnly => Err(KeyValueError::ReadOnly),
        }
    }

    /// The values, which are read when the call first asks.
    fn values(&mut self) -> Result<&mut NamespaceValues, KeyValueError> {
        let Self { grant, namespaces, values, .. } = self;
        let read = values.get_or_insert_with(|| match namespaces.read(&grant.namespace) {
            Ok(values) => Ok(NamespaceValues { size: size_of(&values), values }),
            Err(error) => Err(unavailable(&grant.namespace, &error)),
        });
        read.as_mut().map_err(|error| error.clone())
    }
}

/// Logs the whole error for the operator. The plugin, which nobody vouches for, learns nothing about the machine.
fn unavailable(namespace: &str, error: &NamespaceError) -> KeyValueError {
    tracing::error!(namespace, %error, "cannot read the values of a namespace");
    let why = match error {
        NamespaceError::Damaged { .. } => "it is damaged",
        NamespaceError::OfAnotherVersion { .. } => "another version of the host wrote it",
        _ => "the host cannot read it",
    };
    KeyValueError::Unavailable(format!("the namespace `{namespace}` is not available: {why}"))
}

fn check(key: &str) -> Result<(), KeyValueError> {
    let wrong = if key.is_empty() {
        "it is empty".to_owned()
    } else if key.len() > LONGEST_KEY {
        format!("it has {} bytes; the limit is {LONGEST_KEY}", key.len())
    } else if key.contains(char::is_control) {
        format!("`{}` contains a control character", key.escape_debug())
    } else {
        return Ok(());
    };
    Err(KeyValueError::InvalidKey(wrong))
}
