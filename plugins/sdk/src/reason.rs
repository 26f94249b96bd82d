//! The reasons and the conditions of an answer.

pub use crate::bindings::lockgate::types::types::{Obligation, Reason};
use crate::types::Document;

impl Reason {
    /// A reason. `code` is stable, lower-case, its words joined by hyphens; `message` is one sentence.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), pointer: None }
    }

    /// Sets the place in the snapshot, as a JSON Pointer; see [`Pointer`](crate::Pointer).
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }
}

impl Obligation {
    /// A condition that the deployment must meet. `code` is stable, `message` is one sentence.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), details: None }
    }

    /// Adds the details that machines need to meet it.
    #[must_use]
    pub fn details(mut self, details: Document) -> Self {
        self.details = Some(details);
        self
    }
}
