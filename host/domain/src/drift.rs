//! Drift: instances that are not what the gates let in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Component, ComponentIdentity, Deployment, DeploymentRecord, DeploymentResult, Document, FactSource, GatePassage,
    Instance, Provenance, Scenario,
};

/// How an instance differs from what the gates let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DriftCode {
    /// No decision allowed the components of the instance.
    NotAllowed,
    /// A deployment that has not ended deployed them.
    DeploymentNotEnded,
    /// An earlier deployment than the last operational one deployed them.
    Superseded,
    /// The inventory does not say which components the instance has, or lacks their digests.
    ContentUnknown,
}

impl DriftCode {
    /// The name that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "not-allowed",
            Self::DeploymentNotEnded => "deployment-not-ended",
            Self::Superseded => "superseded",
            Self::ContentUnknown => "content-unknown",
        }
    }
}

/// An instance that is not what the last operational deployment of its product deployed in its environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceDrift {
    /// The stable code of the finding.
    pub code: DriftCode,
    /// The finding in one sentence.
    pub message: String,
    /// The id of the instance.
    pub instance: String,
    /// The id of the last operational deployment of the product in the environment. Absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_operational: Option<String>,
    /// The id of the deployment that deployed the components, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed_by: Option<String>,
}

/// A deployment that is changing the environment and has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnendedDeployment {
    /// The id of the deployment.
    pub id: String,
    /// The identities of the components of its release.
    pub components: Vec<ComponentIdentity>,
}

/// The deployments that put a release into an environment, and were operational, in the order in which they ended.
pub fn operational_in<'a>(
    history: impl IntoIterator<Item = &'a DeploymentRecord>,
    environment: &str,
) -> Vec<&'a DeploymentRecord> {
    let mut found: Vec<&DeploymentRecord> = history
        .into_iter()
        .filter(|past| {
            past.environment == environment
                && past.outcome == DeploymentResult::Operational
                && past.scenario != Scenario::Removal
        })
        .collect();
    found.sort_by_key(|past| past.ended);
    found
}

/// Compares an instance with the [operational](operational_in) deployments of its product in its environment, and with those
/// under way. None if it is what the last one deployed, or no longer exists.
pub fn instance_drift(
    instance: &Instance,
    operational: &[&DeploymentRecord],
    under_way: &[UnendedDeployment],
) -> Option<InstanceDrift> {
    let Instance { id, environment, .. } = instance;
    let identities: Vec<ComponentIdentity> = instance.components.iter().map(Component::identity).collect();
    let holds = |components: &[ComponentIdentity]| identities.iter().all(|identity| components.contains(identity));
    let last = operational.last();
    let found = |code, message, deployed_by: Option<&String>| {
        Some(InstanceDrift {
            code,
            message,
            instance: id.clone(),
            last_operational: last.map(|past| past.id.clone()),
            deployed_by: deployed_by.cloned(),
        })
    };
    if !instance.status.exists() {
        return None;
    }
    if identities.is_empty() || identities.iter().any(|identity| identity.digest.is_none()) {
        let message = format!(
            "the inventory does not say which components `{id}` in `{environment}` has, with their digests: have it attested"
        );
        return found(DriftCode::ContentUnknown, message, None);
    }
    if last.is_some_and(|past| holds(&past.components)) {
        return None;
    }
    if let Some(unended) = under_way.iter().find(|other| holds(&other.components)) {
        let message = format!("`{id}` in `{environment}` runs what `{}` deploys, which has not ended", unended.id);
        return found(DriftCode::DeploymentNotEnded, message, Some(&unended.id));
    }
    if let (Some(past), Some(last)) = (operational.iter().rev().find(|past| holds(&past.components)), last) {
        let message = format!(
            "`{id}` in `{environment}` runs release `{}` of `{}`, and the last operational deployment, `{}`, deployed `{}`",
            past.release, past.id, last.id, last.release
        );
        return found(DriftCode::Superseded, message, Some(&past.id));
    }
    let message = format!("no decision allowed what `{id}` in `{environment}` runs: it went round the gates");
    found(DriftCode::NotAllowed, message, None)
}

/// The name of the fact that holds the drift.
pub const DRIFT_FACT: &str = "lockgate.drift";

/// What the names of facts that the host sets begin with.
pub const HOST_FACTS: &str = "lockgate.";

