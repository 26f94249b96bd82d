//! The environments that releases are deployed to.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Digest;
use crate::name::{id, labels, some_id, some_text};

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

impl EnvironmentKind {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Staging => "staging",
            Self::Live => "live",
            Self::Custom => "custom",
        }
    }
}

/// A hop of the way that a release takes from development to live: one environment, or several that it may enter in any
/// order, or at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum EnvironmentHop {
    /// The name of the environment.
    One(String),
    /// The names of the environments.
    Parallel(Vec<String>),
}

impl EnvironmentHop {
    /// The names of the environments.
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Parallel(names) => names,
        }
    }
}

impl fmt::Display for EnvironmentHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(" and "))
    }
}

/// The environment that the deployment goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, try_from = "WrittenEnvironment")]
#[schemars(!try_from)]
pub struct Environment {
    /// The name of the environment, unique within the organization.
    pub name: String,
    /// The kind of the environment.
    pub kind: EnvironmentKind,
    /// Whether consumers depend on the environment. If absent, whether its kind is `live`.
    #[serde(default)]
    pub live: bool,
    /// The purpose of the environment, in one sentence.
    #[serde(default)]
    pub purpose: String,
    /// The part of the environment that its owner controls.
    pub control: EnvironmentControl,
    /// The owner of the environment, for example a team or a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The id of the supplier who controls the rest of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third_party: Option<String>,
    /// The digest of the environment's definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Digest>,
    /// The address of the environment's definition, as a URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// The digest of the definition that the environment was last built from, as its owner found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Digest>,
    /// The parameters of the environment, by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

/// An environment as people write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEnvironment {
    #[serde(deserialize_with = "id")]
    name: String,
    kind: EnvironmentKind,
    #[serde(default)]
    live: Option<bool>,
    #[serde(default)]
    purpose: String,
    control: EnvironmentControl,
    #[serde(default, deserialize_with = "some_text")]
    owner: Option<String>,
    #[serde(default, deserialize_with = "some_id")]
    third_party: Option<String>,
    #[serde(default)]
    version: Option<Digest>,
    #[serde(default, deserialize_with = "some_text")]
    definition: Option<String>,
    #[serde(default)]
    applied: Option<Digest>,
    #[serde(default, deserialize_with = "labels")]
    parameters: BTreeMap<String, String>,
}

impl TryFrom<WrittenEnvironment> for Environment {
    type Error = String;

    fn try_from(written: WrittenEnvironment) -> Result<Self, String> {
        let WrittenEnvironment {
            name,
            kind,
            live,
            purpose,
            control,
            owner,
            third_party,
            version,
            definition,
            applied,
            parameters,
        } = written;
        if kind == EnvironmentKind::Live && live == Some(false) {
            return Err(
                "consumers depend on an environment of the kind `live`: leave out `live`, or write another `kind`"
                    .to_owned(),
            );
        }
        let live = live.unwrap_or(kind == EnvironmentKind::Live);
        Ok(Self { name, kind, live, purpose, control, owner, third_party, version, definition, applied, parameters })
    }
}
