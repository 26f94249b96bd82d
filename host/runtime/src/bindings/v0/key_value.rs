//! `lockgate:host/key-value`: from the contract's types to the capability's, and back.

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::generated::lockgate::host::key_value as wit;
use crate::capability::{self, AssignmentQuestion, Content, KeyQuestion, KeyValueError, PrefixQuestion};
use crate::sandbox::{HostCall, Sandbox};

type Answered<T> = wasmtime::Result<(Result<T, wit::KeyValueError>,)>;

pub(crate) fn link_key_value(linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
    let mut interface = linker.instance("lockgate:host/key-value@0.1.0")?;
    interface.func_wrap(
        "get",
        |mut store: StoreContextMut<'_, Sandbox>, (key,): (String,)| -> Answered<Option<Vec<u8>>> {
            let key = KeyQuestion { key };
            let found =
                capability::ask(&mut store, HostCall::KeyValueGet, &key, |sandbox| sandbox.values()?.get(&key))?;
            Ok((found.map(|value| value.map(|content| content.0)).map_err(error),))
        },
    )?;
    interface.func_wrap(
        "keys",
        |mut store: StoreContextMut<'_, Sandbox>, (prefix,): (String,)| -> Answered<Vec<String>> {
            let prefix = PrefixQuestion { prefix };
            let found = capability::ask(&mut store, HostCall::KeyValueKeys, &prefix, |sandbox| {
                sandbox.values()?.keys(&prefix)
            })?;
            Ok((found.map_err(error),))
        },
    )?;
    interface.func_wrap(
        "set",
        |mut store: StoreContextMut<'_, Sandbox>, (key, value): (String, Vec<u8>)| -> Answered<()> {
            let change = AssignmentQuestion { key, value: Content(value) };
            let done =
                capability::ask(&mut store, HostCall::KeyValueSet, &change, |sandbox| sandbox.values()?.set(&change))?;
            Ok((done.map_err(error),))
        },
    )?;
    interface.func_wrap("delete", |mut store: StoreContextMut<'_, Sandbox>, (key,): (String,)| -> Answered<()> {
        let key = KeyQuestion { key };
        let done =
            capability::ask(&mut store, HostCall::KeyValueDelete, &key, |sandbox| sandbox.values()?.delete(&key))?;
        Ok((done.map_err(error),))
    })
}

fn error(error: KeyValueError) -> wit::KeyValueError {
    match error {
        KeyValueError::ReadOnly => wit::KeyValueError::ReadOnly,
        KeyValueError::InvalidKey(why) => wit::KeyValueError::InvalidKey(why),
        KeyValueError::QuotaExceeded(quota) => wit::KeyValueError::QuotaExceeded(quota),
        KeyValueError::Unavailable(why) => wit::KeyValueError::Unavailable(why),
    }
}
