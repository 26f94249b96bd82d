//! `GET /api/v1/access`: the people who may act at the gates of models.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::{CredentialKind, Teams};
use crate::{GateNeed, ModelName, PersonId, Timestamp};

/// The people who may act at the gates of the models.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessReview {
    /// The actions that people take, or may have to take, at each guarded gate, in the order of models and gates.
    pub items: Vec<AccessRow>,
    /// Warnings about actions that nobody, or too few people, can take, so that deployments cannot go on.
    pub warnings: Vec<AccessWarning>,
}

/// An action at a gate, with the people who may take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessRow {
    /// The deployment model that has the gate.
    pub model: ModelName,
    /// What they do, and in which roles.
    #[serde(flatten)]
    pub need: GateNeed,
    /// The people who hold a valid token for the action, in the order of their ids.
    pub people: Vec<AccessHolder>,
    /// The rules for identity tokens and client certificates that grant such a role, in the order of the configuration.
    /// The people to whom they apply are not known in advance. Absent if the configuration was not examined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<String>>,
}

/// A holder of a valid token in a needed role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessHolder {
    /// The id of the person.
    pub id: PersonId,
    /// The name of the person. It may be empty.
    pub name: String,
    /// The needed roles that the person holds.
    pub roles: BTreeSet<String>,
    /// The kind of the token: who or what uses it.
    pub kind: CredentialKind,
    /// The teams whose deployments the token may act on.
    pub teams: Teams,
    /// The id of the token.
    pub token: String,
    /// When the token expires (RFC 3339). If absent, it never expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// A warning: nobody, or too few people, can take an action that deployments need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessWarning {
    /// The kind of the warning.
    pub code: AccessWarningCode,
    /// The deployment model that has the gate.
    pub model: ModelName,
    /// The action that nobody, or too few people, can take.
    #[serde(flatten)]
    pub need: GateNeed,
    /// The warning in words, with its remedy.
    pub message: String,
}

/// The kind of an [`AccessWarning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccessWarningCode {
    /// Nobody holds a role that a gate needs.
    RoleWithoutPeople,
    /// A person may override, and no second person can confirm it.
    NoSecondPerson,
    /// A gate needs more different people than there are.
    TooFewPeople,
}
