//! What a plugin asks to be allowed to use.

pub use crate::bindings::exports::lockgate::types::plugin::Capability;

impl Capability {
    /// The capability of that name, without parts. `reason` is one sentence that an operator reads before granting it.
    pub fn new(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { name: name.into(), scope: Vec::new(), reason: reason.into() }
    }

    /// To write lines with [`info!`](crate::info) and its like.
    pub fn log(reason: impl Into<String>) -> Self {
        Self::new("log", reason)
    }

    /// To read evidence whose name fits one of the patterns, such as `sbom` or `report-*`.
    pub fn evidence<I>(patterns: I, reason: impl Into<String>) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self { scope: patterns.into_iter().map(Into::into).collect(), ..Self::new("evidence", reason) }
    }
}
