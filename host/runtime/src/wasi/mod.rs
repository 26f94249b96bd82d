//! An empty WASI, for components whose language needs one.
//!
//! An interpreter such as Python's imports all of WASI, whatever its program does. The functions that it gets are defined here,
//! under the names that it imports. None of this code can reach a file, a socket, a clock or the random numbers of the system,
//! so nothing can be configured wrongly, and nothing has to be granted:
//!
//! | part of WASI 0.2 | content |
//! |---|---|
//! | environment, arguments, directories | none; no working directory |
//! | standard input | closed |
//! | standard output and error | lines of the plugin's log, `info` and `warn`; nothing, where `log` is not granted |
//! | the end of standard error | part of the failure, where the call traps: the text of a panic or an exception |
//! | wall clock | always the snapshot's `now`; 1970 while there is no snapshot |
//! | monotonic clock | always 0; every wait ends at once, so no thread sleeps |
//! | random numbers | a stream seeded by the digest of the snapshot, the same in a replay; also for `insecure` |
//! | files, sockets | cannot be created; a function that needs one stops the call |
//! | `exit` | stops the call |
//!
//! The imports of the component decide what is defined, so a function of a later `0.2.x` is defined for a component that imports
//! it, and stops the call. Types that differ from WASI's are found when the component is linked.

mod define;
mod output;
mod random;
mod state;
#[cfg(test)]
mod tests;

use semver::Version;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};

use crate::sandbox::Sandbox;

pub(crate) use state::WasiState;

/// The interfaces that are defined here, without their version.
const KNOWN: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/timezone",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// The interface of an import, without its version; none if it is not defined here.
pub(crate) fn interface(import: &str) -> Option<&'static str> {
    let (interface, version) = import.split_once('@')?;
    let version = Version::parse(version).ok()?;
    let is_spoken = (version.major, version.minor) == (0, 2) && version.pre.is_empty();
    KNOWN.iter().find(|known| is_spoken && **known == interface).copied()
}

/// Defines what the component imports of WASI. `prints` says whether its output is logged.
pub(crate) fn link(linker: &mut Linker<Sandbox>, component: &Component, prints: bool) -> wasmtime::Result<()> {
    let engine = component.engine();
    for (import, item) in component.component_type().imports(engine) {
        let (Some(interface), ComponentItem::ComponentInstance(declared)) = (interface(import), item.ty) else {
            continue;
        };
        let mut instance = linker.instance(import)?;
        for (name, item) in declared.exports(engine) {
            match item.ty {
                ComponentItem::Resource(_) => define::resource(&mut instance, name)?,
                ComponentItem::ComponentFunc(_) => define::function(&mut instance, interface, name, prints)?,
                _ => {}
            }
        }
    }
    Ok(())
}
