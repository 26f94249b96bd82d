//! The capabilities that a plugin can be granted besides the snapshot, and the operator's grants.
//!
//! Each capability is one type behind the trait [`HostCapability`], with its binding in one folder. `capabilities!`
//! lists them, and everything that concerns all of them is made from that list: the grants, their opening and linking,
//! and the output of `lockgate plugin inspect`. A capability that is not granted does not exist inside the sandbox.
//!
//! `CONTRIBUTING.md` says how to add one.

mod ask;
mod base64_bytes;
mod directory;
mod evidence;
mod facts;
mod host_capability;
mod http;
mod key_value;
mod log;
mod name;
mod name_patterns;

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::Linker;

use crate::sandbox::Sandbox;
use directory::DirectoryCapability;
use evidence::EvidenceCapability;
use facts::FactsCapability;
use host_capability::HostCapability;
use http::HttpCapability;
use log::LogCapability;

pub use base64_bytes::Base64Bytes;
pub use directory::{DirectoryGrant, DirectoryGrantError};
pub use host_capability::GrantError;
pub(crate) use host_capability::HostServices;
pub use http::{
    AddressRange, AddressRangeError, HttpGrant, HttpGrantError, HttpMethod, HttpMethodError, Origin, OriginError,
};
pub(crate) use key_value::KeyValueCapability;
pub use key_value::{
    FolderOfNamespaces, KeyValueGrant, NamespaceAccess, NamespaceChanges, NamespaceError, Namespaces, ValueChanges,
    check_namespace,
};
pub(crate) use name_patterns::NamePatterns;

