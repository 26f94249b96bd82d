//! What is asked and answered, as it stands on the tape of an evaluation.

use serde::{Deserialize, Serialize};

use super::super::content::Content;

/// The key whose value is wanted, or is to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    pub(crate) key: String,
}

/// What the keys that are wanted begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prefix {
    pub(crate) prefix: String,
}

/// A key and the value that it is to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assignment {
    pub(crate) key: String,
    pub(crate) value: Content,
}

/// Why a value cannot be had or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyValueError {
    ReadOnly,
    /// What is wrong with the key.
    InvalidKey(String),
    /// How much was granted for all keys and values together, in bytes.
    QuotaExceeded(u64),
    /// Why the host cannot get at the values.
    Unavailable(String),
}
