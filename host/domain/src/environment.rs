//! The environments that releases are deployed to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::id;

/// The kind of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnvironmentKind {
    /// An environment for development and integration.
    Development,
    /// An environment for tests.
    Test,
    /// A staging environment: as live as possible, without consumers.
    Staging,
    /// A live environment, which consumers use.
    Live,
    /// An environment of another kind.
    Custom,
}

/// The part of an environment that its owner controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnvironmentControl {
    /// The owner controls the whole environment.
    Full,
    /// The owner controls a part of the environment. The rest needs evidence from the third party.
    Limited,
    /// The owner controls no part of the environment.
    None,
}

/// The environment that the deployment goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The name of the environment, unique within the organization.
    #[serde(deserialize_with = "id")]
    pub name: String,
    /// The kind of the environment.
    pub kind: EnvironmentKind,
    /// The purpose of the environment, in one sentence.
    #[serde(default)]
    pub purpose: String,
    /// The part of the environment that its owner controls.
    pub control: EnvironmentControl,
}
