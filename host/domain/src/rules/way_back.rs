//! Rules 1, 2 and 8: until when a rollback can begin, when it is complete, what proves that it was rehearsed, and that a
//! rollout is carried out.

use std::collections::BTreeSet;

use super::{Fix, Rule};
use crate::{
    Deployment, DeploymentRecord, DeploymentResult, Direction, Finding, Gate, Instance, Progress, Scenario, Severity,
    Snapshot, Timestamp, WayBack, WayBackKind,
};

pub(super) fn check(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    rehearsed(&snapshot.deployment, breaches);
    carried_out(snapshot, breaches);
}

/// A plan that names the deployment that rehearsed its way back needs the record of that deployment.
fn rehearsed(deployment: &Deployment, breaches: &mut Vec<Finding>) {
    let named = deployment.plan.as_ref().and_then(|plan| plan.way_back.as_ref());
    let Some(id) = named.and_then(|way_back| way_back.rehearsed_by.as_ref()) else { return };
    let record = deployment.history.iter().find(|record| record.id == *id);
    let Some(found) = not_rehearsed(deployment, record) else { return };
    let expected =
        format!("a deployment of release `{}` that was rolled back in another environment", deployment.release.id);
    breaches.push(
        Rule::RehearsalNotProved
            .correct(
                format!("the deployment `{id}` does not prove that the way back was rehearsed: {found}"),
                "/plan/way_back/rehearsed_by",
                Fix::new(format!("rehearse the way back, and name {expected}; or leave `rehearsed_by` out"), expected)
                    .found(found),
            )
            .about(id),
    );
}

/// Why a record does not prove a rehearsal. None if it does.
fn not_rehearsed(deployment: &Deployment, record: Option<&DeploymentRecord>) -> Option<String> {
    let Some(record) = record else { return Some("the record of the product has no such deployment".to_owned()) };
    let release = &deployment.release;
    let same = match (record.digest, release.digest) {
        (Some(recorded), Some(deployed)) => recorded == deployed,
        _ => !record.components.is_empty() && record.components == release.component_identities(),
    };
    if record.outcome != DeploymentResult::RolledBack {
        return Some(format!("it ended as `{}`, and was not rolled back", record.outcome.as_str()));
    }
    if !same {
        return Some(format!("it deployed release `{}` with another digest", record.release));
    }
    (record.environment == deployment.environment.name)
        .then(|| format!("it was in `{}`, the environment of this deployment", record.environment))
}

/// Rule 8: at the exit of fulfill, every step of the rollout has ended well.
fn carried_out(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    if snapshot.gate != Gate::FULFILL_EXIT || snapshot.deployment.laid_out().is_none() {
        return;
    }
    let message = match &snapshot.deployment.progress {
        None => "the rollout was laid out, and no step of it was carried out".to_owned(),
        Some(progress) if progress.direction == Direction::Back => "the rollout is on its way back".to_owned(),
        Some(progress) => match progress.settled(snapshot.now).left().as_slice() {
            [] => return,
            [step] => format!("step `{step}` of the rollout is not done"),
            [step, rest @ ..] => format!("step `{step}` of the rollout and {} after it are not done", rest.len()),
        },
    };
    breaches.push(Rule::RolloutUnfinished.correct(
        message,
        "/progress",
        Fix::new("carry the rollout out, step by step", "a rollout of which every step has ended well"),
    ));
}

/// Checks that a rollback can begin at this moment: the point of no return has not begun, the moment of no return is not
/// over, and there is a way back.
///
/// # Errors
/// The first breach.
#[expect(clippy::result_large_err, reason = "a breach is rare, and looked at at once")]
pub fn may_roll_back(deployment: &Deployment, now: Timestamp) -> Result<(), Finding> {
    let refused = |rule: Rule, pointer: &str, message: String| Finding {
        pointers: vec![pointer.to_owned()],
        ..Finding::new(Severity::High, rule.code(), message)
    };
    if let Some(progress) = deployment.progress.as_ref().filter(|progress| progress.past_point_of_no_return) {
        let step = progress.rollout.point_of_no_return.clone();
        let named = step.as_ref().map_or_else(String::new, |step| format!(", step `{step}`,"));
        let message = format!("the point of no return{named} has been passed: there is no way back, only forward");
        let breach = refused(Rule::RollbackAfterPointOfNoReturn, "/plan/point_of_no_return", message);
        return Err(Finding { about: step, ..breach });
    }
    if way_back_of(deployment).is_some_and(|way_back| way_back.kind == WayBackKind::ForwardOnly) {
        let message = "the plan says that there is no way back, only forward".to_owned();
        return Err(refused(Rule::RollbackForwardOnly, "/plan/way_back", message));
    }
    match deployment.moment_of_no_return() {
        Some(moment) if moment < now => {
            let back = deployment.timing().map_or_else(String::new, |timing| format!(", which takes {},", timing.back));
            let message = format!(
                "the moment of no return has been passed at {moment}: the way back{back} would not end within the window, so \
                 there is only forward"
            );
            Err(refused(Rule::RollbackAfterMomentOfNoReturn, "/plan/slot", message))
        }
        _ => Ok(()),
    }
}

