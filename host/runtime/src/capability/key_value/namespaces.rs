//! Namespaces: what an operator grants of one, where its values are kept, and what can go wrong with it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::super::name;
use crate::display::Bytes;

/// What a plugin may do with the values of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceAccess {
    /// See them.
    ReadOnly,
    /// See and change them.
    ReadWrite,
}

/// The values that a plugin may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValueGrant {
    /// Whose values they are: lower-case words joined by hyphens. Plugins that are granted the same namespace share
    /// what is in it.
    pub namespace: String,
    /// What the plugin may do with them.
    pub access: NamespaceAccess,
    /// How much room all keys and values of the namespace may take together, in bytes. Default: 64 KiB. What takes
    /// more already stays, and may shrink.
    pub quota: u64,
}

impl KeyValueGrant {
    /// Grants the namespace with the default quota.
    pub fn new(namespace: impl Into<String>, access: NamespaceAccess) -> Self {
        Self { namespace: namespace.into(), access, quota: 64 << 10 }
    }
}

/// Whether that can be the name of a namespace: the rule for every store.
///
/// # Errors
/// [`NamespaceError::InvalidName`].
pub fn check_namespace(namespace: &str) -> Result<(), NamespaceError> {
    if name::is_name(namespace) { Ok(()) } else { Err(NamespaceError::InvalidName { namespace: namespace.to_owned() }) }
}

/// Where calls read the values of namespaces. Several threads, processes and machines may use one store at the same time.
///
/// A call only reads: what it changes comes back with its evaluation, as [`NamespaceChanges`](super::NamespaceChanges).
pub trait Namespaces: Debug + Send + Sync {
    /// All keys and values as they are now, as some write left them. A namespace that nobody has written to is empty.
    ///
    /// # Errors
    /// If the name cannot be one, or the values cannot be had whole.
    fn read(&self, namespace: &str) -> Result<BTreeMap<String, Vec<u8>>, NamespaceError>;
}

/// Why the values of a namespace cannot be had or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NamespaceError {
    /// Its name cannot be one.
    #[error("`{namespace}` cannot be the name of a namespace: write {rule}", rule = name::RULE)]
    InvalidName {
        /// The name that was given.
        namespace: String,
    },
    /// The folder, or a file in it, cannot be created, read or written.
    #[error("`{}`, where values of plugins are kept, cannot be used: {error}", .path.display())]
    Unusable {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Others can look into the folder.
    #[error(
        "the folder `{}` is open to others (mode {mode:o}): what is in it turns decisions, so make it private with \
         `chmod 700`",
        .path.display()
    )]
    Shared {
        /// The folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file is not as it was written.
    #[error("the namespace file `{}` is damaged: {reason}; put a copy back, or remove it to begin anew", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is one of a later version.
    #[error(
        "the namespace file `{}` has version {version}, and this Lockgate reads version 1: use the one that wrote it",
        .path.display()
    )]
    OfAnotherVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// Somebody else is writing, and does not come to an end.
    #[error("somebody has been holding `{}` for {} s: end the process that does", .path.display(), .waited.as_secs())]
    Busy {
        /// The file that is locked.
        path: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// There is no room.
    #[error(
        "the namespace `{namespace}` would take {} of the {} granted: grant more, or delete some of its keys",
        Bytes(*.needed),
        Bytes(*.quota)
    )]
    QuotaExceeded {
        /// The namespace.
        namespace: String,
        /// How much its keys and values would take, in bytes.
        needed: u64,
        /// How much they may take, in bytes.
        quota: u64,
    },
    /// What another store says.
    #[error(transparent)]
    Store(Box<dyn Error + Send + Sync>),
}
