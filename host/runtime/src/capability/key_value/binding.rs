//! Converts between the types of `lockgate:host/key-value` and those of the capability.

use super::session::KeyValueError;

/// What wasmtime generates from `lockgate:host/key-value`.
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host"],
        inline: "package lockgate:runtime; world capability { import lockgate:host/key-value@0.2.0-rc.2; }",
        world: "lockgate:runtime/capability",
        imports: { default: trappable },
    });
}

pub(super) use generated::lockgate::host::key_value as wit;

pub(super) fn error(error: KeyValueError) -> wit::KeyValueError {
    match error {
        KeyValueError::ReadOnly => wit::KeyValueError::ReadOnly,
        KeyValueError::InvalidKey(why) => wit::KeyValueError::InvalidKey(why),
        KeyValueError::QuotaExceeded(quota) => wit::KeyValueError::QuotaExceeded(quota),
        KeyValueError::Unavailable(why) => wit::KeyValueError::Unavailable(why),
    }
}
