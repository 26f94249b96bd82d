//! The things that would change an answer.

pub use crate::bindings::lockgate::types::types::{
    ApprovalsNeeded, CorrectionNeeded, EvidenceNeeded, Need, Requirement, TimeNeeded,
};
use crate::time::Timestamp;
use crate::types::Document;

impl Requirement {
    /// A missing thing.
    ///
    /// `code` is stable, lower-case, its words joined by hyphens. `message` is one sentence that says what a person
    /// must do. `need` says the same for machines: [`ApprovalsNeeded`], [`EvidenceNeeded`], [`TimeNeeded`],
    /// [`CorrectionNeeded`], or a [`Document`] that only its owner's tools understand.
    pub fn new(code: impl Into<String>, message: impl Into<String>, need: impl Into<Need>) -> Self {
        Self { code: code.into(), message: message.into(), need: need.into() }
    }
}

impl ApprovalsNeeded {
    /// `missing` more people must approve in a role. `subject` is [`Evaluation::subject`](crate::Evaluation::subject).
    pub fn new(role: impl Into<String>, missing: u32, subject: impl Into<String>) -> Self {
        Self { role: Some(role.into()), ..Self::anybody(missing, subject) }
    }

    /// `missing` more people must approve, in any role.
    pub fn anybody(missing: u32, subject: impl Into<String>) -> Self {
        Self { role: None, missing, excluded: Vec::new(), subject: subject.into() }
    }

    /// The people whose approvals cannot count, by person id.
    #[must_use]
    pub fn excluding<I>(mut self, people: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.excluded.extend(people.into_iter().map(Into::into));
        self
    }
}

impl EvidenceNeeded {
    /// Evidence with this name must be handed in.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), media_type: None }
    }

    /// The media type or schema that the plugin understands.
    #[must_use]
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }
}

impl TimeNeeded {
    /// The answer would be different from this moment on.
    pub fn starting(not_before: Timestamp) -> Self {
        Self { not_before: Some(not_before.as_millis()), not_after: None }
    }

    /// The answer would be different until this moment.
    #[must_use]
    pub fn until(mut self, not_after: Timestamp) -> Self {
        self.not_after = Some(not_after.as_millis());
        self
    }
}

impl CorrectionNeeded {
    /// The value at this JSON Pointer in the snapshot must be different; `expected` says what would be accepted.
    pub fn new(pointer: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), expected: expected.into(), found: None }
    }

    /// The present value.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }
}

impl From<ApprovalsNeeded> for Need {
    fn from(need: ApprovalsNeeded) -> Self {
        Self::Approvals(need)
    }
}

impl From<EvidenceNeeded> for Need {
    fn from(need: EvidenceNeeded) -> Self {
        Self::Evidence(need)
    }
}

impl From<TimeNeeded> for Need {
    fn from(need: TimeNeeded) -> Self {
        Self::Time(need)
    }
}

impl From<CorrectionNeeded> for Need {
    fn from(need: CorrectionNeeded) -> Self {
        Self::Correction(need)
    }
}

impl From<Document> for Need {
    fn from(need: Document) -> Self {
        Self::Other(need)
    }
}
