//! Runs a component once: takes a slot, makes a fresh store and an instance, calls it, and reports what it used.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lockgate_domain::{Failure, LogLine};
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use super::tape::CapabilityExchange;
use super::{Sandbox, SandboxSlots, failure};
use crate::config::Limits;

/// Why a run ended without an answer.
#[derive(Debug)]
pub(crate) enum RunError {
    /// Wasmtime stopped it.
    Error(wasmtime::Error),
    /// It returned an error, or an answer that is not accepted.
    Failure(Failure),
}

impl From<wasmtime::Error> for RunError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Error(error)
    }
}

impl From<Failure> for RunError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// The result of a run, and what it used.
#[derive(Debug)]
pub(crate) struct FinishedRun<T> {
    /// The answer or the failure.
    pub(crate) outcome: Result<T, Failure>,
    /// The fuel that the guest used.
    pub(crate) fuel: u64,
    /// The work of the host, in units of fuel.
    pub(crate) host_effort: u64,
    /// The most memory that it held at the same time, in bytes.
    pub(crate) peak_memory: u64,
    /// Its duration, without waiting for a slot.
    pub(crate) wall_time: Duration,
    /// The number of calls of each host function, by its name.
    pub(crate) host_calls: BTreeMap<String, u64>,
    /// The log lines that were kept.
    pub(crate) log: Vec<LogLine>,
    /// The number of log lines that were not kept.
    pub(crate) log_dropped: u64,
    /// What it asked its capabilities and what they answered.
    pub(crate) exchanges: Vec<CapabilityExchange>,
    /// Whether it read neither the time nor random numbers, and asked no capability.
    pub(crate) timeless: bool,
}

/// Runs `body` in a fresh instance, under limits that include instantiation. A plugin whose share is in use waits for it
/// first, before it takes a slot of the pool.
pub(crate) fn run<T>(
    slots: &SandboxSlots,
    share: Option<&SandboxSlots>,
    tick: Duration,
    limits: &Limits,
    component: &InstancePre<Sandbox>,
    body: impl FnOnce(&mut Store<Sandbox>, &Instance) -> Result<T, RunError>,
) -> FinishedRun<T> {
    let own = share.map(|share| share.take(limits.wall_clock));
    if let Some(None) = own {
        return FinishedRun::never(failure::no_free_sandbox(limits, "that one plugin can hold"));
    }
    let Some(_slot) = slots.take(limits.wall_clock) else {
        return FinishedRun::never(failure::no_free_sandbox(limits, "of the pool"));
    };
    let began = Instant::now();
    let mut store = match Sandbox::store(component.engine(), limits, tick) {
        Ok(store) => store,
        Err(error) => return FinishedRun::never(failure::of_error(&error, limits, began.elapsed())),
    };
    let result =
        component.instantiate(&mut store).map_err(RunError::Error).and_then(|instance| body(&mut store, &instance));
    let wall_time = began.elapsed();
    let outcome = result.map_err(|stop| match stop {
        RunError::Error(error) => {
            failure::with_last_words(failure::of_error(&error, limits, wall_time), store.data().wasi.last_words())
        }
        RunError::Failure(failure) => failure,
    });
    #[expect(clippy::expect_used, reason = "the engine of every runtime consumes fuel")]
    let fuel_left = store.get_fuel().expect("an engine that consumes fuel");
    let mut sandbox = store.into_data();
    sandbox.wasi.finish(&mut sandbox.log);
    let (log, log_dropped) = sandbox.log.into_parts();
    let exchanges = sandbox.tape.into_exchanges();
    FinishedRun {
        outcome,
        fuel: limits.fuel.saturating_sub(fuel_left),
        host_effort: limits.fuel.saturating_sub(sandbox.effort),
        peak_memory: sandbox.memory.peak(),
        wall_time,
        host_calls: sandbox.calls.by_name(),
        log,
        log_dropped,
        timeless: !sandbox.knows_moment && exchanges.is_empty(),
        exchanges,
    }
}

impl<T> FinishedRun<T> {
    /// The result of a run that never started.
    fn never(failure: Failure) -> Self {
        Self {
            outcome: Err(failure),
            fuel: 0,
            host_effort: 0,
            peak_memory: 0,
            wall_time: Duration::ZERO,
            host_calls: BTreeMap::new(),
            log: Vec::new(),
            log_dropped: 0,
            exchanges: Vec::new(),
            timeless: false,
        }
    }
}
