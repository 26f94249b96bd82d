//! Freezes a configured plugin: its memory becomes the memory that every evaluation starts with.
//!
//! Wizer writes the state of an instance back into its component. It needs a driver that reads the state through functions
//! that Wizer adds. This driver is synchronous, and treats a missing function as an error, because the guest decides what
//! can be read.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde::{Deserialize, Serialize};
use wasmtime::Store;
use wasmtime::component::{ComponentNamedList, Instance, Lift, WasmList};
use wasmtime_wizer::{ComponentContext, ComponentInstanceState, Wizer};

use crate::sandbox::Sandbox;

/// Whether an evaluation of a plugin starts with the plugin configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartUp {
    /// The plugin was configured once, when it was loaded, and every evaluation starts from that state.
    Frozen,
    /// Every evaluation configures the plugin first, which takes time and fuel.
    ConfiguredPerCall {
        /// Why the plugin cannot be frozen, for people.
        reason: String,
    },
}

/// A component that can be frozen.
pub(crate) struct Freezer<'a> {
    context: ComponentContext<'a>,
    /// The component with additional functions that return its state.
    pub(crate) instrumented: Vec<u8>,
}

impl<'a> Freezer<'a> {
    /// Instruments a component, which has to be valid.
    ///
    /// # Errors
    /// The reason why it cannot be frozen.
    pub(crate) fn new(component: &'a [u8]) -> Result<Self, String> {
        let (context, instrumented) = guarded(|| Wizer::new().instrument_component(component))?;
        Ok(Self { context, instrumented })
    }

    /// The component with the current state of an instance of the instrumented component. The instance cannot be used
    /// afterwards.
    ///
    /// # Errors
    /// The reason why its state cannot be read.
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

/// The result of Wizer, or an error if Wizer panics, as components that are made to confuse it can cause.
fn guarded<T>(work: impl FnOnce() -> wasmtime::Result<T>) -> Result<T, String> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| error.root_cause().to_string()),
        Err(_) => Err("this kind of component cannot be frozen".to_owned()),
    }
}

/// The result of a future that never waits.
fn at_once<T>(future: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(wasmtime::format_err!("reading its state would have to wait")),
    }
}

/// Reads the state of an instance. After the first error, which is kept, it reads defaults.
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
                self.failed = Some(format!("cannot read its state: {}", error.root_cause()));
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
