//! The capability `key-value`: a few values that outlive the evaluation.
//!
//! What is kept belongs to a namespace, which the operator names and several plugins may share. A call works on a
//! [`Session`]: the values as they were when it first asked, and its own changes. Nothing is written here: once the call
//! has given an answer, its changes come back with the evaluation as [`NamespaceChanges`], and who called the plugin keeps
//! them with what the answer is used for, or drops them. Where values are read is behind [`Namespaces`]: a folder here, a
//! ledger elsewhere. This module knows neither the contract's types nor the sandbox.

mod changes;
mod folder;
mod namespaces;
mod session;
#[cfg(test)]
mod tests;

pub use changes::{NamespaceChanges, ValueChanges};
pub use folder::FolderOfNamespaces;
pub use namespaces::{KeyValueGrant, NamespaceAccess, NamespaceError, Namespaces, check_namespace};
pub(crate) use session::{AssignmentQuestion, KeyQuestion, KeyValueError, PrefixQuestion, Session};
