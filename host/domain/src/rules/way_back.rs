//! Rules 1, 2 and 8: until when a rollback can begin, when it is complete, what proves that it was rehearsed, and that a
//! rollout is carried out.

use super::{Fix, Rule};
use crate::{
    BeforeRollout, Deployment, DeploymentRecord, DeploymentResult, Direction, FactSource, Finding, Gate,
    InstanceBefore, InstanceStatus, Progress, Provenance, Scenario, Severity, Snapshot, Timestamp, WayBack,
    WayBackKind,
};

pub(super) fn check(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    rehearsed(&snapshot.deployment, breaches);
    fits(snapshot, breaches);
    carried_out(snapshot, breaches);
}

/// A way back that would not end within the window is none: it is not approved, and the rollout does not begin.
fn fits(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    let deployment = &snapshot.deployment;
    let (Some(rollout), Some(timing)) = (&deployment.rollout, deployment.timing()) else { return };
    let (Some(window), Some(moment)) = (timing.window, timing.moment_of_no_return) else { return };
    if rollout.way_back.kind == WayBackKind::ForwardOnly {
        return;
    }
    let (late, begins) = match snapshot.gate {
        Gate::PLAN_EXIT => (moment < window.start, "when the window opens"),
        Gate::FULFILL_ENTRANCE => (moment < snapshot.now, "now"),
        _ => return,
    };
    if late {
        let message = format!(
            "the way back takes {}, and would not end within the window, by {}, if the rollout began {begins}",
            timing.back, window.end
        );
        let expected = "a window in which the way back fits".to_owned();
        let fix = Fix::new("have the change moved or its window extended, or plan a shorter way back", expected);
        breaches.push(Rule::WayBackTooLong.correct(message, "/change/window", fix.found(window.end.to_string())));
    }
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

/// When a way back began, and when the deployment last told its instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RollbackTimes {
    /// None if nothing had been changed before it began.
    pub began: Option<Timestamp>,
    /// When the deployment last told the instances that exist. None if it did not since it was requested.
    pub told: Option<Timestamp>,
}

/// What is missing before a rollback is complete: steps of the way back that are not done, and differences between the
/// inventory and what was there when fulfillment began. Empty if nothing is.
pub fn unfinished_way_back(
    deployment: &Deployment,
    before: &BeforeRollout,
    times: RollbackTimes,
    now: Timestamp,
) -> Vec<Finding> {
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
    differences(deployment, before, &mut breaches);
    if let Some(began) = times.began {
        stale(deployment, began, times.told, &mut breaches);
    }
    breaches
}

/// The differences between the instances that exist and those that did when fulfillment began, as far as the deployment may have
/// changed them.
fn differences(deployment: &Deployment, before: &BeforeRollout, breaches: &mut Vec<Finding>) {
    let new = Some(&deployment.release.id).filter(|_| before.scenario != Scenario::Removal);
    let mut differs = |message: String, pointer: String, about: &str, expected: String| {
        let fix = Fix::new("go on with the way back, and have the inventory told or attested", expected);
        breaches.push(Rule::RollbackIncomplete.correct(message, pointer, fix).about(about));
    };
    let is_target = |id: &String| before.targets.is_empty() || before.targets.contains(id);
    for was in before.instances.iter().filter(|was| is_target(&was.id)) {
        let id = &was.id;
        let Some((index, instance)) = deployment.instances_here().find(|(_, instance)| instance.id == *id) else {
            let message = format!("the inventory has no instance `{id}`, which was there before");
            differs(message, "/actual_instances".to_owned(), id, format!("the instance `{id}`"));
            continue;
        };
        let is = InstanceBefore::of(instance);
        let pointer = |member: &str| format!("/actual_instances/{index}/{member}");
        if is.release != was.release {
            let name = |release: &Option<String>| {
                release.as_ref().map_or("no release".to_owned(), |id| format!("release `{id}`"))
            };
            let message = format!("instance `{id}` has {}, and had {} before", name(&is.release), name(&was.release));
            differs(message, pointer("release"), id, name(&was.release));
        } else if is.components != was.components {
            let message = format!("the components of instance `{id}` are not those that it had before");
            differs(message, pointer("components"), id, "the versions and digests from before".to_owned());
        } else if is.status != was.status && is.status != InstanceStatus::Running {
            let message =
                format!("instance `{id}` is `{}`, and was `{}` before", is.status.as_str(), was.status.as_str());
            differs(message, pointer("status"), id, format!("`{}`", was.status.as_str()));
        }
    }
    let had_new = |id: &str| before.instances.iter().any(|was| was.id == id && was.release.as_ref() == new);
    for (index, instance) in deployment.instances_here() {
        let was_there = before.instances.iter().any(|was| was.id == instance.id && is_target(&was.id));
        if new.is_some() && instance.release.as_ref() == new && !had_new(&instance.id) && !was_there {
            let (id, release) = (&instance.id, &deployment.release.id);
            let message = format!("instance `{id}` of release `{release}` is there, and was not before");
            differs(message, format!("/actual_instances/{index}/status"), id, "`removed`".to_owned());
        }
    }
    // Whatever was there: the release that the plan returns to runs again.
    let good = before.way_back.as_ref().and_then(|way_back| way_back.release.as_ref());
    if let Some(good) = good
        && !deployment.instances_here().any(|(_, instance)| instance.release.as_ref() == Some(good))
    {
        let message = format!("no instance of the inventory has release `{good}`, the last known good");
        differs(message, "/actual_instances".to_owned(), good, good.clone());
    }
}

/// An inventory from before the way back says nothing of its result.
fn stale(deployment: &Deployment, began: Timestamp, told: Option<Timestamp>, breaches: &mut Vec<Finding>) {
    let provenance = &deployment.provenance;
    let is_kept = provenance.get("/actual_instances").is_some_and(|known| known.source == FactSource::Register);
    let old: Vec<String> = if is_kept {
        let instances = deployment.instances_here().filter(|(index, _)| {
            let known = Provenance::at(provenance, &format!("/actual_instances/{index}"));
            known.as_of.max(known.recorded).is_some_and(|at| at < began)
        });
        instances.map(|(_, instance)| format!("`{}`", instance.id)).collect()
    } else if told.is_none_or(|told| told < began) {
        vec!["the deployment".to_owned()]
    } else {
        Vec::new()
    };
    if old.is_empty() {
        return;
    }
    let message = match is_kept {
        true => format!("the inventory was attested before the way back began, at {began}: {}", old.join(", ")),
        false => format!("the instances were told before the way back began, at {began}"),
    };
    let fix =
        Fix::new("have the inventory told or attested as it is now", format!("an inventory as of {began} or later"));
    breaches.push(Rule::RollbackIncomplete.correct(message, "/actual_instances", fix));
}

/// The first step of the way back that is due and not done.
fn step_left(progress: &Progress, now: Timestamp) -> Option<String> {
    let mut back = progress.settled(now);
    back.turn_back(now);
    back.left().first().map(|step| (*step).to_owned())
}

/// The way back of a deployment: that of the rollout, else that of the plan.
fn way_back_of(deployment: &Deployment) -> Option<&WayBack> {
    let laid_out = deployment.laid_out().map(|rollout| &rollout.way_back);
    laid_out.or_else(|| deployment.plan.as_ref().and_then(|plan| plan.way_back.as_ref()))
}
