//! The differences between the desired and the actual instances of a deployment.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Component, ComponentIdentity, Deployment, DeploymentRecord, DeploymentResult, Instance, Scenario};

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

/// How a deployment changes a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentChangeKind {
    /// The component was not in the environment before.
    Added,
    /// The component has another version or digest than before.
    Changed,
    /// The component was in the environment, and is not afterwards.
    Removed,
    /// The component stays as it was.
    Unchanged,
}

impl ComponentChangeKind {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// What a deployment does to a component in its environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComponentChange {
    /// The name of the component.
    pub name: String,
    /// How the deployment changes it.
    pub change: ComponentChangeKind,
    /// The component as it was before. Absent if it is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<ComponentIdentity>,
    /// The component as it is afterwards. Absent if it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ComponentIdentity>,
}

impl Deployment {
    /// What the deployment does to each component in its environment, sorted by name.
    ///
    /// The components before it are those of the last operational deployment of the product there. If there is none, they
    /// are those of the actual instances that run another release. The components afterwards are those of the release. A
    /// removal keeps those of the desired instances, and removes the others.
    pub fn component_changes(&self) -> Vec<ComponentChange> {
        let mut before = self.components_before();
        let release = self.release.component_identities();
        let after = match self.scenario {
            Scenario::Removal => {
                before.extend(release.into_iter().map(|component| (component.name.clone(), component)));
                by_name(self.desired_instances.iter().filter(|instance| instance.status.exists()))
            }
            Scenario::FirstRelease | Scenario::NewVersion => {
                release.into_iter().map(|component| (component.name.clone(), component)).collect()
            }
        };
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let change = |name: &String| {
            let (before, after) = (before.get(name).cloned(), after.get(name).cloned());
            let change = match (&before, &after) {
                (None, _) => ComponentChangeKind::Added,
                (_, None) => ComponentChangeKind::Removed,
                (Some(before), Some(after)) if before == after => ComponentChangeKind::Unchanged,
                _ => ComponentChangeKind::Changed,
            };
            ComponentChange { name: name.clone(), change, before, after }
        };
        names.into_iter().map(change).collect()
    }

    /// The components in the environment before this deployment, by name.
    fn components_before(&self) -> BTreeMap<String, ComponentIdentity> {
        let environment = &self.environment.name;
        let is_last = |past: &&&DeploymentRecord| {
            past.environment == *environment && past.outcome == DeploymentResult::Operational
        };
        if let Some(past) = self.newest_first().iter().find(is_last) {
            let components = past.components.iter().filter(|_| past.scenario != Scenario::Removal);
            return components.map(|component| (component.name.clone(), component.clone())).collect();
        }
        let runs_another = |instance: &&Instance| {
            instance.status.exists()
                && instance.environment == *environment
                && instance.release.as_ref() != Some(&self.release.id)
        };
        by_name(self.actual_instances.iter().filter(runs_another))
    }

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

/// The components of instances, by name.
fn by_name<'a>(instances: impl Iterator<Item = &'a Instance>) -> BTreeMap<String, ComponentIdentity> {
    let components = instances.flat_map(|instance| &instance.components);
    components.map(|component| (component.name.clone(), component.identity())).collect()
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn deployment(scenario: &str, more: &Value) -> Deployment {
        let component = |name: &str, version: &str| json!({"name": name, "kind": "software", "version": version});
        let mut whole = json!({
            "id": "d-2", "scenario": scenario, "requester": {"id": "ana"}, "product": {"id": "shop"},
            "release": {"id": "shop-2", "name": "Shop", "version": "2", "status": "published",
                        "components": [component("app", "2"), component("cache", "7"), component("worker", "1")]},
            "environment": {"name": "live", "kind": "live", "control": "full"},
            "change": {"id": "CHG-1", "title": "Shop 2", "category": "normal", "approval": "approved", "risk": "low",
                       "releases": ["shop-2"]},
        });
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(whole).unwrap()
    }

    fn changes(deployment: &Deployment) -> Vec<(String, &'static str)> {
        deployment.component_changes().into_iter().map(|change| (change.name, change.change.as_str())).collect()
    }

    fn record(environment: &str, outcome: &str, ended: &str) -> Value {
        json!({"id": format!("d-{environment}-{outcome}"), "product": "shop", "release": "shop-1", "environment": environment,
               "scenario": "new-version", "risk": "low", "requested": "2026-01-01T00:00:00Z", "ended": ended,
               "outcome": outcome,
               "components": [{"name": "app", "version": "1"}, {"name": "legacy", "version": "3"},
                              {"name": "worker", "version": "1"}]})
    }

    #[test]
    fn a_component_is_added_changed_removed_or_stays_compared_with_the_last_operational_deployment() {
        let history = [
            record("staging", "operational", "2026-03-01T00:00:00Z"),
            record("live", "operational", "2026-02-01T00:00:00Z"),
            record("live", "rolled-back", "2026-02-02T00:00:00Z"),
        ];
        let found = changes(&deployment("new-version", &json!({"history": history})));
        let expected = [("app", "changed"), ("cache", "added"), ("legacy", "removed"), ("worker", "unchanged")];
        assert_eq!(found, expected.map(|(name, change)| (name.to_owned(), change)));
    }

    #[test]
    fn without_a_record_the_instances_of_another_release_tell_what_was_there_before() {
        let instance = |id: &str, release: &str, version: &str| {
            json!({"id": id, "environment": "live", "status": "running", "release": release,
                   "components": [{"name": "app", "kind": "software", "version": version}]})
        };
        let instances = [instance("shop-a", "shop-1", "1"), instance("shop-b", "shop-2", "2")];
        let found = changes(&deployment("new-version", &json!({"actual_instances": instances})));
        let expected = [("app", "changed"), ("cache", "added"), ("worker", "added")];
        assert_eq!(found, expected.map(|(name, change)| (name.to_owned(), change)));
    }

    #[test]
    fn a_removal_removes_what_no_desired_instance_keeps() {
        let staying = json!({"id": "shop-b", "environment": "live", "status": "running",
                             "components": [{"name": "worker", "kind": "software", "version": "1"}]});
        let found = changes(&deployment("removal", &json!({"desired_instances": [staying]})));
        let expected = [("app", "removed"), ("cache", "removed"), ("worker", "unchanged")];
        assert_eq!(found, expected.map(|(name, change)| (name.to_owned(), change)));
    }
}
