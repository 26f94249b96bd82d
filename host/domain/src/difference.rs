//! The differences between the desired and the actual instances of a deployment.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Component, Deployment, Instance};

/// The parts in which instances can differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// A component: its version or digest, or whether it is there.
    Component,
    /// A configured value.
    Configuration,
    /// The environment in which the instance is.
    Environment,
    /// Whether the instance is there.
    Instance,
    /// The release that it runs.
    Release,
    /// The status of the instance.
    Status,
}

impl DifferenceKind {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Component => "component",
            Self::Configuration => "configuration",
            Self::Environment => "environment",
            Self::Instance => "instance",
            Self::Release => "release",
            Self::Status => "status",
        }
    }
}

/// A difference between a desired and an actual instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The id of the instance.
    pub instance: String,
    /// The part that differs.
    pub kind: DifferenceKind,
    /// The name of the component or the configured value; else that of the kind.
    pub name: String,
    /// The value as it should be. Absent if it should not be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<String>,
    /// The value as it is. Absent if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
}

impl Deployment {
    /// The differences between the desired and the actual instances, sorted by instance, then by kind and name. Actual
    /// instances of other environments, and instances that no longer exist, count only where one is desired.
    pub fn differences(&self) -> Vec<Difference> {
        let desired: BTreeMap<&str, &Instance> = by_id(&self.desired_instances);
        let actual: BTreeMap<&str, &Instance> = by_id(&self.actual_instances);
        let ids: BTreeSet<&str> = desired.keys().chain(actual.keys()).copied().collect();
        let mut found = Vec::new();
        for id in ids {
            match (desired.get(id), actual.get(id)) {
                (Some(desired), Some(actual)) => compare(desired, actual, &mut found),
                (Some(desired), None) if desired.status.exists() => {
                    found.push(difference(desired, DifferenceKind::Instance, Some(&desired.name), None));
                }
                (None, Some(actual)) if actual.status.exists() && actual.environment == self.environment.name => {
                    found.push(difference(actual, DifferenceKind::Instance, None, Some(&actual.name)));
                }
                _ => {}
            }
        }
        found.sort();
        found
    }
}

fn by_id(instances: &[Instance]) -> BTreeMap<&str, &Instance> {
    instances.iter().map(|instance| (instance.id.as_str(), instance)).collect()
}

fn difference(instance: &Instance, kind: DifferenceKind, desired: Option<&str>, actual: Option<&str>) -> Difference {
    Difference {
        instance: instance.id.clone(),
        kind,
        name: kind.as_str().to_owned(),
        desired: desired.map(str::to_owned),
        actual: actual.map(str::to_owned),
    }
}

fn compare(desired: &Instance, actual: &Instance, found: &mut Vec<Difference>) {
    let mut whole = |kind, one: Option<&str>, other: Option<&str>| {
        if one != other {
            found.push(difference(desired, kind, one, other));
        }
    };
    whole(DifferenceKind::Environment, Some(&desired.environment), Some(&actual.environment));
    whole(DifferenceKind::Release, desired.release.as_deref(), actual.release.as_deref());
    whole(DifferenceKind::Status, Some(desired.status.as_str()), Some(actual.status.as_str()));
    let components = |instance: &Instance| -> BTreeMap<String, String> {
        instance.components.iter().map(|component| (component.name.clone(), identity(component))).collect()
    };
    let configuration = |instance: &Instance| -> BTreeMap<String, String> {
        instance.configuration.iter().map(|item| (item.name.clone(), item.value.clone())).collect()
    };
    named(desired, DifferenceKind::Component, &components(desired), &components(actual), found);
    named(desired, DifferenceKind::Configuration, &configuration(desired), &configuration(actual), found);
}

/// The differences in values that have names.
fn named(
    instance: &Instance,
    kind: DifferenceKind,
    desired: &BTreeMap<String, String>,
    actual: &BTreeMap<String, String>,
    found: &mut Vec<Difference>,
) {
    let names: BTreeSet<&String> = desired.keys().chain(actual.keys()).collect();
    for name in names {
        let (one, other) = (desired.get(name), actual.get(name));
        if one != other {
            let difference = difference(instance, kind, one.map(String::as_str), other.map(String::as_str));
            found.push(Difference { name: name.clone(), ..difference });
        }
    }
}

/// The version of a component, with its digest if it has one.
fn identity(component: &Component) -> String {
    match component.digest {
        Some(digest) => format!("{} {digest}", component.version),
        None => component.version.clone(),
    }
}
