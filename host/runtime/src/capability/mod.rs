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
mod log;
mod name;

use std::collections::BTreeMap;

use wasmtime::component::Linker;

use crate::bindings::v0;
use crate::sandbox::Sandbox;

pub use content::Content;
pub use directory::{DirectoryGrant, DirectoryGrantError};
pub use exchange::Exchange;

pub(crate) use directory::{Directories, DirectoryError, EntryKind, Listing, Place};
pub(crate) use evidence::Patterns;
pub(crate) use exchange::{NotRecorded, Recorded, Tape, ask, charge};
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
    /// Whether all that it asks its capabilities is answered out of a recording. It may then import every capability,
    /// and reaches nothing. Default: no.
    pub recorded: bool,
}

impl Default for Grants {
    fn default() -> Self {
        Self { log: true, evidence: Vec::new(), directories: BTreeMap::new(), recorded: false }
    }
}

/// Why something cannot be granted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// A directory.
    #[error(transparent)]
    Directory(#[from] DirectoryGrantError),
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
        reach: "nothing: the words of the contract",
    },
    Offered {
        interface: "lockgate:host/snapshot",
        granted_by: None,
        is_granted: |_| true,
        reach: "the snapshot that is decided on, and of its evidence what is granted",
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
];

/// What is granted, made ready: directories are open, rules are parsed.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) evidence: Patterns,
    pub(crate) directories: Directories,
}

impl Held {
    /// Makes ready what is granted.
    pub(crate) fn open(grants: &Grants) -> Result<Self, GrantError> {
        let evidence = Patterns::new(&grants.evidence);
        if grants.recorded {
            return Ok(Self { evidence, ..Self::default() });
        }
        Ok(Self { evidence, directories: Directories::open(&grants.directories)? })
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
        Ok(())
    }
}
