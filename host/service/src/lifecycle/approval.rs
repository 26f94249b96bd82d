//! Recorded approvals. Each names what was approved, so that it becomes void when that changes.

use std::collections::BTreeMap;

use lockgate_domain::{Approval, Digest, PersonId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An approval, and what it is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedApproval {
    /// What the person answered.
    #[serde(flatten)]
    pub approval: Approval,
    /// The digests of what was approved, by the name of the part.
    pub parts: BTreeMap<String, Digest>,
    /// The deployment model that it was approved under.
    pub model: Digest,
    /// In whose place the person answered, by person id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<PersonId>,
    /// Since when it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// The later answer of the same person in the same role, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
}

/// Why an approval does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "because")]
pub enum ApprovalInvalid {
    /// What was approved has changed: these parts of it.
    Changed {
        /// By name: `release`, `plan`, `evidence`, `model`, …
        parts: Vec<String>,
    },
    /// It was taken back.
    Revoked,
    /// The person answered again.
    Superseded {
        /// The later answer.
        by: String,
    },
    /// Its time is over.
    Expired,
    /// The person asked for the deployment, or contributed to it, now or before. (Separation of duties)
    NotIndependent {
        /// Who.
        person: PersonId,
    },
}

impl RecordedApproval {
    /// The person whose answer this is: the person in whose place it was given, else the person who gave it.
    pub fn principal(&self) -> &PersonId {
        self.on_behalf_of.as_ref().unwrap_or(&self.approval.person.id)
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
