//! Why an answer is what it is, and on what conditions.

pub use crate::bindings::lockgate::types::types::{Obligation, Reason};
use crate::types::Document;

impl Reason {
    /// A reason. `code` is stable, lower-case, its words joined by hyphens; `message` is one sentence.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), pointer: None }
    }

    /// Where in the snapshot it lies, as a JSON Pointer; see [`Pointer`](crate::Pointer).
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }
}

impl Obligation {
    /// Something that the deployment has to do or keep to. `code` is stable, `message` is one sentence.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), details: None }
    }

    /// What machines need to know to see to it.
    #[must_use]
    pub fn details(mut self, details: Document) -> Self {
        self.details = Some(details);
        self
    }
}
