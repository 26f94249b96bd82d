//! The capability `log`: lines for the author and the operator of a plugin.

use std::sync::Arc;

use lockgate_domain::LogLevel;
use wasmtime::component::{HasSelf, Linker};

use super::host_capability::{GrantError, HostCapability, HostServices};
use crate::sandbox::Sandbox;
use generated::lockgate::host::log as wit;

/// What wasmtime generates from `lockgate:host/log`.
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host"],
        inline: "package lockgate:runtime; world capability { import lockgate:host/log@0.2.0-rc.2; }",
        world: "lockgate:runtime/capability",
        imports: { default: trappable },
    });
}

/// The right to log. The lines are kept by the sandbox, within its limits.
#[derive(Debug)]
pub(crate) struct LogCapability;

impl HostCapability for LogCapability {
    const NAME: &'static str = "log";
    const GRANT_LINE: &'static str = " = true";
    const REACH: &'static str = "the log, for writing lines";
    const IS_RECORDED: bool = false;

    type Grant = bool;
    const DEFAULT_GRANT: bool = true;

    fn is_granted(grant: &bool) -> bool {
        *grant
    }

    fn covers(_: &bool, _: &str) -> bool {
        true
    }

    fn open(grant: &bool, _: &HostServices) -> Result<Option<Self>, GrantError> {
        Ok(grant.then_some(Self))
    }

    fn link(_: Option<Arc<Self>>, linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
        wit::add_to_linker::<_, HasSelf<_>>(linker, |sandbox| sandbox)
    }
}

impl wit::Host for Sandbox {
    fn log(&mut self, level: wit::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            wit::Level::Trace => LogLevel::Trace,
            wit::Level::Debug => LogLevel::Debug,
            wit::Level::Info => LogLevel::Info,
            wit::Level::Warn => LogLevel::Warn,
            wit::Level::Error => LogLevel::Error,
        };
        self.write_log(level, message)
    }
}
