//! Product instances: the desired ones and the actual ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::{distinct, keyed};
use crate::name::{id, name, some_id, some_text};
use crate::{Component, Timestamp};

/// What an instance is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceStatus {
    /// Not there yet.
    Planned,
    /// Being installed or changed.
    Deploying,
    /// Running as it should.
    Running,
    /// Running, but not as it should.
    Degraded,
    /// Installed, and not running.
    Stopped,
    /// No longer there.
    Removed,
}

/// One configured value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationItem {
    /// Unique within the instance.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// Its value, as text.
    pub value: String,
}

/// A product instance. A desired and an actual instance with the same id are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Unique among the instances of the product.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// For people.
    #[serde(default)]
    pub name: String,
    /// The environment it is in, by name.
    #[serde(deserialize_with = "id")]
    pub environment: String,
    /// The release it runs, by id.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub release: Option<String>,
    /// What it is doing, or shall be doing.
    pub status: InstanceStatus,
    /// What is in it.
    #[serde(default, deserialize_with = "distinct")]
    pub components: Vec<Component>,
    /// How it is configured.
    #[serde(default, deserialize_with = "distinct")]
    pub configuration: Vec<ConfigurationItem>,
    /// Who owns it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub owner: Option<String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub location: Option<String>,
    /// How many consumers use it; absent when nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumers: Option<u32>,
    /// Whether it is monitored.
    #[serde(default)]
    pub monitored: bool,
    /// Whether it is documented.
    #[serde(default)]
    pub documented: bool,
    /// When it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
}

keyed!(Instance: id, ConfigurationItem: name);
