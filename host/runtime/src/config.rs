//! How much a runtime and one plugin may use.

use std::path::PathBuf;
use std::time::Duration;

use crate::admission::AdmissionLimits;

/// What a [`Runtime`](crate::Runtime) may use in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// The directory in which compiled plugins are kept. It is created with mode 0700; one that others may write to is
    /// refused, because who can write to it can run code here. Default: none, so every load compiles anew.
    pub cache: Option<PathBuf>,
    /// The largest component that is looked at, in bytes. Default: 64 MiB.
    pub max_component_size: u64,
    /// What a component may consist of, beside its size: what bounds the cost of compiling it.
    pub admission: AdmissionLimits,
    /// The largest settings, in bytes of canonical JSON. Default: 1 MiB.
    pub max_settings_size: u64,
    /// The most memory that any plugin can be granted, in bytes: [`Limits::memory`] cannot go beyond it. Default:
    /// 256 MiB. It costs address space only.
    pub max_memory: u64,
    /// How many sandboxes can run at the same time. A call that finds all of them in use waits, at most as long as it
    /// may run. Default: 64.
    pub pool_size: u32,
    /// How many of them one plugin can hold, so that none can take what all others wait for. Default: none, which is
    /// half of the pool.
    pub share: Option<u32>,
    /// Whether plugins are configured once and frozen. Without it they are configured anew in every call, which is
    /// slower and must answer the same: for finding out whether a plugin does. Default: yes.
    pub freeze: bool,
    /// How sandboxes get their memory. It changes how fast they start and nothing that they compute. Default: pooled.
    pub allocation: Allocation,
    /// How often the clock of [`Limits::wall_clock`] moves, and so how exact that limit is. Default: 10 ms.
    pub tick: Duration,
    /// How many threads compile. Default: as many as the machine has cores.
    pub compile_threads: usize,
    /// How long a load waits for one component to be compiled; the thread that does it goes on until it is through.
    /// Default: 5 min, which is several times what the largest language runtimes need on two busy cores.
    pub compile_time: Duration,
    /// What `describe` and `configure` may use. They run when a plugin is loaded, not when a decision waits, and some
    /// languages start slowly: by default they get 20 s, 20,000,000,000 fuel and all the memory there is to grant.
    pub setup: Limits,
}

/// How sandboxes get their memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allocation {
    /// From a pool that is reserved once: a fresh sandbox costs microseconds.
    #[default]
    Pooled,
    /// From the system, anew for each: slower, and nothing is reserved.
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
    /// How many sandboxes one plugin can hold.
    pub(crate) fn share(&self) -> u32 {
        self.share.unwrap_or(self.pool_size / 2).clamp(1, self.pool_size.max(1))
    }
}

/// What one call of one plugin may use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Fuel: about one unit per instruction. This is the limit that decides, because the same call uses the same on
    /// every machine. What the host does for it is counted apart, and held against the same number. Default:
    /// 1,000,000,000, which is well under a second of work.
    pub fuel: u64,
    /// Linear memory in bytes, over all memories of the component. Default: 64 MiB.
    pub memory: u64,
    /// How large the answer may be, in bytes of text. Default: 1 MiB.
    pub result_size: u64,
    /// How long the call may take. Only a backstop: it differs from machine to machine, so it must be generous enough
    /// that fuel runs out first. Default: 5 s. Watched every [`RuntimeConfig::tick`].
    pub wall_clock: Duration,
    /// How many log lines are kept. Default: 200.
    pub log_lines: usize,
    /// How many bytes of log lines are kept. Default: 64 KiB.
    pub log_bytes: usize,
}

impl Limits {
    /// The same, to run a call again: the clock is a backstop that must not decide a replay, so it gets ten times what
    /// it had, and from one minute to ten.
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
