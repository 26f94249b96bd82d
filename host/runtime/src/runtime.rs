//! The runtime: one Wasmtime engine and what all plugins share.

use std::sync::Arc;

use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Engine as WasmEngine, Store};

use crate::cache::{CacheError, CodeCache};
use crate::capability::{HostServices, Namespaces};
use crate::compile::Compiler;
use crate::config::{Limits, RuntimeConfig};
use crate::sandbox::{self, FinishedRun, RunError, Sandbox, SandboxSlots, Ticker};

/// Loads and runs plugins. A process needs one; clones share it.
#[derive(Clone, Debug)]
pub struct Runtime {
    core: Arc<RuntimeCore>,
}

/// Why a runtime cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// Wasmtime refuses the configuration, or the machine lacks what it needs. The message is Wasmtime's.
    #[error("the WebAssembly engine cannot be started: {0}")]
    Engine(String),
    /// A thread cannot be started. The message is the system's.
    #[error("a thread cannot be started: {0}")]
    Thread(String),
    /// The directory of the cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// The parts of a runtime that all clones share.
#[derive(Debug)]
pub(crate) struct RuntimeCore {
    pub(crate) config: RuntimeConfig,
    pub(crate) engine: WasmEngine,
    pub(crate) slots: SandboxSlots,
    pub(crate) compiler: Compiler,
    pub(crate) cache: Option<CodeCache>,
    /// What the host provides to capabilities.
    pub(crate) services: HostServices,
    _ticker: Ticker,
}

impl RuntimeCore {
    /// Runs `body` in a fresh sandbox, which counts towards the share of its plugin if that is given.
    pub(crate) fn run<T>(
        &self,
        share: Option<&SandboxSlots>,
        limits: &Limits,
        component: &InstancePre<Sandbox>,
        body: impl FnOnce(&mut Store<Sandbox>, &Instance) -> Result<T, RunError>,
    ) -> FinishedRun<T> {
        sandbox::run(&self.slots, share, self.config.tick, limits, component, body)
    }
}

impl Runtime {
    /// Starts an engine, the thread of its clock, and the threads that compile. All end with the last clone and the last
    /// plugin.
    ///
    /// # Errors
    /// If the engine or a thread cannot be started, or the cache directory cannot be used safely.
    pub fn new(config: RuntimeConfig) -> Result<Self, RuntimeError> {
        Self::start(config, None)
    }

    /// As [`Runtime::new`], with a store for the values of plugins. Without one, the host functions of `key-value` answer
    /// `unavailable`.
    ///
    /// # Errors
    /// As [`Runtime::new`].
    pub fn with_namespaces(config: RuntimeConfig, namespaces: Arc<dyn Namespaces>) -> Result<Self, RuntimeError> {
        Self::start(config, Some(namespaces))
    }

    fn start(config: RuntimeConfig, namespaces: Option<Arc<dyn Namespaces>>) -> Result<Self, RuntimeError> {
        let engine = sandbox::engine(&config).map_err(|error| RuntimeError::Engine(format!("{error:#}")))?;
        let ticker = Ticker::start(&engine, config.tick).map_err(|error| RuntimeError::Thread(error.to_string()))?;
        let compiler = Compiler::new(config.compile_threads, config.compile_time)
            .map_err(|error| RuntimeError::Thread(error.to_string()))?;
        let cache =
            config.cache.as_deref().map(|directory| CodeCache::open(directory, &engine, config.freeze)).transpose()?;
        let slots = SandboxSlots::new(config.pool_size);
        let services = HostServices { namespaces };
        Ok(Self { core: Arc::new(RuntimeCore { config, engine, slots, compiler, cache, services, _ticker: ticker }) })
    }

    /// The configuration that it was started with.
    pub fn config(&self) -> &RuntimeConfig {
        &self.core.config
    }

    /// The parts that all clones share.
    pub(crate) fn core(&self) -> &RuntimeCore {
        &self.core
    }
}
