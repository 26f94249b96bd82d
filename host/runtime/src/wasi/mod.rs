//! A WASI with nothing in it, for components whose language cannot do without one.
//!
//! An interpreter such as Python's imports all of WASI, whatever its program does. What such a component gets is made
//! here, function by function and under the names that it imports; no code that could reach a file, a socket, a clock or
//! the system's random numbers is part of it, so there is nothing to be configured wrongly and nothing to be granted:
//!
//! | of WASI 0.2 | what is in it |
//! |---|---|
//! | environment, arguments, directories | none; no working directory |
//! | standard input | closed |
//! | standard output and error | lines of the plugin's log, `info` and `warn`; nothing, where `log` is not granted |
//! | the end of standard error | part of the failure, where the call traps: the text of a panic or an exception |
//! | wall clock | stands at the snapshot's `now`; at 1970 while there is no snapshot |
//! | monotonic clock | stands at 0, and whatever is waited for has come: no thread ever sleeps |
//! | random numbers | a stream that the snapshot's digest decides, so a replay sees the same one; `insecure` ones too |
//! | files, sockets | cannot be made; what needs one stops the call |
//! | `exit` | stops the call |
//!
//! What a component declares under these names decides what is defined, so a function of a later `0.2.x` is there as
//! soon as somebody imports it, and stops the call. Other types than WASI's are found when the component is linked.

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

/// The interfaces that are there, without their version.
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

/// The interface, without its version, that an import asks for, if it is one of these.
pub(crate) fn interface(import: &str) -> Option<&'static str> {
    let (interface, version) = import.split_once('@')?;
    let version = Version::parse(version).ok()?;
    let is_spoken = (version.major, version.minor) == (0, 2) && version.pre.is_empty();
    KNOWN.iter().find(|known| is_spoken && **known == interface).copied()
}

/// Defines what the component imports of WASI. `prints`: whether what it prints may be logged.
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
