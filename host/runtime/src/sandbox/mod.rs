//! Where a component runs: a fresh store per call, with everything that bounds it.
//!
//! A sandbox lives for one call. Whatever happens in it, it is dropped afterwards, so nothing that one evaluation
//! leaves behind is seen by another, and a trap cannot leave a half-changed state to go on from.

mod call_state;
mod engine;
mod failure;
mod host_function;
mod log_lines;
mod memory;
mod run;
mod slots;
mod tape;
mod ticker;

use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_domain::{LogLevel, Snapshot};
use wasmtime::{Engine as WasmEngine, Store};

pub(crate) use engine::{ENGINE_VERSION, SETTINGS, engine};
pub(crate) use failure::{contract_violation, plugin_error, result_too_large};
pub(crate) use host_function::{HostFunction, charge};
pub(crate) use log_lines::LogLines;
pub(crate) use run::{FinishedRun, RunError, run};
pub(crate) use slots::SandboxSlots;
pub use tape::CapabilityExchange;
pub(crate) use tape::RecordedTape;
pub(crate) use ticker::Ticker;

use crate::config::Limits;
use crate::wasi::WasiState;
use call_state::CallState;
use host_function::CallCounts;
use memory::MemoryLimiter;
use tape::Tape;

/// The most component-model handles that a sandbox can hold. Plugins are lent one, the `evaluation`; the rest is room
/// for resources that a component passes about inside itself.
const MAX_HANDLES: usize = 1024;
/// What a call of the host is held to cost, in units of fuel: as long as it takes, a guest executes as many
/// instructions.
const EFFORT_PER_CALL: u64 = 100;

/// A plugin called the host where the contract forbids it: in `describe`, in `configure`, or while it starts.
#[derive(Debug, thiserror::Error)]
#[error("it called `{0}` before there was anything to evaluate: `describe` and `configure` must not call any import")]
pub(crate) struct CalledTooEarly(HostFunction);

/// A plugin had the host do as much for it as its fuel allows.
#[derive(Debug, thiserror::Error)]
#[error("the host did as much for it as its fuel allows")]
pub(crate) struct HostEffortSpent;

/// What the store of one call holds.
#[derive(Debug)]
pub(crate) struct Sandbox {
    /// What the plugin evaluates; none before there is anything to evaluate.
    snapshot: Option<Arc<Snapshot>>,
    memory: MemoryLimiter,
    pub(crate) log: LogLines,
    pub(crate) wasi: WasiState,
    calls: CallCounts,
    /// How much more the host does for it, in units of fuel: a guest that lets the host work runs out of it, too.
    effort: u64,
    /// What it asked its capabilities.
    pub(crate) tape: Tape,
    /// What its capabilities keep during the call.
    pub(crate) state: CallState,
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
            snapshot: None,
            memory: MemoryLimiter::new(limits.memory),
            log: LogLines::new(limits),
            wasi: WasiState::default(),
            calls: CallCounts::default(),
            effort: limits.fuel,
            tape: Tape::default(),
            state: CallState::default(),
            knows_moment: false,
            deadline: deadline(now, limits.wall_clock),
        };
        let mut store = Store::new(engine, sandbox);
        store.limiter(|sandbox| &mut sandbox.memory);
        store.set_fuel(limits.fuel)?;
        store.set_epoch_deadline(ticker::ticks(limits.wall_clock, tick));
        store.set_hostcall_fuel(crossing(limits));
        store.set_max_component_handles(MAX_HANDLES);
        Ok(store)
    }

    /// From here on the plugin evaluates that snapshot.
    pub(crate) fn show(&mut self, snapshot: Arc<Snapshot>) {
        self.snapshot = Some(snapshot);
    }

    /// When the time of the call is up.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// From here on nothing bounds its memory but the pool: for reading a frozen image out of it.
    pub(crate) fn lift_memory_limit(&mut self) {
        self.memory = MemoryLimiter::new(u64::MAX);
    }

    /// Counts a call of that function, and hands out the snapshot that the function may look at.
    ///
    /// # Errors
    /// If there is nothing to evaluate yet, or the host has done as much for the plugin as its fuel allows.
    pub(crate) fn count_call(&mut self, function: HostFunction) -> wasmtime::Result<&Snapshot> {
        self.calls.add(function);
        self.strain(EFFORT_PER_CALL)?;
        self.snapshot.as_deref().ok_or_else(|| CalledTooEarly(function).into())
    }

    /// The host does that much for the guest, in units of fuel. It is counted apart from the guest's own work, so that
    /// the fuel on a receipt is the guest's alone, and held against the same limit.
    pub(crate) fn strain(&mut self, effort: u64) -> wasmtime::Result<()> {
        let is_spent = effort > self.effort;
        self.effort = self.effort.saturating_sub(effort);
        if is_spent { Err(HostEffortSpent.into()) } else { Ok(()) }
    }

    /// From here on the answer of the plugin may depend on the moment of the snapshot.
    pub(crate) fn learn_moment(&mut self) {
        self.knows_moment = true;
    }

    /// The snapshot with its moment, of which the plugin learns; none before there is anything to evaluate.
    pub(crate) fn snapshot_and_moment(&mut self) -> Option<&Snapshot> {
        if self.snapshot.is_some() {
            self.learn_moment();
        }
        self.snapshot.as_deref()
    }

    /// Takes a log line.
    pub(crate) fn write_log(&mut self, level: LogLevel, message: String) -> wasmtime::Result<()> {
        self.count_call(HostFunction::plain("log"))?;
        self.strain(message.len() as u64)?;
        self.log.write(level, message);
        Ok(())
    }
}

/// When the time of a call is up. A limit that no clock can hold is as good as ten years.
fn deadline(now: Instant, wall_clock: Duration) -> Instant {
    const TEN_YEARS: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);
    now + wall_clock.min(TEN_YEARS)
}

/// How many bytes may cross from the guest at once before lifting stops. This bounds what the host allocates for a
/// guest; the limit on the answer itself is checked afterwards on its text, so that it can be told how large it was.
/// The difference leaves room for the host's form of lists, which is larger than what it holds.
fn crossing(limits: &Limits) -> usize {
    usize::try_from(limits.result_size.saturating_mul(4).saturating_add(64 << 10)).unwrap_or(usize::MAX)
}