/// Makes the types and functions that have a part for each capability of the list.
macro_rules! capabilities {
    ($($(#[$doc:meta])* $field:ident: $grant:ty => $capability:ty,)*) => {
        /// The operator's grants to a plugin. The default is the least that is useful: it may log, and reaches nothing.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Grants {
            $($(#[$doc])* pub $field: $grant,)*
            /// Whether a recording answers all questions to capabilities. The plugin may then import every capability,
            /// and reaches nothing. Default: no.
            pub recorded: bool,
        }

        impl Default for Grants {
            fn default() -> Self {
                Self { $($field: <$capability>::DEFAULT_GRANT,)* recorded: false }
            }
        }

        impl Grants {
            /// Whether everything that a plugin asks for under the name of a capability is granted. None if this host
            /// does not know the capability.
            pub fn covers(&self, asked: &lockgate_domain::Capability) -> Option<bool> {
                $(if asked.name == <$capability>::NAME {
                    return Some(covers::<$capability>(&self.$field, &asked.scope));
                })*
                None
            }

            /// All capabilities, with their grants.
            pub(crate) fn capabilities(&self) -> impl Iterator<Item = CapabilitySummary> {
                [$(CapabilitySummary::of::<$capability>(&self.$field, self.recorded),)*].into_iter()
            }

            /// Defines the host functions of the granted capabilities, and no others. They use the capabilities in
            /// `opened`.
            pub(crate) fn link(
                &self,
                opened: &GrantedCapabilities,
                linker: &mut Linker<Sandbox>,
            ) -> wasmtime::Result<()> {
                $(if is_linked::<$capability>(&self.$field, self.recorded) {
                    <$capability>::link(opened.$field.clone(), linker)?;
                })*
                Ok(())
            }
        }

        /// The granted capabilities, opened: directories are open, rules are parsed. By default there are none.
        #[derive(Debug, Default)]
        pub(crate) struct GrantedCapabilities {
            $(pub(crate) $field: Option<Arc<$capability>>,)*
        }

        impl GrantedCapabilities {
            /// Opens the grants.
            ///
            /// # Errors
            /// The first grant that is not valid.
            pub(crate) fn open(grants: &Grants, services: &HostServices) -> Result<Self, GrantError> {
                Ok(Self { $($field: open::<$capability>(&grants.$field, grants.recorded, services)?,)* })
            }

            /// Whether a call may wait for other machines.
            pub(crate) fn may_wait(&self) -> bool {
                [$(<$capability>::MAY_WAIT && self.$field.is_some(),)*].contains(&true)
            }
        }
    };
}

capabilities! {
    /// Whether the plugin may log. Default: yes.
    log: bool => LogCapability,
    /// The evidence that the plugin may read, by name: [patterns](lockgate_domain::Pattern). Default: none.
    evidence: Vec<String> => EvidenceCapability,
    /// The facts that the plugin may read, by name: [patterns](lockgate_domain::Pattern). Default: none.
    facts: Vec<String> => FactsCapability,
    /// The directories that the plugin may read, by the plugin's names for them. Default: none.
    directories: BTreeMap<String, DirectoryGrant> => DirectoryCapability,
    /// The origins that the plugin may send requests to. Default: none.
    http: Vec<HttpGrant> => HttpCapability,
    /// The lasting values that the plugin may use. Default: none.
    key_value: Option<KeyValueGrant> => KeyValueCapability,
}

/// A capability as far as it is known without running anything, and whether it is granted.
#[derive(Clone, Debug)]
pub(crate) struct CapabilitySummary {
    pub(crate) name: &'static str,
    /// See [`HostCapability::REACH`].
    pub(crate) reach: &'static str,
    /// The line of a deployment model that grants it.
    pub(crate) grant_line: String,
    pub(crate) is_granted: bool,
    is_imported: bool,
}

impl CapabilitySummary {
    fn of<C: HostCapability>(grant: &C::Grant, recorded: bool) -> Self {
        Self {
            name: C::NAME,
            reach: C::REACH,
            grant_line: format!("grants.{}{}", C::NAME, C::GRANT_LINE),
            is_granted: is_linked::<C>(grant, recorded),
            is_imported: C::IS_IMPORTED,
        }
    }

    /// Whether a plugin uses it by importing this interface, which is named without its version.
    pub(crate) fn is_imported_as(&self, interface: &str) -> bool {
        self.is_imported && interface.strip_prefix("lockgate:host/") == Some(self.name)
    }
}

fn covers<C: HostCapability>(grant: &C::Grant, scope: &[String]) -> bool {
    C::is_granted(grant) && scope.iter().all(|part| C::covers(grant, part))
}

/// Whether its functions exist for the plugin: if they are granted, or if a recording answers them.
fn is_linked<C: HostCapability>(grant: &C::Grant, recorded: bool) -> bool {
    C::is_granted(grant) || (recorded && C::IS_RECORDED)
}

fn open<C: HostCapability>(
    grant: &C::Grant,
    recorded: bool,
    services: &HostServices,
) -> Result<Option<Arc<C>>, GrantError> {
    if recorded && C::IS_RECORDED {
        return Ok(None);
    }
    Ok(C::open(grant, services)?.map(Arc::new))
}

/// What of the snapshot a plugin may read, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadGrants {
    evidence: Option<Arc<EvidenceCapability>>,
    facts: Option<Arc<FactsCapability>>,
}

impl GrantedCapabilities {
    /// What of the snapshot the plugin may read.
    pub(crate) fn read_grants(&self) -> ReadGrants {
        ReadGrants { evidence: self.evidence.clone(), facts: self.facts.clone() }
    }
}

impl ReadGrants {
    /// All that the snapshot holds.
    #[cfg(test)]
    pub(crate) fn everything() -> Self {
        Self::of(&["*"], &["*", "fact:*"])
    }

    /// What these patterns grant.
    #[cfg(test)]
    pub(crate) fn of(evidence: &[&str], facts: &[&str]) -> Self {
        let (owned, services) = (
            |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
            HostServices::default(),
        );
        let evidence = EvidenceCapability::open(&owned(evidence), &services).ok().flatten().map(Arc::new);
        let facts = FactsCapability::open(&owned(facts), &services).ok().flatten().map(Arc::new);
        Self { evidence, facts }
    }

    /// Whether the evidence with this name may be read.
    pub(crate) fn evidence(&self, name: &str) -> bool {
        self.evidence.as_ref().is_some_and(|granted| granted.patterns().allow(name))
    }

    /// Whether the register with this name may be read.
    pub(crate) fn register(&self, name: &str) -> bool {
        self.facts.as_ref().is_some_and(|granted| granted.allows_register(name))
    }

    /// Whether the fact of the organisation with this name may be read.
    pub(crate) fn fact(&self, name: &str) -> bool {
        self.facts.as_ref().is_some_and(|granted| granted.allows_fact(name))
    }
}
