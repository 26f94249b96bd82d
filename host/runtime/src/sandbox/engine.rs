//! The Wasmtime engine of a runtime: every setting that limits guests or makes them deterministic.

use wasmtime::{
    Config, Enabled, Engine as WasmEngine, InstanceAllocationStrategy, OperatorCost, PoolingAllocationConfig,
    WasmFeatures,
};

use crate::config::{Allocation, RuntimeConfig};

/// The version of wasmtime.
pub(crate) const ENGINE_VERSION: &str = "48.0.8";
/// The settings that can change an answer or the fuel that it takes. Every recording names them, so that a replay can tell a
/// change of the engine from a change of the plugin. Raise the number behind `costs` whenever a cost changes.
pub(crate) const SETTINGS: &[&str] =
    &["fuel", "nan-canonicalization", "no-relaxed-simd", "no-threads", "operator-costs-1", "host-costs-1"];

/// The most core instances of one component. A component in Rust has three; one with an interpreter and its libraries has
/// dozens.
pub(crate) const MAX_CORE_INSTANCES: u32 = 128;
/// The most memories of one component.
pub(crate) const MAX_MEMORIES: u32 = 4;
/// The most tables of one component.
pub(crate) const MAX_TABLES: u32 = 16;
/// The most elements of one table: interpreters make tables of some ten thousand functions.
pub(crate) const MAX_TABLE_ELEMENTS: usize = 1 << 16;
/// The native stack that a guest may use, in bytes. It belongs to the calling thread, so it costs nothing to allow. A thread
/// that evaluates needs this and the frames of the host; the 2 MiB of a thread of the standard library hold both.
const NATIVE_STACK: usize = 512 << 10;
/// How much of a slot's memory stays mapped between calls, in bytes. The rest is returned to the system and costs page faults
/// in the next call.
const KEEP_RESIDENT: usize = 1 << 20;

/// An engine with the configuration of a runtime.
pub(crate) fn engine(config: &RuntimeConfig) -> wasmtime::Result<WasmEngine> {
    let mut settings = Config::new();
    settings
        // Limits: fuel decides, the epoch is the backstop.
        .consume_fuel(true)
        .operator_cost(costs())
        .epoch_interruption(true)
        .max_wasm_stack(NATIVE_STACK)
        // Settings that make answers the same on every machine.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_features(WasmFeatures::THREADS, false)
        // Features that no plugin needs, and that most advisories are about.
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .gc_support(false)
        .wasm_memory64(false)
        .concurrency_support(false)
        .wasm_component_model(true)
        // The layout in memory.
        .allocation_strategy(match config.allocation {
            Allocation::Pooled => InstanceAllocationStrategy::Pooling(pool(config)),
            Allocation::OnDemand => InstanceAllocationStrategy::OnDemand,
        });
    WasmEngine::new(&settings)
}

/// The cost of instructions in fuel: one unit, and more for those that call Wasmtime's own code, by how long that takes. Each
/// byte or element that they process costs a further unit.
fn costs() -> OperatorCost {
    const GROWS: u8 = 40;
    const CALLS: u8 = 8;
    OperatorCost {
        MemoryGrow: GROWS,
        TableGrow: GROWS,
        MemoryCopy: CALLS,
        MemoryFill: CALLS,
        MemoryInit: CALLS,
        TableCopy: CALLS,
        TableFill: CALLS,
        TableInit: CALLS,
        DataDrop: CALLS,
        ElemDrop: CALLS,
        RefFunc: CALLS,
        ..OperatorCost::default()
    }
}

/// A pool for `pool_size` components of the largest size: a sandbox that got a slot never finds the pool exhausted.
fn pool(config: &RuntimeConfig) -> PoolingAllocationConfig {
    let slots = config.pool_size.max(1);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .max_core_instances_per_component(MAX_CORE_INSTANCES)
        .total_core_instances(slots.saturating_mul(MAX_CORE_INSTANCES))
        .max_memories_per_component(MAX_MEMORIES)
        .max_memories_per_module(MAX_MEMORIES)
        .total_memories(slots.saturating_mul(MAX_MEMORIES))
        .max_tables_per_component(MAX_TABLES)
        .max_tables_per_module(MAX_TABLES)
        .total_tables(slots.saturating_mul(MAX_TABLES))
        .table_elements(MAX_TABLE_ELEMENTS)
        .total_gc_heaps(0)
        .max_memory_size(usize::try_from(config.max_memory).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto)
        // Memory that was used for a plugin is best used for it again.
        .max_unused_warm_slots(slots);
    pool
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn the_version_that_recordings_name_is_the_one_that_is_built_in() {
        let manifest = include_str!("../../../../Cargo.toml");
        let line = manifest.lines().find(|line| line.starts_with("wasmtime = ")).unwrap();
        assert!(line.contains(&format!("version = \"={ENGINE_VERSION}\"")), "{line}");
    }
}
