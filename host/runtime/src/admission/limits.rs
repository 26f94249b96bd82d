//! How much a component may consist of before it is compiled.
//!
//! Compiling is the one thing here that neither fuel nor a limit on memory stops, and the size of a component does not
//! bound what it costs: thirty kilobytes of nested loops over many locals take ten seconds, a hundred of branches to
//! one place take minutes, and a few hundred bytes of components that instantiate each other never end. So each of
//! these is counted, and what is too much is refused.

/// How much a component may consist of. By default there is room for three times what CPython or SpiderMonkey as a
/// component come to, which are the largest that anybody builds plugins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// The estimated cost of compiling all functions together, in units of about a microsecond on one core. Default:
    /// 100,000,000; CPython comes to some 30,000,000.
    pub cost: u64,
    /// The same of the costliest function. One thread compiles it, and what makes it costly takes memory too. Default:
    /// 20,000,000, which can take 1 GiB.
    pub function_cost: u64,
    /// What is listed in all modules and components: types, imports, functions, exports, aliases, segments and the
    /// like. Default: 500,000.
    pub items: u64,
    /// How many instances of modules and components are made, of the component itself and of those inside it. Default:
    /// 1,000.
    pub instances: u64,
    /// How many functions are adapted for use by WebAssembly, counted once for each instance that does so. Default:
    /// 1,000.
    pub adapters: u64,
    /// How deep components and modules lie inside each other. Default: 16.
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
