//! People and their answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::{Keyed, keyed};
use crate::name::{id, name, names};
use crate::{Digest, PersonId, Timestamp};

/// A person who requested a deployment, contributed to it, or approves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The id of the person, unique and stable, for example an account name or an e-mail address. Ids that differ only
    /// in case are one person.
    pub id: PersonId,
    /// The name of the person, for display.
    #[serde(default)]
    pub name: String,
    /// The roles that the person holds, for example `change-authority`.
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
    /// The comment of the person who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The approved parts that have changed since, so that the answer no longer counts: `release`, `plan`, `evidence`,
    /// `model`, … The host sets them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
}

impl Approval {
    /// Whether the approval counts for a subject at a moment: it names this subject, and has not expired.
    pub fn counts_for(&self, subject: &Digest, now: Timestamp) -> bool {
        self.subject == *subject && self.changed.is_empty() && self.expires.is_none_or(|end| now < end)
    }
}

keyed!(Approval: id);

impl Keyed for Person {
    fn key(&self) -> &str {
        self.id.normal()
    }
}
