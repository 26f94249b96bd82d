//! Violations: what is wrong with a deployment.

pub use crate::bindings::lockgate::types::types::Violation;
use crate::{CorrectionNeeded, Requirement};

impl Violation {
    /// A violation. `code` is stable, lower-case, its words joined by hyphens: tools match it. `message` is one
    /// sentence for a person who does not know the plugin.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), subject: None, pointer: None, remedies: Vec::new() }
    }

    /// Sets the subject: a component, an instance, a person.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Sets the place in the snapshot, as a JSON Pointer; see [`Pointer`](crate::Pointer).
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// Sets the place to that of the correction, and adds the correction as a remedy. `code` is that of the
    /// [`Requirement`] and names the correction, such as `correct-release`.
    ///
    /// ```
    /// use lockgate_plugin::{CorrectionNeeded, Pointer, Violation};
    ///
    /// let place = Pointer::root().key("release").key("status");
    /// let violation = Violation::new("release-not-published", "Shop 2.4 is accepted, but not published")
    ///     .correct("correct-release", CorrectionNeeded::new(&place, "published").found("accepted"));
    /// assert_eq!(violation.pointer.as_deref(), Some("/release/status"));
    /// assert_eq!(violation.remedies[0].message, "published is expected at `/release/status`");
    /// ```
    #[must_use]
    pub fn correct(self, code: impl Into<String>, need: CorrectionNeeded) -> Self {
        let message = format!("{} is expected at `{}`", need.expected, need.pointer);
        self.at(need.pointer.clone()).remedy(Requirement::new(code, message, need))
    }

    /// Adds a remedy, which would change the answer.
    #[must_use]
    pub fn remedy(mut self, requirement: Requirement) -> Self {
        self.remedies.push(requirement);
        self
    }
}
