//! The reasons and the conditions of an answer.

use crate::Requirement;
pub use crate::bindings::lockgate::types::types::{Obligation, Reason};
use crate::time::Timestamp;
use crate::types::Document;

impl Reason {
    /// A reason. `code` is stable, lower-case, its words joined by hyphens; `message` is one sentence.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { code, message, pointers: Vec::new(), references: Vec::new(), details: None }
    }

    /// Adds a place in the snapshot, as a JSON Pointer; see [`Pointer`](crate::Pointer).
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointers.push(pointer.into());
        self
    }

    /// Adds a clause or page that it rests on, as a URI.
    #[must_use]
    pub fn reference(mut self, uri: impl Into<String>) -> Self {
        self.references.push(uri.into());
        self
    }

    /// Sets more about it, for tools.
    #[must_use]
    pub fn details(mut self, details: Document) -> Self {
        self.details = Some(details);
        self
    }
}

impl Obligation {
    /// A condition that the deployment must keep. `code` is stable; `kind` is a word such as `review`, `monitor`,
    /// `document` or `clean-up`; `message` is one sentence.
    pub fn new(code: impl Into<String>, kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            kind: kind.into(),
            message: message.into(),
            owner: None,
            not_before: None,
            due: None,
            proof: None,
            details: None,
        }
    }

    /// Sets who has to keep it: a role, a person or a supplier.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Sets the time from which it can be kept.
    #[must_use]
    pub fn not_before(mut self, not_before: Timestamp) -> Self {
        self.not_before = Some(not_before.as_millis());
        self
    }

    /// Sets when it has to be kept.
    #[must_use]
    pub fn due(mut self, due: Timestamp) -> Self {
        self.due = Some(due.as_millis());
        self
    }

    /// Sets what shows that it was kept.
    #[must_use]
    pub fn proof(mut self, proof: Requirement) -> Self {
        self.proof = Some(proof);
        self
    }

    /// Sets more about it, for tools.
    #[must_use]
    pub fn details(mut self, details: Document) -> Self {
        self.details = Some(details);
        self
    }
}
