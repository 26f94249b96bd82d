//! What a plugin can be allowed to use beside the snapshot, and what its operator allows it.
//!
//! One module per capability. Each names its interface, says what grants it, and is linked only where it is granted:
//! what is not granted does not exist inside the sandbox.

mod evidence;
mod log;

use wasmtime::component::Linker;

use crate::bindings::v0;
use crate::sandbox::Sandbox;

pub(crate) use evidence::Patterns;
pub(crate) use log::Log;

/// What the operator allows a plugin to use. The default is the least that is useful: it may log, and reads no
/// evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    /// Whether it may log. Default: yes.
    pub log: bool,
    /// Which evidence it may read, by name: patterns in which `*` stands for any run of characters. Default: none.
    pub evidence: Vec<String>,
}

impl Default for Grants {
    fn default() -> Self {
        Self { log: true, evidence: Vec::new() }
    }
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
}

/// All of them.
pub(crate) const OFFERED: &[Offered] = &[
    Offered { interface: "lockgate:types/types", granted_by: None, is_granted: |_| true },
    Offered { interface: "lockgate:host/snapshot", granted_by: None, is_granted: |_| true },
    Offered { interface: "lockgate:host/log", granted_by: Some(("log", "grants.log = true")), is_granted: |g| g.log },
];

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
            _ => None,
        }
    }

    /// Links what is granted, and nothing else.
    pub(crate) fn link(&self, linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
        v0::link_snapshot(linker)?;
        if self.log {
            v0::link_log(linker)?;
        }
        Ok(())
    }
}
