//! People and their answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::{Keyed, keyed};
use crate::name::{id, name, names, some_name};
use crate::{CredentialKind, Digest, PersonId, Timestamp, Verification, unknown_credential};

/// The kinds of those who act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PersonKind {
    /// A human being.
    #[default]
    Person,
    /// A service, for example a pipeline.
    Service,
    /// An agent: a program that acts by its own judgement.
    Agent,
}

impl PersonKind {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
            Self::Agent => "agent",
        }
    }
}

impl From<CredentialKind> for PersonKind {
    fn from(kind: CredentialKind) -> Self {
        match kind {
            CredentialKind::Person => Self::Person,
            CredentialKind::Service => Self::Service,
            CredentialKind::Agent => Self::Agent,
        }
    }
}

/// A person who requested a deployment, contributed to it, or approves it. It has no name for display: such names are
/// looked up where they are shown, and no plugin sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The id of the person, unique and stable, for example an account name or an e-mail address. Ids that differ only
    /// in case are one person.
    pub id: PersonId,
    /// The kind: a human being, a service or an agent.
    #[serde(default)]
    pub kind: PersonKind,
    /// The roles that the person holds, for example `change-authority`.
    #[serde(default, deserialize_with = "names")]
    pub roles: Vec<String>,
    /// The team that the person belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
    pub team: Option<String>,
}

/// A principal: whom a credential stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// The id of the person, unique and stable, for example an account name or an e-mail address. Ids that differ only
    /// in case are one person.
    pub id: PersonId,
    /// The name of the person, for display.
    #[serde(default)]
    pub name: String,
    /// The roles that the credential gives, for example `change-authority`.
    #[serde(default, deserialize_with = "names")]
    pub roles: Vec<String>,
}

/// The answer of an approver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalAnswer {
    /// The person approves.
    Approved,
    /// The person rejects.
    Rejected,
}

/// The answer of one person: an approval or a rejection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The id of the approval, unique within the deployment.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The person who answered.
    pub person: Person,
    /// The role in which the person answered: one of the person's roles.
    #[serde(deserialize_with = "name")]
    pub role: String,
    /// The answer: approved or rejected.
    pub answer: ApprovalAnswer,
    /// When the answer was given (RFC 3339); the server sets it.
    pub at: Timestamp,
    /// From when on the answer no longer counts (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// The [subject](crate::Snapshot::subject) that the person saw and answered.
    pub subject: Digest,
    /// The id of the person for whom the person answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<PersonId>,
    /// The credential with which the person answered, for example `token:404c01c96dc0`; `unknown` if nobody knows it. The
    /// server sets it.
    #[serde(default = "unknown_credential")]
    pub credential: String,
    /// Whether the person's own key signed the answer.
    #[serde(default)]
    pub signature: Verification,
    /// The comment of the person who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The approved parts that have changed since, so that the answer no longer counts: `release`, `plan`, `evidence`,
    /// `model`, … The host sets them.
    #[serde(default)]
    pub changed: Vec<String>,
}

impl Approval {
    /// An answer of which nothing more is known than this.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        person: Person,
        role: impl Into<String>,
        answer: ApprovalAnswer,
        at: Timestamp,
        subject: Digest,
    ) -> Self {
        Self {
            id: id.into(),
            person,
            role: role.into(),
            answer,
            at,
            expires: None,
            subject,
            on_behalf_of: None,
            credential: unknown_credential(),
            signature: Verification::Absent,
            comment: None,
            changed: Vec::new(),
        }
    }

    /// Whether the approval counts for a subject at a moment: it names this subject, and has not expired.
    pub fn counts_for(&self, subject: &Digest, now: Timestamp) -> bool {
        self.subject == *subject && self.changed.is_empty() && self.expires.is_none_or(|end| now < end)
    }
}

keyed!(Approval: id);

impl Keyed for Principal {
    fn key(&self) -> &str {
        self.id.normal()
    }
}

impl Keyed for Person {
    fn key(&self) -> &str {
        self.id.normal()
    }
}
