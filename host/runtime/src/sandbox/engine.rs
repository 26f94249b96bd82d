//! The one wasmtime engine of a runtime: every setting that bounds guests or makes them deterministic.

use wasmtime::{
    Config, Enabled, Engine as WasmEngine, InstanceAllocationStrategy, OperatorCost, PoolingAllocationConfig,
    WasmFeatures,
};

use crate::config::{Allocation, RuntimeConfig};

/// The version of wasmtime.
pub(crate) const ENGINE_VERSION: &str = "48.0.8";
/// What can change an answer, or the fuel that it takes: what is set below, and what the host charges for what it does.
/// Every recording repeats it, so a change is told apart from a change of a plugin: raise the number behind costs with
/// every change of them.
pub(crate) const SETTINGS: &[&str] =
    &["fuel", "nan-canonicalization", "no-relaxed-simd", "no-threads", "operator-costs-1", "host-costs-1"];

/// The most core instances of one component. Rust makes three; a component that holds an interpreter and its
/// libraries makes dozens.
pub(crate) const MAX_CORE_INSTANCES: u32 = 128;
/// The most memories of one component.
pub(crate) const MAX_MEMORIES: u32 = 4;
/// The most tables of one component.
pub(crate) const MAX_TABLES: u32 = 16;
/// The most elements of one table: interpreters make tables of some ten thousand functions.
pub(crate) const MAX_TABLE_ELEMENTS: usize = 1 << 16;
/// How much native stack a guest may use. It is the calling thread's, so it costs nothing to allow; a thread that
/// evaluates needs this much and the host's own frames, which the 2 MiB of a thread of the standard library hold.
const NATIVE_STACK: usize = 512 << 10;
/// How much of a slot's memory stays mapped between calls. What lies beyond it is given back to the system, and costs
/// page faults in the next call.
const KEEP_RESIDENT: usize = 1 << 20;

/// An engine for that many sandboxes.
pub(crate) fn engine(config: &RuntimeConfig) -> wasmtime::Result<WasmEngine> {
    let mut settings = Config::new();
    settings
        // Limits: fuel decides, the epoch is the backstop.
        .consume_fuel(true)
        .operator_cost(costs())
        .epoch_interruption(true)
        .max_wasm_stack(NATIVE_STACK)
        // The same answer on every machine.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_features(WasmFeatures::THREADS, false)
        // What no plugin needs and what most advisories are about.
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .gc_support(false)
        .wasm_memory64(false)
        .concurrency_support(false)
        .wasm_component_model(true)
        // How it is laid out in memory.
        .allocation_strategy(match config.allocation {
            Allocation::Pooled => InstanceAllocationStrategy::Pooling(pool(config)),
            Allocation::OnDemand => InstanceAllocationStrategy::OnDemand,
        });
    WasmEngine::new(&settings)
}

/// What instructions cost in fuel: one unit, and those more that leave the guest's code for Wasmtime's own, by how long
/// that takes. What they do to each byte or element costs a unit each, besides.
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

/// Room for `pool_size` components at their largest: a sandbox that got a slot never finds the pool exhausted.
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
