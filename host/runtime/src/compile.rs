//! Compiling: the one thing here that no limit can stop once it has begun.
//!
//! It has threads of its own, so that however many plugins are loaded at once, no more cores than these are busy with
//! it. Nothing is held while it compiles: a thread that waits for others to finish may be given another plugin to
//! load in the meantime.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The threads that compile.
#[derive(Debug)]
pub(crate) struct Compiler {
    threads: ThreadPool,
}

impl Compiler {
    pub(crate) fn new(threads: usize) -> Result<Self, ThreadPoolBuildError> {
        let threads = ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .thread_name(|number| format!("lockgate-compile-{number}"))
            .build()?;
        Ok(Self { threads })
    }

    pub(crate) fn compile(&self, engine: &Engine, component: &[u8]) -> wasmtime::Result<Component> {
        self.threads.install(|| Component::from_binary(engine, component))
    }
}
