//! `GET /api/v1/access`: the people who may act at the gates of models.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::{CredentialKind, Teams};
use crate::{GateNeed, ModelName, PersonId, Timestamp};

/// Who may do what at the gates of models.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessReview {
    /// What somebody has to do, or may have to, at each gate that a model guards; by model and gate in order.
    pub items: Vec<AccessRow>,
    /// What keeps deployments from coming through, because there is nobody to do it.
    pub warnings: Vec<AccessWarning>,
}

/// Something that somebody does at a gate, and who may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessRow {
    /// The deployment model that has the gate.
    pub model: ModelName,
    /// What they do, and in which roles.
    #[serde(flatten)]
    pub need: GateNeed,
    /// The people who hold a valid token for it, by id in order.
    pub people: Vec<AccessHolder>,
    /// The rules for identity tokens and client certificates that give such a role, in the order of the configuration. Who
    /// comes by them is not known before they do. Absent: nobody has looked at the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<String>>,
}

/// Somebody who holds a valid token in a role that is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessHolder {
    /// The id of the person.
    pub id: PersonId,
    /// The name of the person. It may be empty.
    pub name: String,
    /// The roles that are needed and that they hold.
    pub roles: BTreeSet<String>,
    /// The kind of the token: who or what uses it.
    pub kind: CredentialKind,
    /// The teams whose deployments the token may act on.
    pub teams: Teams,
    /// The id of the token.
    pub token: String,
    /// From when on it is no longer taken; absent: it never ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// That there is nobody, or too few, to do something without which deployments do not come through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessWarning {
    /// The kind of the warning.
    pub code: AccessWarningCode,
    /// The deployment model that has the gate.
    pub model: ModelName,
    /// The action that nobody, or too few people, can take.
    #[serde(flatten)]
    pub need: GateNeed,
    /// The same in words, with the way out.
    pub message: String,
}

/// The kind of an [`AccessWarning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccessWarningCode {
    /// Nobody holds a role that a gate needs.
    RoleWithoutPeople,
    /// Somebody may override, and there is no second person to confirm it.
    NoSecondPerson,
    /// A gate needs more different people than there are.
    TooFewPeople,
}
