//! What a plugin can be allowed to use beside the snapshot, and what its operator allows it.
//!
//! One module per capability. Each says what can be granted and does what is asked; here stands what all have in common:
//! the list of interfaces that the host offers, the grants, and linking what is granted and nothing else. What is not
//! granted does not exist inside the sandbox.
//!
//! To add one: an interface in `wit/host`, a module here, its grant in [`Grants`], its line in [`OFFERED`], its state in
//! [`Held`], and its functions in `bindings`, each of which asks through [`ask`].

mod content;
mod directory;
mod evidence;
mod exchange;
mod http;
mod key_value;
mod log;
mod name;
pub(crate) mod wasi;

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::Linker;

use crate::admission::InterfaceName;
use crate::bindings::v0;
use crate::sandbox::Sandbox;

pub use content::Content;
pub use directory::{DirectoryGrant, DirectoryGrantError};
pub use exchange::Exchange;
pub use http::{AddressRange, HttpGrant, HttpGrantError, Method, Origin};
pub use key_value::{
    FolderOfNamespaces, KeyValueGrant, NamespaceAccess, NamespaceChanges, NamespaceError, Namespaces, ValueChanges,
    check_namespace,
};

pub(crate) use directory::{Directories, DirectoryError, EntryKind, Listing, Place};
pub(crate) use evidence::Patterns;
pub(crate) use exchange::{NotRecorded, Recorded, Tape, ask, charge};
pub(crate) use http::{Client, HttpError, NameCache, Request, Response};
pub(crate) use key_value::{AssignmentQuestion, KeyQuestion, KeyValueError, PrefixQuestion, Session};
pub(crate) use log::Log;

/// What the operator allows a plugin to use. The default is the least that is useful: it may log, and reaches nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    /// Whether it may log. Default: yes.
    pub log: bool,
    /// Which evidence it may read, by name: patterns in which `*` stands for any run of characters. Default: none.
    pub evidence: Vec<String>,
    /// Which directories it may read, by the names that it knows them by. Default: none.
    pub directories: BTreeMap<String, DirectoryGrant>,
    /// Which origins it may ask. Default: none.
    pub http: Vec<HttpGrant>,
    /// Which values it may use that outlive a call. Default: none.
    pub key_value: Option<KeyValueGrant>,
    /// Whether all that it asks its capabilities is answered out of a recording. It may then import every capability,
    /// and reaches nothing. Default: no.
    pub recorded: bool,
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            log: true,
            evidence: Vec::new(),
            directories: BTreeMap::new(),
            http: Vec::new(),
            key_value: None,
            recorded: false,
        }
    }
}

