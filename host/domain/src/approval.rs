//! People and their answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::{Keyed, keyed};
use crate::name::{id, name, names};
use crate::{Digest, PersonId, Timestamp};

/// Somebody who asks, contributes or approves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Unique and stable, for example an account name or an e-mail address. Ids that differ in case alone are one person.
    pub id: PersonId,
    /// For people.
    #[serde(default)]
    pub name: String,
    /// The roles that the person holds, for example `change-authority`.
    #[serde(default, deserialize_with = "names")]
    pub roles: Vec<String>,
}

/// What an approver answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalAnswer {
    /// Yes.
    Approved,
    /// No.
    Rejected,
}

/// One answer of one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Unique within the deployment.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// Who answered.
    pub person: Person,
    /// In which role: one of the person's.
    #[serde(deserialize_with = "name")]
    pub role: String,
    /// What the person answered.
    pub answer: ApprovalAnswer,
    /// When.
    pub at: Timestamp,
    /// From this moment on it no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// What was approved: the [subject](crate::Snapshot::subject) at that time.
    pub subject: Digest,
    /// What the person added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What has changed since it was given, so that it does not count any more: `release`, `plan`, `evidence`, `model`, … The
    /// host says it.
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
