//! Turns cached machine code back into a component: the one place in the runtime with `unsafe` code.

use wasmtime::Engine as WasmEngine;
use wasmtime::component::Component;

use super::seal::VerifiedFile;

/// The component with the machine code of a verified file.
#[expect(unsafe_code, reason = "wasmtime cannot check machine code; the seal says where it comes from")]
pub(super) fn revive(engine: &WasmEngine, verified: VerifiedFile<'_>) -> wasmtime::Result<Component> {
    // SAFETY: the bytes have to be the unchanged result of `Component::serialize`. A `VerifiedFile` is only made of a file whose
    // seal matches, under a key that only this user can read, and only `CodeCache::try_write` seals files: with what
    // `serialize` has just returned. The bytes are in our own memory, so nothing can change them after the check. Wasmtime
    // itself refuses code of another version, another configuration or another kind of processor.
    unsafe { Component::deserialize(engine, verified.code()) }
}
