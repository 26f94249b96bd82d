//! The things that would change an answer.

pub use crate::bindings::lockgate::types::types::{
    ActivityNeeded, ApprovalsNeeded, CorrectionNeeded, DeploymentNeeded, EvidenceNeeded, ExemptionNeeded, FactNeeded,
    Need, Requirement, TimeNeeded,
};
use crate::time::{Duration, Timestamp};
use crate::types::{DeploymentResult, Document};

impl Requirement {
    /// A missing thing.
    ///
    /// `code` is stable, lower-case, its words joined by hyphens. `message` is one sentence that says what a person
    /// must do. `need` says the same for machines: [`ApprovalsNeeded`], [`EvidenceNeeded`], [`FactNeeded`],
    /// [`ActivityNeeded`], [`TimeNeeded`], [`CorrectionNeeded`], [`DeploymentNeeded`], [`ExemptionNeeded`], or a
    /// [`Document`] that only its owner's tools understand.
    pub fn new(code: impl Into<String>, message: impl Into<String>, need: impl Into<Need>) -> Self {
        Self { code: code.into(), message: message.into(), way: 0, owner: None, need: need.into() }
    }

    /// A part of the snapshot that has to be corrected. The message says what is expected where.
    pub fn correction(code: impl Into<String>, need: CorrectionNeeded) -> Self {
        let message = format!("{} is expected at `{}`", need.expected, need.pointer);
        Self::new(code, message, need)
    }

    /// Sets the way that it belongs to. Requirements with the same number are all needed; another number is another way to
    /// the same end.
    #[must_use]
    pub fn way(mut self, way: u32) -> Self {
        self.way = way;
        self
    }

    /// Sets who can supply it: a role, a person, a register or a supplier.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }
}

impl ApprovalsNeeded {
    /// `missing` more people must approve in a role. `subject` is [`Evaluation::subject`](crate::Evaluation::subject).
    pub fn new(role: impl Into<String>, missing: u32, subject: impl Into<String>) -> Self {
        Self { roles: vec![role.into()], ..Self::anybody(missing, subject) }
    }

    /// `missing` more people must approve, in any role.
    pub fn anybody(missing: u32, subject: impl Into<String>) -> Self {
        Self { roles: Vec::new(), competence: None, missing, excluded: Vec::new(), subject: subject.into() }
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
        Self { name: name.into(), media_type: None, attesters: Vec::new(), max_age: None, verified: false }
    }

    /// The roles, people or suppliers that may attest it.
    #[must_use]
    pub fn attested_by<I>(mut self, attesters: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.attesters.extend(attesters.into_iter().map(Into::into));
        self
    }

    /// The greatest age that it may have.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age.as_millis());
        self
    }

    /// A signature on it has to be verified.
    #[must_use]
    pub fn verified(mut self) -> Self {
        self.verified = true;
        self
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
        Self { pointer: pointer.into(), expected: expected.into(), accepted: Vec::new(), found: None }
    }

    /// Adds a value that would be accepted, as one JSON text.
    #[must_use]
    pub fn accept(mut self, json: impl Into<String>) -> Self {
        self.accepted.push(json.into());
        self
    }

    /// The present value.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }
}

impl FactNeeded {
    /// The fact that would stand at this JSON Pointer.
    pub fn at(pointer: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), kind: None, id: None, max_age: None }
    }

    /// The register that would hold it.
    #[must_use]
    pub fn register(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Its id in that register.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The greatest age that it may have.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age.as_millis());
        self
    }
}

impl ActivityNeeded {
    /// The activity with this id has to be done.
    pub fn new(activity: impl Into<String>) -> Self {
        Self { activity: activity.into(), role: None, due: None }
    }

    /// The role of the person who does it.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self
    }

    /// When it has to be done.
    #[must_use]
    pub fn due(mut self, due: Timestamp) -> Self {
        self.due = Some(due.as_millis());
        self
    }
}

impl DeploymentNeeded {
    /// A deployment to this environment has to end so.
    pub fn to(environment: impl Into<String>, outcome: DeploymentResult) -> Self {
        Self { environment: Some(environment.into()), release: None, digest: None, deployment: None, outcome }
    }

    /// The deployment with this id has to end so.
    pub fn with_id(deployment: impl Into<String>, outcome: DeploymentResult) -> Self {
        Self { environment: None, release: None, digest: None, deployment: Some(deployment.into()), outcome }
    }

    /// The id of its release.
    #[must_use]
    pub fn release(mut self, release: impl Into<String>) -> Self {
        self.release = Some(release.into());
        self
    }

    /// The digest of its release.
    #[must_use]
    pub fn digest(mut self, digest: impl Into<String>) -> Self {
        self.digest = Some(digest.into());
        self
    }
}

impl ExemptionNeeded {
    /// A waiver or an override of these codes; of all codes if there are none.
    pub fn of<I>(codes: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self { roles: Vec::new(), codes: codes.into_iter().map(Into::into).collect() }
    }

    /// A role in which somebody may grant it.
    #[must_use]
    pub fn by(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
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

impl From<FactNeeded> for Need {
    fn from(need: FactNeeded) -> Self {
        Self::Fact(need)
    }
}

impl From<ActivityNeeded> for Need {
    fn from(need: ActivityNeeded) -> Self {
        Self::Activity(need)
    }
}

impl From<DeploymentNeeded> for Need {
    fn from(need: DeploymentNeeded) -> Self {
        Self::Deployment(need)
    }
}

impl From<ExemptionNeeded> for Need {
    fn from(need: ExemptionNeeded) -> Self {
        Self::Exemption(need)
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
