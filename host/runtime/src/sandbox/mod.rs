//! The sandbox that a component runs in: a fresh store for each call, with all its limits.
//!
//! A sandbox lives for one call and is dropped afterwards, whatever happened. So no evaluation sees what another one left
//! behind, and nothing continues from a state that a trap left half changed.

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

use lockgate_domain::{AskingModel, LogLevel, Snapshot};
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

use crate::capability::ReadGrants;
use crate::config::Limits;
use crate::wasi::WasiState;
use call_state::CallState;
use host_function::CallCounts;
use memory::MemoryLimiter;
use tape::Tape;

/// The most component-model handles that a sandbox can hold. The host lends a plugin one, the `evaluation`; the others are for
/// resources that the parts of a component pass to each other.
const MAX_HANDLES: usize = 1024;
/// The cost of one call of the host, in units of fuel: a guest executes about as many instructions in the same time.
const EFFORT_PER_CALL: u64 = 100;

/// A plugin called the host where the contract forbids it: in `describe`, in `configure`, or while it starts.
#[derive(Debug, thiserror::Error)]
#[error("the plugin called `{0}` outside of an evaluation: `describe` and `configure` must not call imports")]
pub(crate) struct CalledTooEarly(HostFunction);

/// The host's work for a plugin has reached the plugin's fuel limit.
#[derive(Debug, thiserror::Error)]
#[error("the host calls of the plugin used up its fuel")]
pub(crate) struct HostEffortSpent;

/// The content of the store of one call.
#[derive(Debug)]
pub(crate) struct Sandbox {
    /// The snapshot to evaluate. None before there is one.
    snapshot: Option<Arc<Snapshot>>,
    /// The deployment model that asks. None before there is a snapshot, or if the plugin is tried without a model.
    model: Option<Arc<AskingModel>>,
    /// The evidence, the registers and the facts that the plugin may read.
    grants: ReadGrants,
    memory: MemoryLimiter,
    pub(crate) log: LogLines,
    pub(crate) wasi: WasiState,
    calls: CallCounts,
    /// How much more work the host does for the call, in units of fuel.
    effort: u64,
    /// The questions of the plugin to its capabilities.
    pub(crate) tape: Tape,
    /// The state of its capabilities during the call.
    pub(crate) state: CallState,
    /// Whether the plugin read the time or random numbers.
    knows_moment: bool,
    /// When the time of the call is up. No call of the host may wait longer.
    deadline: Instant,
}

impl Sandbox {
    /// A store for one call with limits. It has no snapshot until [`Sandbox::show`] is called.
    pub(crate) fn store(engine: &WasmEngine, limits: &Limits, tick: Duration) -> wasmtime::Result<Store<Self>> {
        let now = Instant::now();
        let sandbox = Self {
            snapshot: None,
            model: None,
            grants: ReadGrants::default(),
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

    /// Gives the plugin the snapshot to evaluate, the model that asks, and what the plugin may read.
    pub(crate) fn show(&mut self, snapshot: Arc<Snapshot>, model: Option<Arc<AskingModel>>, grants: ReadGrants) {
        self.snapshot = Some(snapshot);
        self.model = model;
        self.grants = grants;
    }

    /// The evidence, the registers and the facts that the plugin may read.
    pub(crate) fn grants(&self) -> &ReadGrants {
        &self.grants
    }

    /// The deployment model that asks; none if the plugin is tried without one.
    pub(crate) fn asking_model(&self) -> Option<&Arc<AskingModel>> {
        self.model.as_ref()
    }

    /// When the time of the call is up.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Removes the limit on memory, so that a frozen image can be read. The pool still limits it.
    pub(crate) fn lift_memory_limit(&mut self) {
        self.memory = MemoryLimiter::new(u64::MAX);
    }

    /// Counts a call of a host function, and returns the snapshot that the function may read.
    ///
    /// # Errors
    /// If there is no snapshot yet, or the work of the host has reached the limit of the plugin's fuel.
    pub(crate) fn count_call(&mut self, function: HostFunction) -> wasmtime::Result<&Snapshot> {
        self.calls.add(function);
        self.strain(EFFORT_PER_CALL)?;
        self.snapshot.as_deref().ok_or_else(|| CalledTooEarly(function).into())
    }

    /// Counts work that the host does for the guest, in units of fuel. It is counted separately from the guest's own fuel, so
    /// that the receipt shows the fuel of the guest alone, and has the same limit.
    pub(crate) fn strain(&mut self, effort: u64) -> wasmtime::Result<()> {
        let is_spent = effort > self.effort;
        self.effort = self.effort.saturating_sub(effort);
        if is_spent { Err(HostEffortSpent.into()) } else { Ok(()) }
    }

    /// Notes that the plugin learns the time of the snapshot, so its answer may depend on it.
    pub(crate) fn learn_moment(&mut self) {
        self.knows_moment = true;
    }

    /// The snapshot with its time, which the plugin learns; none if there is no snapshot yet.
    pub(crate) fn snapshot_and_moment(&mut self) -> Option<&Snapshot> {
        if self.snapshot.is_some() {
            self.learn_moment();
        }
        self.snapshot.as_deref()
    }

    /// Writes a log line, and counts the call.
    pub(crate) fn write_log(&mut self, level: LogLevel, message: String) -> wasmtime::Result<()> {
        self.count_call(HostFunction::plain("log"))?;
        self.strain(message.len() as u64)?;
        self.log.write(level, message);
        Ok(())
    }
}

/// When the time of a call is up. A limit that `Instant` cannot hold counts as ten years.
fn deadline(now: Instant, wall_clock: Duration) -> Instant {
    const TEN_YEARS: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);
    now + wall_clock.min(TEN_YEARS)
}

/// The most bytes that the host lifts from the guest at once, which limits what it allocates for a guest. The limit on the
/// answer itself is checked afterwards on its text, so that the failure can say how large it was. The difference allows for
/// the host's form of lists, which is larger than their content.
fn crossing(limits: &Limits) -> usize {
    usize::try_from(limits.result_size.saturating_mul(4).saturating_add(64 << 10)).unwrap_or(usize::MAX)
}
