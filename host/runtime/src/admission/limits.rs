//! Limits on what a component consists of, which bound the cost of compiling it.
//!
//! Neither fuel nor a memory limit stops the compiler, and the size of a component does not bound what compiling it costs:
//! 30 KB of nested loops over many locals take ten seconds, 100 KB of branches to one label take minutes, and a few hundred
//! bytes of components that instantiate each other never end. So each of these is counted and limited.

/// Limits on what a component consists of. The defaults are three times what CPython and SpiderMonkey need as components,
/// the largest runtimes that plugins are built with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// Estimated cost of compiling all functions, in units of about a microsecond on one core. Default: 100,000,000;
    /// CPython needs about 30,000,000.
    pub cost: u64,
    /// Estimated cost of compiling the costliest function, in the same units. One thread compiles it, and its cost in memory
    /// grows with it. Default: 20,000,000, which can take 1 GiB.
    pub function_cost: u64,
    /// Number of types, imports, functions, exports, aliases, segments and other items of all modules and components.
    /// Default: 500,000.
    pub items: u64,
    /// Number of module and component instances that instantiating the component creates, itself included. Default: 1,000.
    pub instances: u64,
    /// Number of functions that are lowered for use by a core module, counted for each instance that does so. Default:
    /// 1,000.
    pub adapters: u64,
    /// Nesting depth of components and modules. Default: 16.
    pub depth: u64,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            cost: 100_000_000,
            function_cost: 20_000_000,
            items: 500_000,
            instances: 1_000,
            adapters: 1_000,
            depth: 16,
        }
    }
}
