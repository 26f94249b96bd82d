//! The limit on linear memory and tables.
//!
//! A guest that asks for too much is stopped at once. If `memory.grow` failed instead, as WebAssembly has it, the guest would
//! abort later, and nobody could tell why.

use wasmtime::ResourceLimiter;

use super::engine::{MAX_CORE_INSTANCES, MAX_MEMORIES, MAX_TABLE_ELEMENTS, MAX_TABLES};
use crate::display::{Bytes, Count};

/// A guest asked for more memory or a larger table than its limit.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum MemoryExceeded {
    /// The limit on linear memory, in bytes, over all memories of the component.
    #[error("it asked for {} of memory; the limit is {}", Bytes(*.asked), Bytes(*.limit))]
    Memory { asked: u64, limit: u64 },
    /// The limit on the elements of a table.
    #[error("it asked for a table of {} elements; the limit is {}", Count(*.asked), Count(*.limit))]
    Table { asked: u64, limit: u64 },
}

/// Counts and limits the linear memory of a sandbox, in bytes.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    limit: u64,
    held: u64,
    peak: u64,
}

impl MemoryLimiter {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, held: 0, peak: 0 }
    }

    /// The most memory that was held at the same time, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let asked = self.held.saturating_add(desired.saturating_sub(current) as u64);
        if asked > self.limit {
            return Err(MemoryExceeded::Memory { asked, limit: self.limit }.into());
        }
        // A module may declare its own maximum: beyond it, it gets the "no" that it expects.
        if maximum.is_none_or(|maximum| desired <= maximum) {
            self.held = asked;
            self.peak = self.peak.max(asked);
        }
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > MAX_TABLE_ELEMENTS {
            return Err(MemoryExceeded::Table { asked: desired as u64, limit: MAX_TABLE_ELEMENTS as u64 }.into());
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        MAX_CORE_INSTANCES as usize
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES as usize
    }

    fn tables(&self) -> usize {
        MAX_TABLES as usize
    }
}
