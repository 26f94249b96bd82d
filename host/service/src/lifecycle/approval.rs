//! Recorded approvals. Each names what was approved, so that it becomes void when that changes.

use std::collections::BTreeMap;

use lockgate_domain::{Approval, Digest, PersonId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A recorded approval or rejection, with what it is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedApproval {
    /// The answer of the person.
    #[serde(flatten)]
    pub approval: Approval,
    /// The digests of the approved parts, by the name of the part.
    pub parts: BTreeMap<String, Digest>,
    /// The digest of the deployment model under which the answer was given.
    pub model: Digest,
    /// When the answer was revoked (RFC 3339). Absent if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// The id of the later answer of the same person in the same role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
    /// When the deployment went back to planning after the answer (RFC 3339). Absent if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replanned: Option<Timestamp>,
}

/// The reason why an approval does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "because")]
pub enum ApprovalInvalid {
    /// Approved parts have changed since.
    Changed {
        /// The names of the changed parts: `release`, `plan`, `evidence`, `model`, …
        parts: Vec<String>,
    },
    /// The approval was revoked.
    Revoked,
    /// The same person answered again in the same role.
    Superseded {
        /// The id of the later answer.
        by: String,
    },
    /// The deployment went back to planning since.
    Replanned,
    /// The approval has expired.
    Expired,
    /// The approver requested the deployment or contributed to it, now or earlier (separation of duties).
    NotIndependent {
        /// The id of the person who is not independent.
        person: PersonId,
    },
}

impl RecordedApproval {
    /// The person whose answer this is: the person in whose place it was given, else the person who gave it.
    pub fn principal(&self) -> &PersonId {
        self.approval.on_behalf_of.as_ref().unwrap_or(&self.approval.person.id)
    }

    /// Whether nobody has taken the answer back, and no later one or another planning has taken its place.
    pub fn stands(&self) -> bool {
        self.revoked.is_none() && self.superseded_by.is_none() && self.replanned.is_none()
    }

    /// Why the approval does not count. None if it counts.
    pub fn void(
        &self,
        now: Timestamp,
        parts: &BTreeMap<String, Digest>,
        model: Digest,
        involves: &dyn Fn(&PersonId) -> bool,
    ) -> Option<ApprovalInvalid> {
        if self.revoked.is_some() {
            return Some(ApprovalInvalid::Revoked);
        }
        if let Some(by) = &self.superseded_by {
            return Some(ApprovalInvalid::Superseded { by: by.clone() });
        }
        if self.replanned.is_some() {
            return Some(ApprovalInvalid::Replanned);
        }
        if let Some(person) = [&self.approval.person.id, self.principal()].into_iter().find(|id| involves(id)) {
            return Some(ApprovalInvalid::NotIndependent { person: person.clone() });
        }
        if self.approval.expires.is_some_and(|expires| expires <= now) {
            return Some(ApprovalInvalid::Expired);
        }
        let names = self.parts.keys().chain(parts.keys().filter(|name| !self.parts.contains_key(*name)));
        let mut changed: Vec<String> =
            names.filter(|name| self.parts.get(*name) != parts.get(*name)).cloned().collect();
        if self.model != model {
            changed.push("model".to_owned());
        }
        (!changed.is_empty()).then_some(ApprovalInvalid::Changed { parts: changed })
    }
}
