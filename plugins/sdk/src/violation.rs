//! What is wrong.

use crate::Requirement;
pub use crate::bindings::lockgate::types::types::Violation;

impl Violation {
    /// Something is wrong. `code` is stable, lower-case, its words joined by hyphens: tools match on it. `message` is
    /// one sentence for a person who does not know the plugin.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), subject: None, pointer: None, remedies: Vec::new() }
    }

    /// What it is about: a component, an instance, a person.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Where in the snapshot it lies, as a JSON Pointer; see [`Pointer`](crate::Pointer).
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// What would turn it.
    #[must_use]
    pub fn remedy(mut self, requirement: Requirement) -> Self {
        self.remedies.push(requirement);
        self
    }
}
