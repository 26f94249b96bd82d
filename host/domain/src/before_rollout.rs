//! The deployment as it was when its fulfillment began: what a rollback returns to, and what it may rest on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Component, ComponentIdentity, Deployment, FactSource, Instance, InstanceStatus, Scenario, TimeWindow, WayBack,
};

/// An instance, as it was before the rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceBefore {
    /// The id of the instance.
    pub id: String,
    /// The id of the release that it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The status that the instance had.
    pub status: InstanceStatus,
    /// The names, versions and digests of its components, in the order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<ComponentIdentity>,
}

/// The approved deployment and its environment, at the moment when fulfillment began. A later revision of the deployment does
/// not change what a rollback is judged by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BeforeRollout {
    /// The scenario of the deployment.
    pub scenario: Scenario,
    /// The way back of the plan. Absent if the plan has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way_back: Option<WayBack>,
    /// The window of the change. Absent if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<TimeWindow>,
    /// The slot of the plan. Absent if none is booked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<TimeWindow>,
    /// The ids of the instances that the plan changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// The instances of the environment that existed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<InstanceBefore>,
}

impl InstanceBefore {
    /// The instance as it is.
    #[must_use]
    pub fn of(instance: &Instance) -> Self {
        let identity = |component: &Component| ComponentIdentity {
            name: component.name.clone(),
            version: component.version.clone(),
            digest: component.digest,
        };
        let mut components: Vec<ComponentIdentity> = instance.components.iter().map(identity).collect();
        components.sort();
        let Instance { id, release, status, .. } = instance;
        Self { id: id.clone(), release: release.clone(), status: *status, components }
    }
}

impl BeforeRollout {
    /// The deployment as it is.
    #[must_use]
    pub fn of(deployment: &Deployment) -> Self {
        let plan = deployment.plan.as_ref();
        Self {
            scenario: deployment.scenario,
            way_back: plan.and_then(|plan| plan.way_back.clone()),
            window: deployment.change.window,
            slot: plan.and_then(|plan| plan.slot),
            targets: plan.map(|plan| plan.targets.clone()).unwrap_or_default(),
            instances: deployment.instances_here().map(|(_, instance)| InstanceBefore::of(instance)).collect(),
        }
    }

    /// Puts what a rollback rests on back into a deployment. A window that the register of changes says may have moved since.
    pub fn restore(&self, deployment: &mut Deployment) {
        deployment.scenario = self.scenario;
        let is_attested =
            deployment.provenance.get("/change").is_some_and(|known| known.source == FactSource::Register);
        if !is_attested {
            deployment.change.window = self.window;
        }
        if let Some(plan) = &mut deployment.plan {
            plan.way_back.clone_from(&self.way_back);
            plan.slot = self.slot;
            plan.targets.clone_from(&self.targets);
        }
    }
}

impl Deployment {
    /// The actual instances that exist in the environment of the deployment, each with its place.
    pub fn instances_here(&self) -> impl Iterator<Item = (usize, &Instance)> {
        let here = |(_, instance): &(usize, &Instance)| {
            instance.status.exists() && instance.environment == self.environment.name
        };
        self.actual_instances.iter().enumerate().filter(here)
    }
}
