//! Compiling: the one thing here that nothing can stop once it has begun.
//!
//! It has threads of its own, so that however many plugins are loaded at once, no more cores than these are busy with
//! it, and they give way: evaluations that have to answer in milliseconds come before a load that takes seconds. Nothing
//! is held while it compiles: a thread that waits for others to finish may be given another plugin to load in the
//! meantime. Who waits for it does so for a bounded time; what is compiled by then in vain is finished and dropped.

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
    /// So many threads, of which each component gets at most that time.
    pub(crate) fn new(threads: usize, at_most: Duration) -> Result<Self, ThreadPoolBuildError> {
        let threads = ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .thread_name(|number| format!("lockgate-compile-{number}"))
            .start_handler(|_| give_way())
            .build()?;
        Ok(Self { threads, at_most })
    }

    /// Compiles a component, which was found to keep within its bounds.
    ///
    /// # Errors
    /// If it cannot be compiled, or not in time.
    pub(crate) fn compile(&self, engine: &WasmEngine, component: &[u8]) -> Result<Component, AdmissionError> {
        let (done, compiled) = mpsc::sync_channel(1);
        let (engine, component) = (engine.clone(), Arc::<[u8]>::from(component));
        self.threads.spawn(move || {
            // What makes the compiler panic must not take the process with it; and nobody may be waiting any more.
            let compile = AssertUnwindSafe(|| Component::from_binary(&engine, &component));
            if let Ok(compiled) = catch_unwind(compile) {
                let _ = done.send(compiled);
            }
        });
        match compiled.recv_timeout(self.at_most) {
            Ok(compiled) => compiled.map_err(|error| AdmissionError::Compile(format!("{error:#}"))),
            Err(RecvTimeoutError::Timeout) => Err(AdmissionError::CompileTime { limit: self.at_most }),
            Err(RecvTimeoutError::Disconnected) => Err(AdmissionError::Compile("the compiler gave up".to_owned())),
        }
    }
}

/// Lowers the priority of this thread. Linux has one for each thread; elsewhere it is the process's, which must keep its
/// own. A thread that cannot lower it compiles all the same.
fn give_way() {
    /// A tenth of what a thread gets that evaluates, where there are not cores enough for both.
    #[cfg(target_os = "linux")]
    const NICE: i32 = 10;
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "a thread that compiles keeps its priority");
    }
}
