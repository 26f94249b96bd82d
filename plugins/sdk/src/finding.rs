//! Findings: what is not as it should be.

pub use crate::bindings::lockgate::types::types::Finding;
use crate::types::{Document, Severity};
use crate::{CorrectionNeeded, Requirement};

impl Finding {
    /// A finding of severity `high`. `code` is stable, lower-case, its words joined by hyphens: tools match it. `message`
    /// is one sentence for a person who does not know the plugin.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::High,
            code: code.into(),
            message: message.into(),
            about: None,
            pointers: Vec::new(),
            remedies: Vec::new(),
            references: Vec::new(),
            details: None,
        }
    }

    /// Sets how much it matters.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Sets the component, the instance or the person that it is about.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = Some(about.into());
        self
    }

    /// Adds a place in the snapshot, as a JSON Pointer; see [`Pointer`](crate::Pointer).
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointers.push(pointer.into());
        self
    }

    /// Adds the place of the correction, and the correction as a remedy. `code` is that of the [`Requirement`] and names
    /// the correction, such as `correct-release`. `owner` can make the correction; see [`roles`](crate::roles).
    ///
    /// ```
    /// use lockgate_plugin::roles::RELEASE_MANAGER;
    /// use lockgate_plugin::{CorrectionNeeded, Finding, Pointer};
    ///
    /// let place = Pointer::root().key("release").key("status");
    /// let need = CorrectionNeeded::new(&place, "published").found("accepted");
    /// let finding = Finding::new("release-not-published", "Shop 2.4 is accepted, but not published")
    ///     .correct("correct-release", need, RELEASE_MANAGER);
    /// assert_eq!(finding.pointers, ["/release/status"]);
    /// assert_eq!(finding.remedies[0].message, "published is expected at `/release/status`");
    /// ```
    #[must_use]
    pub fn correct(self, code: impl Into<String>, need: CorrectionNeeded, owner: impl Into<String>) -> Self {
        self.at(need.pointer.clone()).remedy(Requirement::correction(code, need).owner(owner))
    }

    /// Adds a remedy, which would change the answer.
    #[must_use]
    pub fn remedy(mut self, requirement: Requirement) -> Self {
        self.remedies.push(requirement);
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