/// What is missing before a rollback is complete: steps of the way back that are not done, and differences between the
/// inventory and what was there before. Empty if nothing is.
pub fn unfinished_way_back(deployment: &Deployment, now: Timestamp) -> Vec<Finding> {
    let mut breaches = Vec::new();
    if let Some(step) = deployment.progress.as_ref().and_then(|progress| step_left(progress, now)) {
        breaches.push(
            Rule::RollbackIncomplete
                .correct(
                    format!("step `{step}` of the way back is not done"),
                    "/progress",
                    Fix::new(
                        "ask for the next step, and carry it out",
                        "a way back of which every step has ended well",
                    ),
                )
                .about(step),
        );
    }
    let Some(way_back) = way_back_of(deployment) else { return breaches };
    let environment = &deployment.environment.name;
    let targets: BTreeSet<&str> = deployment.plan.iter().flat_map(|plan| &plan.targets).map(String::as_str).collect();
    let there = deployment.actual_instances.iter().enumerate();
    let there = there.filter(|(_, instance)| instance.status.exists() && instance.environment == *environment);
    let there: Vec<(usize, &Instance)> = there.collect();
    let mut differs = |message: String, pointer: String, about: &str, expected: String| {
        let fix = Fix::new("go on with the way back, and attest the inventory", expected);
        breaches.push(Rule::RollbackIncomplete.correct(message, pointer, fix).about(about));
    };
    match (way_back.kind, &way_back.release) {
        (WayBackKind::LastKnownGood, Some(good)) => {
            for (index, instance) in &there {
                let id = &instance.id;
                let is_concerned =
                    targets.contains(id.as_str()) || instance.release.as_ref() == Some(&deployment.release.id);
                if is_concerned && instance.release.as_ref() != Some(good) {
                    let found = instance
                        .release
                        .as_ref()
                        .map_or("no release that is known".to_owned(), |r| format!("release `{r}`"));
                    differs(
                        format!("instance `{id}` has {found}, and not `{good}`, the last known good"),
                        format!("/actual_instances/{index}/release"),
                        id,
                        good.clone(),
                    );
                }
            }
            let missing = targets.iter().filter(|id| !there.iter().any(|(_, instance)| instance.id == **id));
            for id in missing {
                let message = format!("the inventory has no instance `{id}`, which is to have release `{good}` again");
                differs(message, "/actual_instances".to_owned(), id, good.clone());
            }
            if targets.is_empty() && !there.iter().any(|(_, instance)| instance.release.as_ref() == Some(good)) {
                let message = format!("no instance of the inventory has release `{good}`, the last known good");
                differs(message, "/actual_instances".to_owned(), good, good.clone());
            }
        }
        (WayBackKind::Removal, _) if deployment.scenario != Scenario::Removal => {
            let left = there.iter().filter(|(_, instance)| instance.release.as_ref() == Some(&deployment.release.id));
            for (index, instance) in left {
                differs(
                    format!("instance `{}` of release `{}` is still there", instance.id, deployment.release.id),
                    format!("/actual_instances/{index}/status"),
                    &instance.id,
                    "`removed`".to_owned(),
                );
            }
        }
        _ => {}
    }
    breaches
}

/// The first step of the way back that is due and not done.
fn step_left(progress: &Progress, now: Timestamp) -> Option<String> {
    let mut back = progress.settled(now);
    back.turn_back();
    back.left().first().map(|step| (*step).to_owned())
}

/// The way back of a deployment: that of the rollout, else that of the plan.
fn way_back_of(deployment: &Deployment) -> Option<&WayBack> {
    let laid_out = deployment.laid_out().map(|rollout| &rollout.way_back);
    laid_out.or_else(|| deployment.plan.as_ref().and_then(|plan| plan.way_back.as_ref()))
}
