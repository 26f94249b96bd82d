//! The capabilities that a plugin asks for.

pub use crate::bindings::exports::lockgate::types::plugin::Capability;
use crate::key_value::Access;

impl Capability {
    /// A capability by name, without a scope. `reason` is one sentence that an operator reads before granting it.
    pub fn new(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { name: name.into(), scope: Vec::new(), reason: reason.into(), optional: false }
    }

    /// The right to write lines with [`info!`](crate::info) and its like.
    pub fn log(reason: impl Into<String>) -> Self {
        Self::new("log", reason)
    }

    /// The right to read evidence whose name fits one of the patterns, such as `sbom` or `report-*`.
    pub fn evidence<I>(patterns: I, reason: impl Into<String>) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self::new("evidence", reason).of(patterns)
    }

    /// The right to read the registers, such as `incidents`, and the facts of the organisation, such as `fact:acme.cost`, that
    /// fit one of the patterns.
    pub fn facts<I>(patterns: I, reason: impl Into<String>) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self::new("facts", reason).of(patterns)
    }

    /// The right to read the directories with these names, with a [`Directory`](crate::directory::Directory).
    pub fn directory<I>(names: I, reason: impl Into<String>) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self::new("directory", reason).of(names)
    }

    /// The right to send a [`Request`](crate::http::Request). The operator chooses the origins, unless [`of`](Self::of)
    /// names them: `Capability::http("…").of(["https://scanner.example.com"])`.
    pub fn http(reason: impl Into<String>) -> Self {
        Self::new("http", reason)
    }

    /// The right to read, or to read and change, the [`Values`](crate::key_value::Values) of the namespace that the
    /// operator names.
    pub fn key_value(access: Access, reason: impl Into<String>) -> Self {
        Self::new("key-value", reason).of([access.word()])
    }

    /// Marks a capability without which the plugin works, too.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Sets the scope, in the capability's own notation.
    #[must_use]
    pub fn of<I>(mut self, scope: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.scope.extend(scope.into_iter().map(Into::into));
        self
    }
}
