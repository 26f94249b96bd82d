//! The capability `key-value`: values that outlive an evaluation.
//!
//! Values belong to a namespace, which the operator names and several plugins may share. A call works on a
//! [`NamespaceSession`]: the values as they were when it first asked, with its own changes. Nothing is written here: the
//! changes of a call that answered are returned with the evaluation as [`NamespaceChanges`], and the caller of the plugin
//! stores them together with what it uses the answer for, or drops them. Values are read through [`Namespaces`]: from a folder
//! here, from the ledger elsewhere.

mod binding;
mod changes;
mod folder;
mod namespaces;
mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::ask::ask;
use super::base64_bytes::Base64Bytes;
use super::host_capability::{GrantError, HostCapability, HostServices};
use crate::sandbox::{HostFunction, Sandbox};
use binding::wit;
use session::{AssignmentQuestion, KeyQuestion, KeyValueError, NamespaceSession, PrefixQuestion};

pub use changes::{NamespaceChanges, ValueChanges};
pub use folder::FolderOfNamespaces;
pub use namespaces::{KeyValueGrant, NamespaceAccess, NamespaceError, Namespaces, check_namespace};

const GET: HostFunction = HostFunction::of_capability(KeyValueCapability::NAME, "get", 1_000);
const KEYS: HostFunction = HostFunction::of_capability(KeyValueCapability::NAME, "keys", 1_000);
const SET: HostFunction = HostFunction::of_capability(KeyValueCapability::NAME, "set", 1_000);
const DELETE: HostFunction = HostFunction::of_capability(KeyValueCapability::NAME, "delete", 1_000);

/// The namespace whose values a plugin may use, and the store that they are read from.
#[derive(Debug)]
pub(crate) struct KeyValueCapability {
    grant: KeyValueGrant,
    namespaces: Arc<dyn Namespaces>,
}

impl HostCapability for KeyValueCapability {
    const NAME: &'static str = "key-value";
    const GRANT_LINE: &'static str = " = { namespace = \"<name>\" }";
    const REACH: &'static str = "the values of the namespace that is granted";

    type Grant = Option<KeyValueGrant>;
    const DEFAULT_GRANT: Option<KeyValueGrant> = None;

    fn is_granted(grant: &Option<KeyValueGrant>) -> bool {
        grant.is_some()
    }

    fn covers(grant: &Option<KeyValueGrant>, scope: &str) -> bool {
        match scope {
            "read-only" => grant.is_some(),
            "read-write" => grant.as_ref().is_some_and(|grant| grant.access == NamespaceAccess::ReadWrite),
            _ => false,
        }
    }

    fn open(grant: &Option<KeyValueGrant>, services: &HostServices) -> Result<Option<Self>, GrantError> {
        let Some(grant) = grant else { return Ok(None) };
        check_namespace(&grant.namespace).map_err(GrantError::new)?;
        let namespaces = services.namespaces.clone();
        Ok(namespaces.map(|namespaces| Self { grant: grant.clone(), namespaces }))
    }

    /// The functions find the session of their call in the sandbox, where [`KeyValueCapability::begin`] puts it.
    fn link(_: Option<Arc<Self>>, linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
        type Answer<T> = wasmtime::Result<(Result<T, wit::KeyValueError>,)>;
        let mut interface = Self::instance(linker)?;
        interface.func_wrap(
            "get",
            |mut store: StoreContextMut<'_, Sandbox>, (key,): (String,)| -> Answer<Option<Vec<u8>>> {
                let key = KeyQuestion { key };
                let answer = ask(&mut store, GET, &key, |sandbox| session(sandbox)?.get(&key))?;
                Ok((answer.map(|value| value.map(|content| content.0)).map_err(binding::error),))
            },
        )?;
        interface.func_wrap(
            "keys",
            |mut store: StoreContextMut<'_, Sandbox>, (prefix,): (String,)| -> Answer<Vec<String>> {
                let prefix = PrefixQuestion { prefix };
                let answer = ask(&mut store, KEYS, &prefix, |sandbox| session(sandbox)?.keys(&prefix))?;
                Ok((answer.map_err(binding::error),))
            },
        )?;
        interface.func_wrap(
            "set",
            |mut store: StoreContextMut<'_, Sandbox>, (key, value): (String, Vec<u8>)| -> Answer<()> {
                let assignment = AssignmentQuestion { key, value: Base64Bytes(value) };
                let answer = ask(&mut store, SET, &assignment, |sandbox| session(sandbox)?.set(&assignment))?;
                Ok((answer.map_err(binding::error),))
            },
        )?;
        interface.func_wrap("delete", |mut store: StoreContextMut<'_, Sandbox>, (key,): (String,)| -> Answer<()> {
            let key = KeyQuestion { key };
            let answer = ask(&mut store, DELETE, &key, |sandbox| session(sandbox)?.delete(&key))?;
            Ok((answer.map_err(binding::error),))
        })
    }
}

impl KeyValueCapability {
    /// Begins the session of one call, which reads the values from `other` instead of the runtime's store, if that is given.
    pub(crate) fn begin(&self, sandbox: &mut Sandbox, other: Option<Arc<dyn Namespaces>>) {
        let namespaces = other.unwrap_or_else(|| Arc::clone(&self.namespaces));
        sandbox.state.insert(NamespaceSession::new(self.grant.clone(), namespaces));
    }

    /// Ends the session of the call, and returns its changes; none if it changed nothing, or a recording answered it.
    pub(crate) fn take_changes(sandbox: &mut Sandbox) -> Option<NamespaceChanges> {
        sandbox.state.take::<NamespaceSession>().and_then(NamespaceSession::into_changes)
    }

    /// The store that the values are read from.
    pub(crate) fn namespaces(&self) -> &Arc<dyn Namespaces> {
        &self.namespaces
    }

    /// The namespace, if the plugin may change its values.
    pub(crate) fn writable_namespace(&self) -> Option<&str> {
        (self.grant.access == NamespaceAccess::ReadWrite).then_some(self.grant.namespace.as_str())
    }
}

/// The session of the call.
fn session(sandbox: &mut Sandbox) -> Result<&mut NamespaceSession, KeyValueError> {
    let none = || KeyValueError::Unavailable("this host has no store for the values of plugins".to_owned());
    sandbox.state.get_mut().ok_or_else(none)
}
