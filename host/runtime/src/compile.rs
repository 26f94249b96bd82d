//! Compiles components. Nothing can stop a compilation that has started.
//!
//! Compilations have threads of their own, so that they use a fixed number of cores, however many plugins are loaded at the
//! same time. These threads have a low priority: evaluations that have to answer in milliseconds come before a load that
//! takes seconds. No lock is held during a compilation. A caller waits for a limited time; a compilation that takes longer is
//! finished and its result dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use wasmtime::Engine as WasmEngine;
use wasmtime::component::Component;

use crate::admission::AdmissionError;

/// The threads that compile.
#[derive(Debug)]
pub(crate) struct Compiler {
    threads: ThreadPool,
    at_most: Duration,
}

impl Compiler {
    /// Starts the threads. A caller waits for one component at most the time `at_most`.
    pub(crate) fn new(threads: usize, at_most: Duration) -> Result<Self, ThreadPoolBuildError> {
        let threads = ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .thread_name(|number| format!("lockgate-compile-{number}"))
            .start_handler(|_| lower_priority())
            .build()?;
        Ok(Self { threads, at_most })
    }

    /// Compiles a component that was admitted.
    ///
    /// # Errors
    /// If it cannot be compiled, or not in time.
    pub(crate) fn compile(&self, engine: &WasmEngine, component: &[u8]) -> Result<Component, AdmissionError> {
        let (done, compiled) = mpsc::sync_channel(1);
        let (engine, component) = (engine.clone(), Arc::<[u8]>::from(component));
        self.threads.spawn(move || {
            // A panic of the compiler must not end the process, and the caller may have stopped waiting.
            let compile = AssertUnwindSafe(|| Component::from_binary(&engine, &component));
            if let Ok(compiled) = catch_unwind(compile) {
                let _ = done.send(compiled);
            }
        });
        match compiled.recv_timeout(self.at_most) {
            Ok(compiled) => compiled.map_err(|error| AdmissionError::Compile(format!("{error:#}"))),
            Err(RecvTimeoutError::Timeout) => Err(AdmissionError::CompileTime { limit: self.at_most }),
            Err(RecvTimeoutError::Disconnected) => Err(AdmissionError::Compile("the compiler panicked".to_owned())),
        }
    }
}

/// Lowers the priority of this thread. Only Linux has a priority for each thread; that of the process must not change. A thread
/// that cannot lower it compiles anyway.
fn lower_priority() {
    /// The share of a core is a tenth of that of an evaluating thread, if both need the same core.
    #[cfg(target_os = "linux")]
    const NICE: i32 = 10;
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "cannot lower the priority of a compiling thread");
    }
}
