//! Where a component runs: a fresh store per call, with everything that bounds it.
//!
//! A sandbox lives for one call. Whatever happens in it, it is dropped afterwards, so nothing that one evaluation
//! leaves behind is seen by another, and a trap cannot leave a half-changed state to go on from.

mod engine;
mod failure;
mod host_call;
mod memory;
mod run;
mod slots;
mod ticker;

use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_domain::{LogLevel, Snapshot};
use wasmtime::{Engine as WasmEngine, Store};

pub(crate) use engine::{ENGINE_VERSION, SETTINGS, engine};
pub(crate) use failure::{contract_violation, plugin_error, result_too_large};
pub(crate) use host_call::HostCall;
pub(crate) use memory::Memory;
pub(crate) use run::{Finished, Stop, run};
pub(crate) use slots::Slots;
pub(crate) use ticker::Ticker;

use crate::capability::{
    Held, HttpError, KeyValueError, Log, NameCache, NamespaceChanges, Namespaces, Request, Response, Session, Tape,
    wasi,
};
use crate::config::Limits;

/// The most component-model handles that a sandbox can hold. Plugins are lent one, the `evaluation`; the rest is room
/// for resources that a component passes about inside itself.
const MAX_HANDLES: usize = 1024;
/// What a call of the host is held to cost, in units of fuel: as long as it takes, a guest executes as many
/// instructions.
const EFFORT_PER_CALL: u64 = 100;

/// A plugin called the host where the contract forbids it: in `describe`, in `configure`, or while it starts.
#[derive(Debug, thiserror::Error)]
#[error("it called `{0}` before there was anything to evaluate: `describe` and `configure` must not call any import")]
pub(crate) struct CalledTooEarly(&'static str);

/// A plugin had the host do as much for it as its fuel allows.
#[derive(Debug, thiserror::Error)]
#[error("the host did as much for it as its fuel allows")]
pub(crate) struct HostEffortSpent;

/// What a call may look at: the snapshot, and what was granted.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) held: Arc<Held>,
    /// Where values are read; none: where the runtime reads them.
    pub(crate) namespaces: Option<Arc<dyn Namespaces>>,
}

/// What the store of one call holds.
#[derive(Debug)]
pub(crate) struct Sandbox {
    view: Option<View>,
    memory: Memory,
    pub(crate) log: Log,
    pub(crate) wasi: wasi::State,
    calls: [u64; HostCall::COUNT],
    /// How much more the host does for it, in units of fuel: a guest that lets the host work runs out of it, too.
    effort: u64,
    /// What it asked its capabilities.
    pub(crate) tape: Tape,
    /// The names that it has asked for: each is looked up once.
    names: NameCache,
    /// The values that it may use, and what it changed of them.
    values: Option<Session>,
    /// Whether it was told something that differs from moment to moment.
    knows_moment: bool,
    /// When its time is up: no call of the host may wait beyond that.
    deadline: Instant,
}

impl Sandbox {
    /// A store for one call under limits. There is nothing to look at in it until [`Sandbox::show`] is called.
    pub(crate) fn store(engine: &WasmEngine, limits: &Limits, tick: Duration) -> wasmtime::Result<Store<Self>> {
        let now = Instant::now();
        let sandbox = Self {
            view: None,
            memory: Memory::new(limits.memory),
            log: Log::new(limits),
            wasi: wasi::State::default(),
            calls: [0; HostCall::COUNT],
            effort: limits.fuel,
            tape: Tape::default(),
            names: NameCache::default(),
            values: None,
            knows_moment: false,
            deadline: now.checked_add(limits.wall_clock).unwrap_or(now),
        };
        let mut store = Store::new(engine, sandbox);
        store.limiter(|sandbox| &mut sandbox.memory);
        store.set_fuel(limits.fuel)?;
        store.set_epoch_deadline(ticker::ticks(limits.wall_clock, tick));
        store.set_hostcall_fuel(crossing(limits));
        store.set_max_component_handles(MAX_HANDLES);
        Ok(store)
    }

    /// From here on the plugin may look at that.
    pub(crate) fn show(&mut self, view: View) {
        self.values = view.held.session(view.namespaces.clone());
        self.view = Some(view);
    }

    /// What was granted; none before there is anything to evaluate.
    pub(crate) fn held(&self) -> Option<&Held> {
        self.view.as_ref().map(|view| &*view.held)
    }

    /// From here on nothing bounds its memory but the pool: for reading a frozen image out of it.
    pub(crate) fn lift_memory_limit(&mut self) {
        self.memory = Memory::new(u64::MAX);
    }

    /// What the plugin may look at, and a note that it called that function.
    pub(crate) fn view(&mut self, call: HostCall) -> wasmtime::Result<&View> {
        if let Some(count) = self.calls.get_mut(call as usize) {
            *count += 1;
        }
        self.strain(EFFORT_PER_CALL)?;
        self.knows_moment |= matches!(call, HostCall::Now);
        self.view.as_ref().ok_or_else(|| CalledTooEarly(call.name()).into())
    }

    /// The host does that much for the guest, in units of fuel. It is counted apart from the guest's own work, so that
    /// the fuel on a receipt is the guest's alone, and held against the same limit.
    pub(crate) fn strain(&mut self, effort: u64) -> wasmtime::Result<()> {
        let left = self.effort.checked_sub(effort);
        self.effort = left.unwrap_or(0);
        left.map(|_| ()).ok_or_else(|| HostEffortSpent.into())
    }

    /// What the plugin wants to be kept. Called once it has given an answer, and only then.
    pub(crate) fn take_changes(&mut self) -> Option<NamespaceChanges> {
        self.values.take().filter(|_| !self.tape.is_played())?.into_changes()
    }

    /// Sends a request for the plugin, in the time that it has left.
    pub(crate) fn send(&mut self, request: &Request) -> Result<Response, HttpError> {
        let held = self.view.as_ref().map(|view| Arc::clone(&view.held));
        match held.as_ref().and_then(|held| held.http.as_ref()) {
            Some(client) => client.send(&mut self.names, request, self.deadline),
            None => Err(HttpError::NotGranted(request.url.clone())),
        }
    }

    /// The values that the plugin may use.
    pub(crate) fn values(&mut self) -> Result<&mut Session, KeyValueError> {
        self.values
            .as_mut()
            .ok_or_else(|| KeyValueError::Unavailable("this host keeps no values of plugins".to_owned()))
    }

    /// The snapshot with its moment; none before there is anything to evaluate.
    pub(crate) fn snapshot(&mut self) -> Option<&Snapshot> {
        self.knows_moment |= self.view.is_some();
        self.view.as_ref().map(|view| &*view.snapshot)
    }

    /// Takes a log line.
    pub(crate) fn write_log(&mut self, level: LogLevel, message: String) -> wasmtime::Result<()> {
        self.view(HostCall::Log)?;
        self.strain(message.len() as u64)?;
        self.log.write(level, message);
        Ok(())
    }
}

/// How many bytes may cross from the guest at once before lifting stops. This bounds what the host allocates for a
/// guest; the limit on the answer itself is checked afterwards on its text, so that it can be told how large it was.
/// The difference leaves room for the host's form of lists, which is larger than what it holds.
fn crossing(limits: &Limits) -> usize {
    usize::try_from(limits.result_size.saturating_mul(4).saturating_add(64 << 10)).unwrap_or(usize::MAX)
}
