//! The order of environments: a release may enter one only after the same bytes were operational in the one before.

use lockgate_domain::{
    CorrectionNeeded, Deployment, DeploymentRecord, DeploymentResult, Digest, Finding, Scenario, Snapshot,
};

use crate::gate::EngineCode;
use crate::model::Model;

/// Adds a breach if the release may not enter the snapshot's environment yet. A removal needs no order.
pub(crate) fn check(model: &Model, snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
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
    let fix = format!("deploy release `{release}` to `{before}` first");
    let expected = format!("an operational deployment of `{release}` in `{before}`");
    let was_operational = |past: &&DeploymentRecord| {
        &past.release == release
            && &past.environment == before
            && past.outcome == DeploymentResult::Operational
            && past.scenario != Scenario::Removal
    };
    let mut differences = deployment.history.iter().filter(was_operational).map(|past| difference(past, deployment));
    match differences.try_fold(None, |_, difference| difference.map(Some)) {
        // One of them deployed the same bytes.
        None => {}
        Some(None) => breaches.push(breach(
            format!("release `{release}` was never operational in `{before}`, which comes before `{target}`"),
            "/history",
            fix,
            expected,
            "none".to_owned(),
        )),
        Some(Some(Difference { pointer, what, then, now })) => breaches.push(breach(
            format!(
                "release `{release}` was operational in `{before}`, which comes before `{target}`, with other content: \
                 {what} was {then} there, and is {now} here"
            ),
            &pointer,
            format!("{fix}, with the same components"),
            expected,
            now,
        )),
    }
}

/// Where a release differs from what was deployed under the same id.
struct Difference {
    pointer: String,
    what: String,
    then: String,
    now: String,
}

/// The first difference between the release of an earlier deployment and that of this one.
fn difference(past: &DeploymentRecord, deployment: &Deployment) -> Option<Difference> {
    let release = &deployment.release;
    if past.digest != release.digest {
        return Some(Difference {
            pointer: "/release/digest".to_owned(),
            what: "the digest of the release".to_owned(),
            then: written(past.digest),
            now: written(release.digest),
        });
    }
    let (now, mut then) = (release.component_identities(), past.components.clone());
    then.sort();
    let is_new = now.iter().find(|component| !then.contains(component));
    let component = is_new.or_else(|| then.iter().find(|component| !now.contains(component)))?;
    let name = &component.name;
    let of = |components: &[lockgate_domain::ComponentIdentity]| {
        let found = components.iter().find(|component| component.name == *name);
        found.map_or("not in the release".to_owned(), |found| format!("{} ({})", found.version, written(found.digest)))
    };
    let place = release.components.iter().position(|component| component.name == *name);
    Some(Difference {
        pointer: place.map_or("/release/components".to_owned(), |place| format!("/release/components/{place}")),
        what: format!("component `{name}`"),
        then: of(&then),
        now: of(&now),
    })
}

fn written(digest: Option<Digest>) -> String {
    digest.map_or("without a digest".to_owned(), |digest| format!("`{digest}`"))
}

fn breach(message: String, pointer: &str, fix: String, expected: String, found: String) -> Finding {
    let need = CorrectionNeeded { pointer: pointer.to_owned(), expected, accepted: Vec::new(), found: Some(found) };
    Finding::breach(EngineCode::EnvironmentFlow.as_str(), message, fix, need)
}
