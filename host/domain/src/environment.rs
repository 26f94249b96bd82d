//! The environments that releases are deployed to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::id;

/// The kinds of environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnvironmentKind {
    /// Development and integration.
    Development,
    /// Test.
    Test,
    /// Staging: as live as possible, without consumers.
    Staging,
    /// Live: consumers use it.
    Live,
    /// Something else.
    Custom,
}

/// How much of the environment its owner controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnvironmentControl {
    /// All of it.
    Full,
    /// Part of it: the rest needs evidence from the third party.
    Limited,
    /// None of it.
    None,
}

/// A target environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Unique within the organization.
    #[serde(deserialize_with = "id")]
    pub name: String,
    /// What kind it is.
    pub kind: EnvironmentKind,
    /// What it is there for.
    #[serde(default)]
    pub purpose: String,
    /// How much of it its owner controls.
    pub control: EnvironmentControl,
}
