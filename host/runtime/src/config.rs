//! Configuration of a runtime, and the limits of one call of a plugin.

use std::path::PathBuf;
use std::time::Duration;

use crate::admission::AdmissionLimits;

/// Configuration of a [`Runtime`](crate::Runtime).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// The directory for the cache of compiled plugins. It is created with mode 0700. A directory that others can read
    /// or write is refused, because anybody who can write to it can run code in this process. Default: none, so every
    /// load compiles.
    pub cache: Option<PathBuf>,
    /// The largest component that is read, in bytes. Default: 64 MiB.
    pub max_component_size: u64,
    /// What a component may consist of, beside its size. It bounds the cost of compiling.
    pub admission: AdmissionLimits,
    /// The largest settings of a plugin, in bytes of canonical JSON. Default: 1 MiB.
    pub max_settings_size: u64,
    /// The largest [`Limits::memory`] of any plugin, in bytes. It costs address space only. Default: 256 MiB.
    pub max_memory: u64,
    /// The number of sandboxes that can run at the same time. A call that finds all of them in use waits, at most as long
    /// as it may run. Default: 64.
    pub pool_size: u32,
    /// The number of sandboxes that one plugin can hold at the same time, so that no plugin can block all others. Default:
    /// none, which means half of the pool.
    pub share: Option<u32>,
    /// Whether plugins are configured once and frozen. If not, they are configured in every call, which is slower and must
    /// give the same answers; it serves to test that a plugin does. Default: yes.
    pub freeze: bool,
    /// How sandboxes get their memory. It changes how fast they start, not what they compute. Default: pooled.
    pub allocation: Allocation,
    /// The interval in which [`Limits::wall_clock`] is checked, and so the precision of that limit. Default: 10 ms.
    pub tick: Duration,
    /// The number of threads that compile. Default: the number of cores.
    pub compile_threads: usize,
    /// How long a load waits until one component is compiled. The compiling thread continues to the end in any case.
    /// Default: 5 min, several times what the largest language runtimes need on two busy cores.
    pub compile_time: Duration,
    /// The limits of `describe` and `configure`. They run when a plugin is loaded, while no decision waits, and some
    /// languages start slowly. Default: 20 s, 20,000,000,000 fuel and `max_memory`.
    pub setup: Limits,
}

/// How sandboxes get their memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allocation {
    /// From a pool that is reserved once. A fresh sandbox costs microseconds.
    #[default]
    Pooled,
    /// From the operating system, for each sandbox. Slower, but nothing is reserved.
    OnDemand,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        let max_memory = 256 << 20;
        Self {
            cache: None,
            max_component_size: 64 << 20,
            admission: AdmissionLimits::default(),
            max_settings_size: 1 << 20,
            max_memory,
            pool_size: 64,
            share: None,
            freeze: true,
            allocation: Allocation::default(),
            tick: Duration::from_millis(10),
            compile_threads: std::thread::available_parallelism().map_or(1, usize::from),
            compile_time: Duration::from_secs(300),
            setup: Limits {
                fuel: 20_000_000_000,
                memory: max_memory,
                wall_clock: Duration::from_secs(20),
                ..Limits::default()
            },
        }
    }
}

impl RuntimeConfig {
    /// The number of sandboxes that one plugin can hold at the same time.
    pub(crate) fn share(&self) -> u32 {
        self.share.unwrap_or(self.pool_size / 2).clamp(1, self.pool_size.max(1))
    }
}

/// Limits of one call of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Fuel, about one unit for each instruction. It is the limit that decides, because the same call uses the same fuel on
    /// every machine. The work of the host for the call is counted separately and has the same limit. Default:
    /// 1,000,000,000, well under a second of work.
    pub fuel: u64,
    /// Linear memory of all modules of the component together, in bytes. Default: 64 MiB.
    pub memory: u64,
    /// Size of the answer, in bytes of text. Default: 1 MiB.
    pub result_size: u64,
    /// Duration of the call, checked every [`RuntimeConfig::tick`]. It is a backstop that differs between machines, so it has
    /// to be long enough that fuel runs out first. Default: 5 s.
    pub wall_clock: Duration,
    /// Number of log lines that are kept; the rest is counted. Default: 200.
    pub log_lines: usize,
    /// Size of all log lines that are kept, in bytes. Default: 64 KiB.
    pub log_bytes: usize,
}

impl Limits {
    /// The same limits for a replay. The wall clock must not decide a replay, so it gets ten times as long, at least one
    /// minute and at most ten.
    #[must_use]
    pub fn to_replay(self) -> Self {
        let clock = self.wall_clock.saturating_mul(10);
        Self { wall_clock: clock.clamp(Duration::from_secs(60), Duration::from_secs(600)), ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 1_000_000_000,
            memory: 64 << 20,
            result_size: 1 << 20,
            wall_clock: Duration::from_secs(5),
            log_lines: 200,
            log_bytes: 64 << 10,
        }
    }
}
