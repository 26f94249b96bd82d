//! Asking a capability: live, or out of a recording.
//!
//! Every capability asks through [`ask`], so everything that an evaluation learns from outside of its snapshot is on its
//! tape, and the guest pays for it in fuel. It also bounds the tape, since fuel bounds a guest.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wasmtime::StoreContextMut;

use crate::sandbox::{HostFunction, Sandbox, charge};

/// The cost of a byte of a question or an answer, in fuel: the host's work for asking, keeping and converting it.
const FUEL_PER_BYTE: u64 = 16;

/// Asks one question. `live` answers it, unless a recording is played.
///
/// # Errors
/// If no snapshot is there yet, the guest cannot pay, or the recording has no answer.
pub(super) fn ask<Q, A>(
    store: &mut StoreContextMut<'_, Sandbox>,
    function: HostFunction,
    question: &Q,
    live: impl FnOnce(&mut Sandbox) -> A,
) -> wasmtime::Result<A>
where
    Q: Serialize + ?Sized,
    A: Serialize + DeserializeOwned,
{
    store.data_mut().count_call(function)?;
    let question = serde_json::to_value(question)?;
    charge(&mut *store, function.fuel.saturating_add(cost(&question)))?;
    let sandbox = store.data_mut();
    let (answer, written) = match sandbox.tape.recorded_answer(function, &question)? {
        Some(written) => (A::deserialize(&written)?, written),
        None => {
            let answer = live(sandbox);
            let written = serde_json::to_value(&answer)?;
            (answer, written)
        }
    };
    let cost = cost(&written);
    store.data_mut().tape.write(function, question, written);
    charge(store, cost)?;
    Ok(answer)
}

/// The cost of a question or an answer by its size, in fuel.
fn cost(value: &Value) -> u64 {
    size(value).saturating_mul(FUEL_PER_BYTE)
}

/// The approximate size of a value, in bytes.
fn size(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::Array(items) => items.iter().map(|item| 1 + size(item)).sum(),
        Value::Object(fields) => fields.iter().map(|(name, field)| name.len() as u64 + 1 + size(field)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 4,
    }
}
