//! The trait [`HostCapability`], which one type for each capability implements.

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;

use lockgate_domain::CONTRACT_VERSION;
use wasmtime::component::{Linker, LinkerInstance};

use super::key_value::Namespaces;
use crate::sandbox::Sandbox;

/// A capability: an ability that a plugin can be granted besides the snapshot.
///
/// A value of the type is the grant of one plugin, opened when the plugin was loaded; its host functions hold it.
pub(crate) trait HostCapability: Debug + Send + Sync + Sized + 'static {
    /// The name: in `describe` of plugins, in the grants of a deployment model, and, if it is imported, that of its
    /// interface in `lockgate:host`. Lower-case words joined by hyphens.
    const NAME: &'static str;
    /// How a deployment model grants it: the text after `grants.<name>` in the line, for example ` = true`.
    const GRANT_LINE: &'static str;
    /// What a plugin reaches through it, as `lockgate plugin inspect` shows it.
    const REACH: &'static str;
    /// Whether a plugin imports it as an interface of its own. If not, it is a part of the snapshot.
    const IS_IMPORTED: bool = true;
    /// Whether its answers come from outside of the snapshot. It then asks through [`ask`](super::ask::ask), so that
    /// its answers are on the tape, and a recording can answer instead of it.
    const IS_RECORDED: bool = true;
    /// Whether a call of it may wait for other machines.
    const MAY_WAIT: bool = false;

    /// The operator's grant: the type of its field in [`Grants`](super::Grants).
    type Grant;
    /// The default grant.
    const DEFAULT_GRANT: Self::Grant;

    /// Whether anything is granted.
    fn is_granted(grant: &Self::Grant) -> bool;

    /// Whether the grant covers one part of the scope that a plugin asks for in `describe`. The grant is not empty.
    fn covers(grant: &Self::Grant, scope: &str) -> bool;

    /// Opens the grant. None if nothing is granted, or this host cannot provide it.
    ///
    /// # Errors
    /// If the grant is not valid.
    fn open(grant: &Self::Grant, services: &HostServices) -> Result<Option<Self>, GrantError>;

    /// Defines its host functions. `opened` is none if no question is answered live: while a plugin is examined, and
    /// during a replay.
    ///
    /// # Errors
    /// If wasmtime refuses a definition, because two have the same name.
    fn link(opened: Option<Arc<Self>>, linker: &mut Linker<Sandbox>) -> wasmtime::Result<()>;

    /// The instance in which the functions of an imported capability are defined.
    fn instance(linker: &mut Linker<Sandbox>) -> wasmtime::Result<LinkerInstance<'_, Sandbox>> {
        linker.instance(&format!("lockgate:host/{}@{CONTRACT_VERSION}", Self::NAME))
    }
}

/// What the host provides to capabilities.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostServices {
    /// The store of the values that plugins keep.
    pub(crate) namespaces: Option<Arc<dyn Namespaces>>,
}

/// Why a capability cannot be granted as its operator wrote it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct GrantError(Box<dyn Error + Send + Sync>);

impl GrantError {
    pub(crate) fn new(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}