impl Deployment {
    /// The instances of the inventory in the target environment that are not what the gates let in, by id. Those that run
    /// what this deployment deploys are, once its fulfillment has begun.
    pub fn drift(&self) -> Vec<InstanceDrift> {
        let environment = &self.environment.name;
        let operational = operational_in(&self.history, environment);
        let has_begun = GatePassage::fulfillment_began(&self.gates_passed).is_some();
        let own = UnendedDeployment { id: self.id.clone(), components: self.release.component_identities() };
        let drift_of = |instance: &Instance| {
            let drift = instance_drift(instance, &operational, std::slice::from_ref(&own))?;
            if drift.deployed_by.as_ref() != Some(&self.id) {
                return Some(drift);
            }
            let message = format!(
                "`{}` in `{environment}` runs the release before its deployment began: it went round the gates",
                drift.instance
            );
            (!has_begun).then_some(InstanceDrift { code: DriftCode::NotAllowed, message, deployed_by: None, ..drift })
        };
        let instances = self.actual_instances.iter().filter(|instance| instance.environment == *environment);
        let mut found: Vec<InstanceDrift> = instances.filter_map(drift_of).collect();
        found.sort_by(|one, other| one.instance.cmp(&other.instance));
        found
    }

    /// Sets the fact that tells the [drift](Self::drift), if a register keeps the inventory.
    pub fn tell_drift(&mut self) {
        if Provenance::at(&self.provenance, "/actual_instances").source != FactSource::Register {
            return;
        }
        let fact = Document { schema: "lockgate:drift@1".to_owned(), json: json!({"findings": self.drift()}) };
        self.facts.insert(DRIFT_FACT.to_owned(), fact);
        self.provenance.insert(format!("/facts/{DRIFT_FACT}"), Provenance::from_source(FactSource::Ledger));
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::Digest;

    fn component(version: &str) -> Value {
        json!({"name": "shop", "kind": "software", "version": version, "digest": Digest::of(version.as_bytes())})
    }

    /// A deployment of version 2, after version 1 was operational, where the instance runs a version.
    fn running(version: &str) -> Deployment {
        let past = |release: &str, version: &str, ended: &str| {
            let identity = json!({"name": "shop", "version": version, "digest": Digest::of(version.as_bytes())});
            json!({"id": format!("d-{version}"), "product": "shop", "release": release, "environment": "live",
                   "scenario": "new-version", "risk": "low", "requested": "2026-01-01T00:00:00Z", "ended": ended,
                   "outcome": "operational", "components": [identity]})
        };
        serde_json::from_value(json!({
            "id": "d-2", "scenario": "new-version", "requester": {"id": "ana"}, "product": {"id": "shop"},
            "release": {"id": "shop-2", "name": "Shop", "version": "2", "status": "published", "components": [component("2")]},
            "environment": {"name": "live", "kind": "live", "control": "full"},
            "change": {"id": "CHG-1", "title": "Shop 2", "category": "normal", "approval": "approved", "risk": "low",
                       "releases": ["shop-2"]},
            "history": [past("shop-1", "1", "2026-02-01T00:00:00Z"), past("shop-0", "0", "2026-01-02T00:00:00Z")],
            "actual_instances": [{"id": "shop-a", "environment": "live", "status": "running", "components": [component(version)]}]
        }))
        .unwrap()
    }

    fn code(deployment: &Deployment) -> Option<&'static str> {
        deployment.drift().first().map(|drift| drift.code.as_str())
    }

    #[test]
    fn an_instance_that_no_gate_let_in_is_drift() {
        assert_eq!(code(&running("1")), None);
        assert_eq!(code(&running("0")), Some("superseded"));
        assert_eq!(code(&running("9")), Some("not-allowed"));
        assert_eq!(code(&running("2")), Some("not-allowed"), "before the deployment has begun");
        let mut begun = running("2");
        begun.gates_passed = serde_json::from_value(json!([{
            "stage": "fulfill", "phase": "entrance", "decision": "d", "at": "2026-03-01T00:00:00Z"
        }]))
        .unwrap();
        assert_eq!(code(&begun), None);
        let mut unknown = running("1");
        unknown.actual_instances[0].components[0].digest = None;
        assert_eq!(code(&unknown), Some("content-unknown"));
    }

    #[test]
    fn drift_is_a_fact_where_a_register_keeps_the_inventory() {
        let mut told = running("9");
        told.tell_drift();
        assert!(told.facts.is_empty(), "an inventory that is only told shows no drift");
        let mut kept = running("9");
        kept.provenance.insert("/actual_instances".to_owned(), Provenance::from_source(FactSource::Register));
        kept.tell_drift();
        assert_eq!(kept.facts[DRIFT_FACT].json["findings"][0]["instance"], json!("shop-a"));
        assert_eq!(Provenance::at(&kept.provenance, "/facts/lockgate.drift").source, FactSource::Ledger);
    }
}
