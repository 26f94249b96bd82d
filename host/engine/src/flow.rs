//! The environment flow: a release reaches an environment only after it was operational in the one before.

use lockgate_domain::{CorrectionNeeded, DeploymentResult, Need, Requirement, Scenario, Snapshot, Violation};

use crate::model::Model;

const CODE: &str = "environment-flow";

/// Adds a breach if the model's flow does not lead to the snapshot's environment yet. A removal needs no flow.
pub(crate) fn check(model: &Model, snapshot: &Snapshot, breaches: &mut Vec<Violation>) {
    let deployment = &snapshot.deployment;
    let target = &deployment.environment.name;
    if model.environments.is_empty() || deployment.scenario == Scenario::Removal {
        return;
    }
    let Some(place) = model.environments.iter().position(|name| name == target) else {
        let flow = model.environments.join("`, `");
        breaches.push(breach(
            format!("environment `{target}` is not in the flow of model `{}`: `{flow}`", model.id),
            "/environment/name",
            format!("deploy to one of `{flow}`, or choose another model"),
            format!("one of `{flow}`"),
            target.clone(),
        ));
        return;
    };
    let Some(before) = place.checked_sub(1).and_then(|place| model.environments.get(place)) else { return };
    let release = &deployment.release.id;
    let reached = deployment.history.iter().any(|past| {
        &past.release == release && &past.environment == before && past.outcome == DeploymentResult::Operational
    });
    if !reached {
        breaches.push(breach(
            format!("release `{release}` was never operational in `{before}`, which comes before `{target}`"),
            "/history",
            format!("deploy release `{release}` to `{before}` first"),
            format!("an operational deployment of `{release}` in `{before}`"),
            "none".to_owned(),
        ));
    }
}

fn breach(message: String, pointer: &str, fix: String, expected: String, found: String) -> Violation {
    Violation {
        code: CODE.to_owned(),
        message,
        subject: None,
        pointer: Some(pointer.to_owned()),
        remedies: vec![Requirement {
            code: CODE.to_owned(),
            message: fix,
            need: Need::Correction(CorrectionNeeded { pointer: pointer.to_owned(), expected, found: Some(found) }),
        }],
    }
}
