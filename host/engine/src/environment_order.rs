//! The order of environments: a release may enter one only after the same bytes, under the same change, were operational
//! in the ones before.

use lockgate_domain::{
    CorrectionNeeded, Deployment, DeploymentRecord, DeploymentResult, Digest, EnvironmentHop, Finding, Scenario,
    Snapshot,
};

use crate::gate::EngineCode;
use crate::model::Model;

/// Who brings a release through the environments.
const OWNER: &str = "deployment-manager";

/// Adds a breach if the release may not enter the snapshot's environment yet. A removal needs no order.
pub(crate) fn check(model: &Model, snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    let deployment = &snapshot.deployment;
    let target = &deployment.environment.name;
    if model.environments.is_empty() || deployment.scenario == Scenario::Removal {
        return;
    }
    let Some(place) = model.environments.iter().position(|hop| hop.names().contains(target)) else {
        let names: Vec<&str> = model.environments.iter().flat_map(EnvironmentHop::names).map(String::as_str).collect();
        let flow = names.join("`, `");
        breaches.push(breach(
            format!("environment `{target}` is not in the flow of model `{}`: `{flow}`", model.id),
            "/environment/name",
            format!("deploy to one of `{flow}`, or choose another model"),
            format!("one of `{flow}`"),
            target.clone(),
        ));
        return;
    };
    let before = model.environments.iter().take(place).flat_map(EnvironmentHop::names);
    breaches.extend(before.filter_map(|before| not_passed(deployment, before)));
}

/// A breach if the release, under the change of this deployment, did not pass an environment with the same bytes.
fn not_passed(deployment: &Deployment, before: &str) -> Option<Finding> {
    let (target, release, change) = (&deployment.environment.name, &deployment.release.id, &deployment.change.id);
    let fix = format!("deploy release `{release}` to `{before}` first, under the change `{change}`");
    let expected = format!("an operational deployment of `{release}` in `{before}` under the change `{change}`");
    let comes_before = format!("`{before}`, which comes before `{target}`");
    let of_release = |past: &&&DeploymentRecord| {
        past.release == *release && past.environment == before && past.scenario != Scenario::Removal
    };
    // One that ended before anything was changed says nothing.
    let has_changed_it =
        |past: &&&DeploymentRecord| !matches!(past.outcome, DeploymentResult::Aborted | DeploymentResult::Rejected);
    let is_under_change = |past: &&&DeploymentRecord| past.change.as_ref().is_none_or(|id| id == change);
    let newest_first = deployment.newest_first();
    let there: Vec<&DeploymentRecord> =
        newest_first.iter().filter(of_release).filter(has_changed_it).copied().collect();
    // What is under way began after everything else had ended there.
    let is_under_way = |past: &&&DeploymentRecord| past.outcome == DeploymentResult::UnderWay;
    let mut of_change = there.iter().filter(is_under_change);
    let Some(last) = of_change.clone().find(is_under_way).or_else(|| of_change.next()) else {
        let elsewhere = there.iter().find(|past| past.outcome == DeploymentResult::Operational);
        let (message, found) = match elsewhere.and_then(|past| past.change.as_ref()) {
            Some(other) => (
                format!(
                    "release `{release}` was operational in {comes_before}, under the change `{other}`: one change carries \
                     a release through all environments, and this one is `{change}`"
                ),
                format!("the change `{other}`"),
            ),
            None => (format!("release `{release}` was never operational in {comes_before}"), "none".to_owned()),
        };
        return Some(breach(message, "/history", fix, expected, found));
    };
    if last.outcome != DeploymentResult::Operational {
        let outcome = match last.outcome {
            DeploymentResult::UnderWay => "has not ended".to_owned(),
            outcome => format!("ended as `{}`", outcome.as_str()),
        };
        let message =
            format!("the last deployment of release `{release}` to {comes_before}, is `{}`, which {outcome}", last.id);
        return Some(breach(message, "/history", fix, expected, last.outcome.as_str().to_owned()));
    }
    let Difference { pointer, what, then, now } = difference(last, deployment)?;
    let message = format!(
        "release `{release}` was operational in {comes_before}, with other content: {what} there is {then}, and here {now}"
    );
    Some(breach(message, &pointer, format!("{fix}, with the same components"), expected, now))
}

/// Where a release differs from what was deployed under the same id.
struct Difference {
    pointer: String,
    what: String,
    then: String,
    now: String,
}

/// The first difference between the release of an earlier deployment and that of this one: in a component, else in the
/// digest as a whole.
fn difference(past: &DeploymentRecord, deployment: &Deployment) -> Option<Difference> {
    let release = &deployment.release;
    let (now, mut then) = (release.component_identities(), past.components.clone());
    then.sort();
    let is_new = now.iter().find(|component| !then.contains(component));
    let Some(component) = is_new.or_else(|| then.iter().find(|component| !now.contains(component))) else {
        return (past.digest != release.digest).then(|| Difference {
            pointer: "/release/digest".to_owned(),
            what: "the digest of the release".to_owned(),
            then: written(past.digest),
            now: written(release.digest),
        });
    };
    let name = &component.name;
    let of = |components: &[lockgate_domain::ComponentIdentity]| {
        let found = components.iter().find(|component| component.name == *name);
        found.map_or("not in the release".to_owned(), |found| {
            format!("{} (digest: {})", found.version, written(found.digest))
        })
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
    digest.map_or("none".to_owned(), |digest| format!("`{digest}`"))
}

fn breach(message: String, pointer: &str, fix: String, expected: String, found: String) -> Finding {
    let need = CorrectionNeeded { pointer: pointer.to_owned(), expected, accepted: Vec::new(), found: Some(found) };
    Finding::breach(EngineCode::EnvironmentFlow.as_str(), message, fix, need).owned_by(OWNER)
}
