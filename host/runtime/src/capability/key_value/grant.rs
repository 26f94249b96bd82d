//! What an operator grants.

use super::super::name;
use super::NamespaceError;

/// What a plugin may do with the values of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
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
    pub access: Access,
    /// How much room all keys and values of the namespace may take together, in bytes. Default: 64 KiB. What takes
    /// more already stays, and may shrink.
    pub quota: u64,
}

impl KeyValueGrant {
    /// Grants the namespace with the default quota.
    pub fn new(namespace: impl Into<String>, access: Access) -> Self {
        Self { namespace: namespace.into(), access, quota: 64 << 10 }
    }

    /// Whether it can be granted.
    ///
    /// # Errors
    /// [`NamespaceError::InvalidName`].
    pub(crate) fn check(&self) -> Result<(), NamespaceError> {
        check_namespace(&self.namespace)
    }
}

/// Whether that can be the name of a namespace: the rule for every store.
///
/// # Errors
/// [`NamespaceError::InvalidName`].
pub fn check_namespace(namespace: &str) -> Result<(), NamespaceError> {
    if name::is_name(namespace) { Ok(()) } else { Err(NamespaceError::InvalidName { namespace: namespace.to_owned() }) }
}
