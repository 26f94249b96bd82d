//! Rule 6: one change, one release, and the deployment is the approved one.

use std::collections::BTreeMap;

use super::{Fix, Rule};
use crate::{ApprovedPlan, Component, Digest, Finding, Phase, Scenario, Snapshot, Stage};

/// Who owns what runs.
const INVENTORY_OWNER: &str = "operations-manager";

pub(super) fn check(snapshot: &Snapshot, model: Digest, breaches: &mut Vec<Finding>) {
    single_release(snapshot, breaches);
    if snapshot.gate.stage == Stage::PlanAndApprove {
        return;
    }
    let Some(approved) = &snapshot.deployment.approved else {
        breaches.push(Rule::ApprovedPlanMissing.correct(
            format!(
                "no approved plan: {} is passed only with what the exit of plan-and-approve approved",
                snapshot.gate
            ),
            "/approved",
            Fix::new("pass the exit of plan-and-approve", "what the exit of plan-and-approve approved"),
        ));
        return;
    };
    let before = breaches.len();
    same_documents(snapshot, approved, model, breaches);
    same_components(approved, &snapshot.deployment.release.components, breaches);
    same_parts(snapshot, approved, breaches);
    if breaches.len() == before && approved.subject != snapshot.subject {
        breaches.push(
            Rule::SubjectDiffersFromApproved.correct(
                "what is decided on is not what was approved",
                "/approved/subject",
                Fix::new("hand in the decision that approved it, or have it approved", snapshot.subject.to_string())
                    .found(approved.subject.to_string()),
            ),
        );
    }
    if approved.at > snapshot.now {
        breaches.push(
            Rule::ApprovedInTheFuture.correct(
                format!("the approval is dated {}, which is later than now", approved.at),
                "/approved/at",
                Fix::new("hand in the decision as it was made", format!("a time up to {}", snapshot.now))
                    .found(approved.at.to_string()),
            ),
        );
    }
    actual_instances(snapshot, approved, breaches);
}

fn single_release(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    let change = &snapshot.deployment.change;
    let release = &snapshot.deployment.release.id;
    if matches!(change.releases.as_slice(), [only] if only == release) {
        return;
    }
    let found = match change.releases.as_slice() {
        [] => "no release".to_owned(),
        several => several.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", "),
    };
    breaches.push(
        Rule::ChangeWithoutSingleRelease.correct(
            format!("change `{}` resolves to {found}, not to exactly the release `{release}`", change.id),
            "/change/releases",
            Fix::new("link the change to the one release that it deploys", format!("[\"{release}\"]"))
                .accepts(vec![release.as_str()])
                .found(found),
        ),
    );
}

fn same_documents(snapshot: &Snapshot, approved: &ApprovedPlan, model: Digest, breaches: &mut Vec<Finding>) {
    let release = &snapshot.deployment.release.id;
    if &approved.release != release {
        breaches.push(
            Rule::ReleaseDiffersFromApproved.correct(
                format!("release `{release}` is not the approved one, `{}`", approved.release),
                "/release/id",
                Fix::new("deploy the approved release, or have this one approved", approved.release.clone())
                    .accepts(approved.release.as_str())
                    .found(release.clone()),
            ),
        );
    }
    // A plan that has no digest was never approved.
    let plan = snapshot.deployment.plan.as_ref().and_then(|plan| Digest::of_canonical(plan).ok());
    if let Some(plan) = plan
        && plan != approved.plan
    {
        breaches.push(
            Rule::PlanDiffersFromApproved.correct(
                "the deployment plan is not the approved one",
                "/plan",
                Fix::new("go back to the approved plan, or have this one approved", approved.plan.to_string())
                    .found(plan.to_string()),
            ),
        );
    }
    let rollout = snapshot.deployment.rollout.as_ref().and_then(|rollout| Digest::of_canonical(rollout).ok());
    if rollout != approved.rollout {
        breaches.push(
            Rule::RolloutDiffersFromApproved.correct(
                "the rollout is not the approved one",
                "/rollout",
                Fix::new("go back to the approved rollout, or have this one approved", or_none(approved.rollout))
                    .found(or_none(rollout)),
            ),
        );
    }
    if model != approved.model {
        breaches.push(
            Rule::ModelDiffersFromApproved.correct(
                "the deployment model is not the one under which the plan was approved",
                "/approved/model",
                Fix::new("go back to that model, or have the plan approved under this one", model.to_string())
                    .found(approved.model.to_string()),
            ),
        );
    }
}

