//! Product instances: the desired ones and the actual ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::{distinct, keyed};
use crate::name::{id, name, some_id, some_text};
use crate::{Component, Digest, Timestamp};

/// The status of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceStatus {
    /// The instance does not exist yet.
    Planned,
    /// The instance is being installed or changed.
    Deploying,
    /// The instance runs as it should.
    Running,
    /// The instance runs, but not as it should.
    Degraded,
    /// The instance is installed and does not run.
    Stopped,
    /// The instance is installed, and nobody can use it.
    Disabled,
    /// The instance no longer exists.
    Removed,
    /// The instance no longer exists, and its data is disposed of.
    Disposed,
}

impl InstanceStatus {
    /// Whether there is such an instance, or is to be one: it is neither removed nor disposed of.
    pub fn exists(self) -> bool {
        !matches!(self, Self::Removed | Self::Disposed)
    }

    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Deploying => "deploying",
            Self::Running => "running",
            Self::Degraded => "degraded",
            Self::Stopped => "stopped",
            Self::Disabled => "disabled",
            Self::Removed => "removed",
            Self::Disposed => "disposed",
        }
    }
}

/// A configured value of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationItem {
    /// The name of the value, unique within the instance.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// The value, as text.
    pub value: String,
}

/// A product instance. A desired and an actual instance with the same id are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// The id of the instance, unique among the instances of its product.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The name of the instance, for display.
    #[serde(default)]
    pub name: String,
    /// The name of the environment in which the instance is.
    #[serde(deserialize_with = "id")]
    pub environment: String,
    /// The id of the release that the instance runs.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub release: Option<String>,
    /// The present status of an actual instance, or the wanted status of a desired one.
    pub status: InstanceStatus,
    /// The components of the instance.
    #[serde(default, deserialize_with = "distinct")]
    pub components: Vec<Component>,
    /// The configured values of the instance.
    #[serde(default, deserialize_with = "distinct")]
    pub configuration: Vec<ConfigurationItem>,
    /// The owner of the instance, for example a team or an e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub owner: Option<String>,
    /// The place of the instance, for example a host, a data centre or a slot.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub location: Option<String>,
    /// The number of consumers that use the instance. Absent if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumers: Option<u32>,
    /// Whether the instance is monitored.
    #[serde(default)]
    pub monitored: bool,
    /// Whether the instance is documented.
    #[serde(default)]
    pub documented: bool,
    /// When the instance was created (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When the instance was last changed (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
}

impl Instance {
    /// The digest over the components and the configuration, in canonical form: instances with the same content have the
    /// same. The order of names does not matter.
    #[expect(clippy::expect_used, reason = "texts and digests have a canonical form")]
    pub fn content(&self) -> Digest {
        let mut components: Vec<&Component> = self.components.iter().collect();
        components.sort_by_key(|component| &component.name);
        let mut configuration: Vec<&ConfigurationItem> = self.configuration.iter().collect();
        configuration.sort_by_key(|item| &item.name);
        Digest::of_canonical(&(components, configuration)).expect("texts and digests have a canonical form")
    }
}

keyed!(Instance: id, ConfigurationItem: name);
