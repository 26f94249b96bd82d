//! Version 0.1 of the contract.

mod answers;
mod descriptions;
mod directory;
mod facts;
mod host;
mod http;
mod intake;
mod key_value;
mod reports;
mod rollouts;
mod snapshot;
#[cfg(test)]
mod tests;

use lockgate_domain::Kind;
use wasmtime::component::{HasSelf, Linker};

use crate::sandbox::Sandbox;

pub(crate) use answers::{answer, plugin_error};
pub(crate) use descriptions::{description, settings_findings};
pub(crate) use directory::link_directory;
pub(crate) use http::link_http;
pub(crate) use intake::{Broken, Intake};
pub(crate) use key_value::link_key_value;
pub(crate) use reports::report;
pub(crate) use rollouts::{action, progress, rollout};

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod generated {
    /// The host resource `evaluation`. There is one in a sandbox, so a handle to it says nothing: the snapshot is the
    /// sandbox's.
    #[derive(Debug)]
    pub enum Evaluation {}

    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host", "../../wit/approval", "../../wit/check", "../../wit/strategy"],
        inline: "
            package lockgate:runtime;
            world plugin {
                import lockgate:host/snapshot@0.1.0;
                import lockgate:host/log@0.1.0;
                import lockgate:host/directory@0.1.0;
                import lockgate:host/http@0.1.0;
                import lockgate:host/key-value@0.1.0;
                export lockgate:types/plugin@0.1.0;
                export lockgate:approval/policy@0.1.0;
                export lockgate:check/check@0.1.0;
                export lockgate:strategy/strategy@0.1.0;
            }
        ",
        world: "lockgate:runtime/plugin",
        imports: { default: trappable },
        with: { "lockgate:host/snapshot.evaluation": Evaluation },
    });
}

pub(crate) use generated::exports::lockgate::approval::policy;
pub(crate) use generated::exports::lockgate::check::check;
pub(crate) use generated::exports::lockgate::strategy::strategy;
pub(crate) use generated::exports::lockgate::types::plugin;
pub(crate) use generated::lockgate::host::snapshot as host_snapshot;
pub(crate) use generated::lockgate::types::types;

use generated::Evaluation;
use generated::lockgate::host::log as host_log;

/// What every plugin exports, without its version.
pub(crate) const PLUGIN: &str = "lockgate:types/plugin";

/// The interface that makes a plugin one of a kind, without its version.
pub(crate) fn interface_of(kind: Kind) -> &'static str {
    match kind {
        Kind::ApprovalPolicy => "lockgate:approval/policy",
        Kind::ValidationCheck => "lockgate:check/check",
        Kind::Strategy => "lockgate:strategy/strategy",
    }
}

pub(crate) fn link_snapshot(linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
    host_snapshot::add_to_linker::<_, HasSelf<_>>(linker, |sandbox| sandbox)?;
    host::link_bulk(linker)
}

pub(crate) fn link_log(linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
    host_log::add_to_linker::<_, HasSelf<_>>(linker, |sandbox| sandbox)
}
