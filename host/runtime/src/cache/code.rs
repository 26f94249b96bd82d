//! From kept machine code back to a component: the one place in the runtime that is unsafe.

use wasmtime::Engine as WasmEngine;
use wasmtime::component::Component;

use super::seal::VerifiedFile;

/// The component whose code it is.
#[expect(unsafe_code, reason = "wasmtime cannot check machine code; the seal says where it comes from")]
pub(super) fn revive(engine: &WasmEngine, genuine: VerifiedFile<'_>) -> wasmtime::Result<Component> {
    // SAFETY: the bytes must be what `Component::serialize` made, unchanged. A `VerifiedFile` is only made of a file whose
    // seal holds, under a key that nobody but this user can read, and only `CodeCache::try_write` seals: it does so with
    // what `serialize` has just made. The bytes are in our own memory, so nothing can change them after the check.
    // wasmtime itself refuses code of another version, another configuration or another kind of processor.
    unsafe { Component::deserialize(engine, genuine.code()) }
}