/// Why something cannot be granted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// A directory.
    #[error(transparent)]
    Directory(#[from] DirectoryGrantError),
    /// An origin.
    #[error(transparent)]
    Http(#[from] HttpGrantError),
    /// A namespace.
    #[error(transparent)]
    KeyValue(#[from] NamespaceError),
}

/// An interface that the host offers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offered {
    /// Without its version.
    pub(crate) interface: &'static str,
    /// What grants it: the name of the capability and the line in the deployment model; none if it always is granted.
    pub(crate) granted_by: Option<(&'static str, &'static str)>,
    /// Whether these grants grant it.
    pub(crate) is_granted: fn(&Grants) -> bool,
    /// What a plugin reaches through it, in words.
    pub(crate) reach: &'static str,
}

/// All of them.
pub(crate) const OFFERED: &[Offered] = &[
    Offered {
        interface: "lockgate:types/types",
        granted_by: None,
        is_granted: |_| true,
        reach: "nothing: it only has the types of the contract",
    },
    Offered {
        interface: "lockgate:host/snapshot",
        granted_by: None,
        is_granted: |_| true,
        reach: "the snapshot of the deployment, and the evidence that is granted",
    },
    Offered {
        interface: "lockgate:host/log",
        granted_by: Some(("log", "grants.log = true")),
        is_granted: |grants| grants.log,
        reach: "the log, for writing lines",
    },
    Offered {
        interface: "lockgate:host/directory",
        granted_by: Some(("directory", "grants.directory.<name> = \"<path>\"")),
        is_granted: |grants| grants.recorded || !grants.directories.is_empty(),
        reach: "the directories that are granted, for reading",
    },
    Offered {
        interface: "lockgate:host/http",
        granted_by: Some(("http", "grants.http = [{ origin = \"https://<host>\" }]")),
        is_granted: |grants| grants.recorded || !grants.http.is_empty(),
        reach: "the origins that are granted, over the network",
    },
    Offered {
        interface: "lockgate:host/key-value",
        granted_by: Some(("key-value", "grants.key-value = { namespace = \"<name>\" }")),
        is_granted: |grants| grants.recorded || grants.key_value.is_some(),
        reach: "the values of the namespace that is granted",
    },
];

/// What a plugin reaches through an interface; none if it is not offered.
pub(crate) fn reach(import: InterfaceName<'_>) -> Option<&'static str> {
    let offered = OFFERED.iter().find(|offered| offered.interface == import.interface).map(|offered| offered.reach);
    offered.or_else(|| wasi::interface(import.whole).map(|_| "nothing: the host's WASI is empty"))
}

/// What is granted, made ready: directories are open, rules are parsed.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) log: bool,
    pub(crate) evidence: Patterns,
    pub(crate) directories: Directories,
    pub(crate) http: Option<Client>,
    key_value: Option<(KeyValueGrant, Arc<dyn Namespaces>)>,
}

impl Held {
    /// Makes ready what is granted.
    pub(crate) fn open(grants: &Grants, namespaces: Option<&Arc<dyn Namespaces>>) -> Result<Self, GrantError> {
        let evidence = Patterns::new(&grants.evidence);
        if grants.recorded {
            return Ok(Self { log: grants.log, evidence, ..Self::default() });
        }
        if let Some(grant) = &grants.key_value {
            grant.check()?;
        }
        Ok(Self {
            log: grants.log,
            evidence,
            directories: Directories::open(&grants.directories)?,
            http: if grants.http.is_empty() { None } else { Some(Client::new(&grants.http)?) },
            key_value: grants.key_value.clone().zip(namespaces.cloned()),
        })
    }

    /// One call's view of the values that are granted: those of the runtime's store, or, where the caller names another
    /// one, of that.
    pub(crate) fn session(&self, other: Option<Arc<dyn Namespaces>>) -> Option<Session> {
        let (grant, namespaces) = self.key_value.as_ref()?;
        Some(Session::new(grant.clone(), other.unwrap_or_else(|| Arc::clone(namespaces))))
    }

    /// The store of the values that are granted.
    pub(crate) fn namespaces(&self) -> Option<&Arc<dyn Namespaces>> {
        self.key_value.as_ref().map(|(_, namespaces)| namespaces)
    }

    /// The namespace whose values it may change, if there is one.
    pub(crate) fn writable_namespace(&self) -> Option<&str> {
        let (grant, _) = self.key_value.as_ref()?;
        (grant.access == NamespaceAccess::ReadWrite).then_some(grant.namespace.as_str())
    }
}

impl Grants {
    /// Whether all that a plugin asks for under the name of a capability is granted; none if this host does not know
    /// the capability.
    pub fn covers(&self, capability: &lockgate_domain::Capability) -> Option<bool> {
        match capability.name.as_str() {
            "log" => Some(self.log),
            "evidence" => {
                let granted = Patterns::new(&self.evidence);
                Some(!self.evidence.is_empty() && capability.scope.iter().all(|asked| granted.covers(asked)))
            }
            "directory" => {
                let is_granted = |name: &String| self.directories.contains_key(name);
                Some(!self.directories.is_empty() && capability.scope.iter().all(is_granted))
            }
            "http" => {
                let is_granted = |asked: &String| {
                    let origin = asked.parse::<Origin>();
                    origin.is_ok_and(|origin| self.http.iter().any(|grant| grant.origin == origin))
                };
                Some(!self.http.is_empty() && capability.scope.iter().all(is_granted))
            }
            "key-value" => {
                let writes = self.key_value.as_ref().is_some_and(|grant| grant.access == NamespaceAccess::ReadWrite);
                let is_granted = |asked: &String| match asked.as_str() {
                    "read-only" => true,
                    "read-write" => writes,
                    _ => false,
                };
                Some(self.key_value.is_some() && capability.scope.iter().all(is_granted))
            }
            _ => None,
        }
    }

    /// Links what is granted, and nothing else.
    pub(crate) fn link(&self, linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
        v0::link_snapshot(linker)?;
        if self.log {
            v0::link_log(linker)?;
        }
        if self.recorded || !self.directories.is_empty() {
            v0::link_directory(linker)?;
        }
        if self.recorded || !self.http.is_empty() {
            v0::link_http(linker)?;
        }
        if self.recorded || self.key_value.is_some() {
            v0::link_key_value(linker)?;
        }
        Ok(())
    }
}