/// The breaches that no more specific rule reports: in the environment, the change, the product and the people.
fn same_parts(snapshot: &Snapshot, approved: &ApprovedPlan, breaches: &mut Vec<Finding>) {
    // Parts without a canonical form have no digest that was approved: then every part differs.
    let parts = Snapshot::subject_parts(&snapshot.deployment, &snapshot.evidence).ok();
    let part = |name: &str| parts.as_ref().and_then(|parts| parts.get(name));
    for (name, pointer) in [
        ("deployment", "/id"),
        ("people", "/requester"),
        ("product", "/product"),
        ("environment", "/environment"),
        ("change", "/change"),
        ("evidence", "/evidence"),
        ("blueprint", "/release/blueprint"),
        ("desired-instances", "/desired_instances"),
    ] {
        if parts.is_some() && part(name) == approved.parts.get(name) {
            continue;
        }
        let what = match name {
            "people" => "requester or the contributors",
            "desired-instances" => "desired instances",
            name => name,
        };
        let breach = Rule::SubjectDiffersFromApproved.correct(
            format!("the {what} of this deployment: that is not what was approved"),
            pointer,
            Fix::new(
                format!("go back to the approved {what}, or have this approved"),
                or_none(approved.parts.get(name).copied()),
            )
            .found(or_none(part(name).copied())),
        );
        breaches.push(breach.about(name));
    }
}

/// Checks the actual instances: if an instance of the release holds an approved component, it must be the approved one.
/// Whether an instance is complete and holds nothing else depends on its desired state, which a check must compare.
fn actual_instances(snapshot: &Snapshot, approved: &ApprovedPlan, breaches: &mut Vec<Finding>) {
    let gate = snapshot.gate;
    let deployed = gate.stage > Stage::Fulfill || gate.phase == Phase::Exit;
    if !deployed || snapshot.deployment.scenario == Scenario::Removal {
        return;
    }
    let digests = by_name(&approved.components);
    for (index, instance) in snapshot.deployment.actual_instances.iter().enumerate() {
        if instance.release.as_ref() != Some(&approved.release) {
            continue;
        }
        let whose = format!("instance `{}`", instance.id);
        for (place, component) in instance.components.iter().enumerate() {
            let Some(digest) = digests.get(component.name.as_str()) else { continue };
            let pointer = format!("/actual_instances/{index}/components/{place}");
            let breach = differing_digest(*digest, component, &whose, &pointer);
            breaches.extend(breach.map(|breach| breach.owned_by(INVENTORY_OWNER)));
        }
    }
}

/// The digests of components by name.
fn by_name(components: &[Component]) -> BTreeMap<&str, Option<Digest>> {
    components.iter().map(|component| (component.name.as_str(), component.digest)).collect()
}

/// Checks that the release holds the approved components and no others.
fn same_components(approved: &ApprovedPlan, found: &[Component], breaches: &mut Vec<Finding>) {
    let place = "/release/components";
    let (digests, found_digests) = (by_name(&approved.components), by_name(found));
    for (index, component) in found.iter().enumerate() {
        let pointer = format!("{place}/{index}");
        let name = &component.name;
        if let Some(digest) = digests.get(name.as_str()) {
            breaches.extend(differing_digest(*digest, component, "the release", &pointer));
        } else {
            let fix = Fix::new(format!("leave `{name}` out, or have it approved"), "only approved components");
            let message = format!("component `{name}` of the release was never approved");
            let breach = Rule::ReleaseDiffersFromApproved.correct(message, pointer, fix.found(name.clone()));
            breaches.push(breach.about(name));
        }
    }
    for missing in approved.components.iter().filter(|component| !found_digests.contains_key(component.name.as_str())) {
        let name = &missing.name;
        let fix =
            Fix::new(format!("add `{name}`, or have the release approved without it"), name.clone()).found("nothing");
        let message = format!("component `{name}` was approved, and the release lacks it");
        breaches.push(Rule::ReleaseDiffersFromApproved.correct(message, place, fix).about(name));
    }
}

fn differing_digest(approved: Option<Digest>, component: &Component, whose: &str, pointer: &str) -> Option<Finding> {
    if approved == component.digest {
        return None;
    }
    let name = &component.name;
    let fix = Fix::new(format!("use the approved `{name}`, or have this one approved"), or_none(approved))
        .found(or_none(component.digest));
    let fix = match approved {
        Some(digest) => fix.accepts(digest.to_string()),
        None => fix,
    };
    let message = format!("component `{name}` of {whose} is not the approved one: its digest differs");
    Some(Rule::DigestDiffersFromApproved.correct(message, format!("{pointer}/digest"), fix).about(name))
}

fn or_none(digest: Option<Digest>) -> String {
    digest.map_or_else(|| "no digest".to_owned(), |digest| digest.to_string())
}
