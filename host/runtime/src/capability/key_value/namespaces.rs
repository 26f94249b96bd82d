//! Namespaces: what an operator grants of one, where its values are kept, and what can go wrong with it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::super::name;
use crate::display::Bytes;

/// How a plugin may use the values of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceAccess {
    /// It may read them.
    ReadOnly,
    /// It may read and change them.
    ReadWrite,
}

/// The namespace whose values a plugin may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValueGrant {
    /// The name of the namespace: lower-case words joined by hyphens. Plugins with the same namespace share its values.
    pub namespace: String,
    /// Whether the plugin may change the values.
    pub access: NamespaceAccess,
    /// The largest size of all keys and values of the namespace together, in bytes. A namespace that is larger already keeps
    /// its values, and may only shrink. Default: 64 KiB.
    pub quota: u64,
}

impl KeyValueGrant {
    /// A grant of the namespace with the default quota.
    pub fn new(namespace: impl Into<String>, access: NamespaceAccess) -> Self {
        Self { namespace: namespace.into(), access, quota: 64 << 10 }
    }
}

/// Checks the name of a namespace, by the rule for every store.
///
/// # Errors
/// [`NamespaceError::InvalidName`].
pub fn check_namespace(namespace: &str) -> Result<(), NamespaceError> {
    if name::is_name(namespace) { Ok(()) } else { Err(NamespaceError::InvalidName { namespace: namespace.to_owned() }) }
}

/// The store that calls read the values of namespaces from. Several threads, processes and machines may use one store at the
/// same time.
///
/// Calls only read. Their changes are returned with the evaluation, as [`NamespaceChanges`](super::NamespaceChanges).
pub trait Namespaces: Debug + Send + Sync {
    /// The current keys and values of a namespace, as one write left them. A namespace that was never written to is empty.
    ///
    /// # Errors
    /// If the name is invalid, or the values cannot be read completely.
    fn read(&self, namespace: &str) -> Result<BTreeMap<String, Vec<u8>>, NamespaceError>;
}

/// Why the values of a namespace cannot be read or stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NamespaceError {
    /// The name is invalid.
    #[error("`{namespace}` is not a valid name of a namespace: use {rule}", rule = name::RULE)]
    InvalidName {
        /// The invalid name.
        namespace: String,
    },
    /// The folder or a file in it cannot be created, read or written.
    #[error("cannot use `{}`, where values of plugins are stored: {error}", .path.display())]
    Unusable {
        /// The folder or the file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// Other users have access to the folder.
    #[error(
        "the folder `{}` is open to others (mode {mode:o}): what is in it turns decisions, so make it private with \
         `chmod 700`",
        .path.display()
    )]
    Shared {
        /// The folder.
        path: PathBuf,
        /// The permissions of the folder.
        mode: u32,
    },
    /// The file is damaged.
    #[error("the namespace file `{}` is damaged: {reason}; restore a copy, or remove the file to start empty", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with the file.
        reason: String,
    },
    /// The file has a version that this host does not read.
    #[error(
        "the namespace file `{}` has version {version}; this Lockgate reads version 1: use the version that wrote it",
        .path.display()
    )]
    OfAnotherVersion {
        /// The file.
        path: PathBuf,
        /// The version of the file.
        version: u64,
    },
    /// Another process has held the lock of the namespace for too long.
    #[error("another process has locked `{}` for {} s: end that process", .path.display(), .waited.as_secs())]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long this process waited.
        waited: Duration,
    },
    /// The changes would exceed the quota.
    #[error(
        "the namespace `{namespace}` would take {} of the {} granted: grant more, or delete some of its keys",
        Bytes(*.needed),
        Bytes(*.quota)
    )]
    QuotaExceeded {
        /// The namespace.
        namespace: String,
        /// The size of all keys and values after the changes, in bytes.
        needed: u64,
        /// The quota, in bytes.
        quota: u64,
    },
    /// Another store failed, for example the ledger.
    #[error(transparent)]
    Store(Box<dyn Error + Send + Sync>),
}
