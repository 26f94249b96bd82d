//! Configuring once: the memory of a configured instance becomes the memory that every evaluation starts with.
//!
//! Wizer writes the state of an instance back into its component. It needs a driver that reads that state through
//! functions which it adds; this one is synchronous and takes "no" for an answer, since a guest decides what is there
//! to be read.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde::{Deserialize, Serialize};
use wasmtime::Store;
use wasmtime::component::{ComponentNamedList, Instance, Lift, WasmList};
use wasmtime_wizer::{ComponentContext, ComponentInstanceState, Wizer};

use crate::sandbox::Sandbox;

/// Whether a plugin starts configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartUp {
    /// It was configured once, and every evaluation starts from there.
    Frozen,
    /// It is configured anew in every evaluation, which takes its time and its fuel.
    ConfiguredPerCall {
        /// Why it cannot be frozen.
        reason: String,
    },
}

/// A component that can be frozen, and what it was made of.
pub(crate) struct Freezer<'a> {
    context: ComponentContext<'a>,
    /// The component with functions added that show its state.
    pub(crate) instrumented: Vec<u8>,
}

impl<'a> Freezer<'a> {
    /// Prepares a component, which must be valid.
    ///
    /// # Errors
    /// If it cannot be frozen: why.
    pub(crate) fn new(component: &'a [u8]) -> Result<Self, String> {
        let (context, instrumented) = guarded(|| Wizer::new().instrument_component(component))?;
        Ok(Self { context, instrumented })
    }

    /// The component with the state that the instance, one of the instrumented component, has now. The instance is
    /// not to be used afterwards.
    ///
    /// # Errors
    /// If its state cannot be read: why.
    pub(crate) fn freeze(&self, store: &mut Store<Sandbox>, instance: Instance) -> Result<Vec<u8>, String> {
        // Reading adds a page to each memory and passes all of it to the host. That is ours, not the guest's.
        store.data_mut().lift_memory_limit();
        store.set_hostcall_fuel(usize::MAX);
        store.set_fuel(u64::MAX).map_err(|error| error.to_string())?;
        let mut reader = StateReader { store, instance, failed: None };
        let frozen = guarded(|| at_once(Wizer::new().snapshot_component(&self.context, &mut reader)))?;
        match reader.failed {
            Some(why) => Err(why),
            None => Ok(frozen),
        }
    }
}

/// What Wizer says, or that it gave up: it was not written for components that are made to confuse it.
fn guarded<T>(work: impl FnOnce() -> wasmtime::Result<T>) -> Result<T, String> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| error.root_cause().to_string()),
        Err(_) => Err("its form is not one that can be frozen".to_owned()),
    }
}

/// The result of a future that waits for nothing, as those here do.
fn at_once<T>(future: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(wasmtime::format_err!("reading its state would have to wait")),
    }
}

/// Reads the state of an instance. The first thing that goes wrong is kept; what is read after that is nothing.
struct StateReader<'a> {
    store: &'a mut Store<Sandbox>,
    instance: Instance,
    failed: Option<String>,
}

impl StateReader<'_> {
    fn call<R: Lift + 'static>(&mut self, instance: &str, function: &str) -> Option<R>
    where
        (R,): ComponentNamedList + Lift + 'static,
    {
        if self.failed.is_some() {
            return None;
        }
        match self.try_call(instance, function) {
            Ok(value) => Some(value),
            Err(error) => {
                self.failed = Some(format!("its state cannot be read: {}", error.root_cause()));
                None
            }
        }
    }

    fn try_call<R: Lift + 'static>(&mut self, instance: &str, function: &str) -> wasmtime::Result<R>
    where
        (R,): ComponentNamedList + Lift + 'static,
    {
        let missing = || wasmtime::format_err!("`{instance}` has no `{function}`");
        let outer = self.instance.get_export_index(&mut *self.store, None, instance).ok_or_else(missing)?;
        let inner = self.instance.get_export_index(&mut *self.store, Some(&outer), function).ok_or_else(missing)?;
        let function = self.instance.get_typed_func::<(), (R,)>(&mut *self.store, inner)?;
        Ok(function.call(&mut *self.store, ())?.0)
    }
}

impl ComponentInstanceState for StateReader<'_> {
    async fn call_func_ret_list_u8(&mut self, instance: &str, func: &str, contents: impl FnOnce(&[u8]) + Send) {
        match self.call::<WasmList<u8>>(instance, func) {
            Some(list) => contents(list.as_le_slice(&*self.store)),
            None => contents(&[]),
        }
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.call(instance, func).unwrap_or_default()
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.call(instance, func).unwrap_or_default()
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.call::<f32>(instance, func).unwrap_or_default().to_bits()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.call::<f64>(instance, func).unwrap_or_default().to_bits()
    }
}
